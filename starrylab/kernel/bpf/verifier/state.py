"""All that the verifier knows at one place of one path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from ....abi import ebpf as e
from .registers import UNSET, Kind, Reg
from .scalar import ANY, ZERO

UNWRITTEN: Final = ord("?")
MISC: Final = ord("m")
NULL: Final = ord("0")
_EMPTY: Final = bytes([UNWRITTEN]) * 8
_SAVED: Final = 0b11_1100_0000  #: R6 to R9, as bits: what a call leaves alone

Slot = Reg | bytes  #: 8 bytes of a stack: a register that was kept there, or a letter for each byte


class Frame:
    """What a function has: its registers, and its stack by 8 bytes, downwards."""

    __slots__ = ("callback", "called_from", "held", "regs", "stack", "start")

    def __init__(self, start: int, called_from: int = -1) -> None:
        self.start = start
        self.called_from = called_from  #: the instruction that called it
        self.regs: list[Reg] = [UNSET] * e.REGISTERS
        self.stack: dict[int, Slot] = {}
        #: of a function that a helper calls: the stacks of its callers when it was called last
        self.callback: tuple[dict[int, Slot], ...] | None = None
        self.held: frozenset[int] = frozenset()  #: what had to be given back then

    def copy(self) -> Frame:
        """Return a frame that may change without this one."""
        made = Frame(self.start, self.called_from)
        made.regs = list(self.regs)
        made.stack = dict(self.stack)
        made.callback, made.held = self.callback, self.held
        return made


class State:
    """The frames of a path, innermost last, and what has to be given back."""

    __slots__ = (
        "branches", "frames", "hits", "jumps", "misses", "parent", "refs", "steps",
    )  # fmt: skip

    def __init__(self, frames: list[Frame]) -> None:
        self.frames = frames
        self.refs: dict[int, int] = {}  #: what was acquired -> by which instruction
        self.parent: State | None = None  #: what was remembered last on the way here
        self.branches = 1  #: paths from here that have not ended
        self.hits = self.misses = 0  #: how often it did, and did not, say that nothing is new
        self.jumps = self.steps = 0  #: since something was remembered

    @property
    def frame(self) -> Frame:
        """The innermost frame."""
        return self.frames[-1]

    @property
    def regs(self) -> list[Reg]:
        """The registers."""
        return self.frames[-1].regs

    def copy(self) -> State:
        """Return a state that may change without this one."""
        made = State([frame.copy() for frame in self.frames])
        made.refs = dict(self.refs)
        made.parent = self.parent
        made.jumps, made.steps = self.jumps, self.steps
        return made

    def slots(self) -> Iterator[tuple[list[Reg] | dict[int, Slot], int, Reg]]:
        """Yield each place of a register: what it is in, where in it, and the register."""
        for frame in self.frames:
            for index, reg in enumerate(frame.regs):
                yield frame.regs, index, reg
            for place, slot in frame.stack.items():
                if isinstance(slot, Reg):
                    yield frame.stack, place, slot

    def forget_single_links(self) -> None:
        """Drop identities of numbers that only one register has."""
        links = Counter(reg.id for _, _, reg in self.slots() if reg.is_scalar and reg.id)
        for where, index, reg in list(self.slots()):
            if reg.is_scalar and reg.id and links[reg.id] == 1:
                where[index] = reg._replace(id=0)


class _Names:
    """Which identity of one state stands for which of another."""

    __slots__ = ("_back", "_map")

    def __init__(self) -> None:
        self._map: dict[int, int] = {}
        self._back: dict[int, int] = {}

    def same(self, old: int, new: int) -> bool:
        """Say whether they may stand for each other; 0 is none."""
        if not old or not new:
            return old == new
        return self._map.setdefault(old, new) == new and self._back.setdefault(new, old) == old


def covers(
    old: State, new: State, live: list[int], at: int, critical: list[int] | None = None
) -> bool:
    """Say whether whatever is true of ``new`` was checked with ``old``.

    ``live`` are the registers that are read again, by instruction, and ``critical`` those
    of them whose numbers decide what is safe (default: all).
    """
    if len(old.frames) != len(new.frames) or len(old.refs) != len(new.refs):
        return False
    names = _Names()
    last = len(old.frames) - 1
    for depth, (a, c) in enumerate(zip(old.frames, new.frames, strict=True)):
        if (a.start, a.called_from) != (c.start, c.called_from):
            return False
        place, mask = at, -1
        if depth != last:
            inner = old.frames[depth + 1]
            place = inner.called_from + (inner.callback is None)
            mask = -1 if inner.callback is not None else _SAVED
        needed = live[place] & mask
        exact = needed if critical is None else critical[place]
        for index in range(e.FP):
            if not needed >> index & 1:
                continue
            x, y = a.regs[index], c.regs[index]
            if not exact >> index & 1 and x.is_scalar and y.is_scalar:
                continue
            if not _covers_reg(x, y, names):
                return False
        if not _covers_stack(a.stack, c.stack, names):
            return False
    return all(names.same(x, y) for x, y in zip(sorted(old.refs), sorted(new.refs), strict=True))


def _covers_reg(old: Reg, new: Reg, names: _Names) -> bool:
    if old.kind is Kind.UNSET:
        return True
    if old.kind is not new.kind or not old.var.covers(new.var):
        return False
    if old.kind is Kind.SCALAR:
        return not old.id or names.same(old.id, new.id)
    return (
        old.map is new.map
        and (old.size, old.frame, old.function) == (new.size, new.frame, new.function)
        and names.same(old.id, new.id)
        and names.same(old.ref, new.ref)
    )


def _covers_stack(old: dict[int, Slot], new: dict[int, Slot], names: _Names) -> bool:
    for place, slot in old.items():
        other = new.get(place, _EMPTY)
        if isinstance(slot, Reg):
            if isinstance(other, Reg):
                if not _covers_reg(slot, other, names):
                    return False
            elif not slot.is_scalar or slot.var != ANY or slot.id or UNWRITTEN in other:
                return False
        elif not all(_covers_byte(kind, other, k) for k, kind in enumerate(slot)):
            return False
    return True


def _covers_byte(old: int, new: Slot, index: int) -> bool:
    if old == UNWRITTEN:
        return True
    if isinstance(new, Reg):
        return new.is_scalar and (old == MISC or new.var == ZERO)
    return new[index] == old or (old == MISC and new[index] == NULL)


def same(one: State, other: State, live: list[int], at: int) -> bool:
    """Say whether nothing has changed: a loop that goes on like this never ends."""
    return covers(one, other, live, at) and covers(other, one, live, at)
