"""What the verifier tells the author of a program, in the shape of Linux's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .registers import UNSET, Kind, Reg

if TYPE_CHECKING:
    from .state import Frame, State

_COLUMN: Final = 40  #: where the registers of an instruction's result begin
_LEVEL1, _LEVEL2, _STATS = 1, 2, 4


class Log:
    """Text; at level 1 of the path at hand only, at level 2 of all."""

    def __init__(self, level: int) -> None:
        self.level = level
        self._parts: list[str] = []

    @property
    def wants_steps(self) -> bool:
        """Whether each instruction is to be shown."""
        return bool(self.level & (_LEVEL1 | _LEVEL2))

    @property
    def every_path(self) -> bool:
        """Whether paths that are done stay."""
        return bool(self.level & _LEVEL2)

    def add(self, text: str) -> None:
        """Append text."""
        if self.level:
            self._parts.append(text)

    def mark(self) -> int:
        """Return a place to come back to."""
        return len(self._parts)

    def cut(self, mark: int) -> None:
        """Drop what came after a place, unless everything is wanted."""
        if not self.every_path:
            del self._parts[mark:]

    def restart(self, mark: int) -> None:
        """Drop what came after a place: everything is done once more."""
        del self._parts[mark:]

    def text(self) -> bytes:
        """Return everything."""
        return "".join(self._parts).encode()


def changes(before: Frame | None, now: Frame) -> str:
    """Return the registers and slots of a frame that differ, as `` R0=5 fp-8=mmmmmmmm``."""
    found = []
    for index, reg in enumerate(now.regs):
        old = UNSET if before is None else before.regs[index]
        if reg != old and reg.kind is not Kind.UNSET:
            found.append(f" R{index}={reg.text()}")
    for place, slot in now.stack.items():
        if before is None or before.stack.get(place) != slot:
            text = slot.text() if isinstance(slot, Reg) else slot[::-1].decode()
            found.append(f" fp-{8 * (place + 1)}={text}")
    return "".join(found)


def whole(state: State) -> str:
    """Return everything that is known of the innermost frame."""
    refs = f" refs={','.join(map(str, state.refs))}" if state.refs else ""
    depth = len(state.frames) - 1
    return (f" frame{depth}:" if depth else "") + changes(None, state.frame) + refs


def padded(line: str, result: str) -> str:
    """Return an instruction and, in a column of its own, what it changed."""
    return f"{line:<{_COLUMN}};{result}" if result else line
