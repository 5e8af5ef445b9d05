"""Where a breakpoint's words point: ``*ADDRESS``, ``FUNCTION``, ``FILE:LINE``, ``FILE:FUNCTION``.

Instead of a source file it may be a module: ``libc.so.6:malloc``.  The words are gdb's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .api import ControlError

if TYPE_CHECKING:
    from ...kernel.mm.space import AddressSpace
    from ..modules import Module
    from .code import Code


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a program, by name."""

    text: str
    address: int | None = None
    within: str = ""  #: a source file, or a module
    line: int = 0
    function: str = ""

    @property
    def missing(self) -> str:
        """Say that it was not found."""
        if self.line:
            return f"pending: no line {self.line} in file {self.within}"
        return f"pending: no function {self.function}" + (
            f" in {self.within}" if self.within else ""
        )


def parse(text: str, *, file: str = "", line: int = 0) -> Location:
    """Parse a location; ``file`` and ``line`` are where the user looks (for ``LINE``, ``+N``).

    Raises `ControlError`.
    """
    text = text.strip()
    if text.startswith("*"):
        return Location(text, address=_number(text[1:]))
    if text[:1] in "+-" and text[1:].isdigit():
        text = str(line + int(text))
    if text.isdigit():
        if not file:
            raise ControlError("no default source file: use FILE:LINE")
        return Location(text, within=file, line=int(text))
    within, colon, rest = _split(text)
    if not rest:
        raise ControlError(f"not a location: {text!r}")
    if colon and rest.isdigit():
        return Location(text, within=within, line=int(rest))
    return Location(text, within=within, function=rest)


def _split(text: str) -> tuple[str, str, str]:
    """Split at the last single colon: C++ names have double ones."""
    at = len(text)
    while (at := text.rfind(":", 0, at)) > 0:
        if text[at - 1] != ":" and text[at + 1 : at + 2] != ":":
            return text[:at], ":", text[at + 1 :].strip()
        at -= 1 if text[at - 1] == ":" else 0
    return "", "", text


def _number(text: str) -> int:
    try:
        address = int(text.strip(), 0)
    except ValueError:
        raise ControlError(f"not an address: {text!r}") from None
    if not -1 << 63 <= address < 1 << 64:
        raise ControlError(f"not an address: {text.strip()} has more than 64 bits")
    return address & (1 << 64) - 1


def resolve(location: Location, code: Code, space: AddressSpace) -> tuple[int, ...]:
    """Return the addresses of ``location`` in a process, maybe none."""
    if location.address is not None:
        return (location.address,)
    found: set[int] = set()
    for module in code.stacks.modules(space):
        found.update(addr + module.bias for addr in _in_module(location, module))
    return tuple(sorted(found))


def first_file(code: Code, space: AddressSpace) -> str:
    """Return the source file of ``main``, where the user looks at first; "" if unknown."""
    for module in code.stacks.modules(space):
        for match in module.symbols.find_function("main"):
            if match.file:
                return match.file
    return ""


def _in_module(location: Location, module: Module) -> list[int]:
    symbols = module.symbols
    if location.line:
        return symbols.find_line(location.within, location.line)
    matches = symbols.find_function(location.function)
    within = location.within
    if within and within not in (module.name, module.path):
        matches = [m for m in matches if m.file == within or m.file.endswith("/" + within)]
    return [match.prologue_end for match in matches]
