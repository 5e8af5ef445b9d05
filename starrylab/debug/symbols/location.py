"""What an address stands for, and what a name is found as: the values that symbol lookups give."""

from __future__ import annotations

from typing import Final, NamedTuple


class Location(NamedTuple):
    """One frame of the answer to "what is at this address"."""

    function: str  #: demangled; "" when unknown
    file: str  #: as the compiler recorded it, joined with its folder; "" when unknown
    line: int  #: 1 up; 0 when unknown
    column: int  #: 1 up; 0 when unknown
    inlined: bool  #: true for every frame but the outermost physical one
    offset: int  #: bytes from the start of the physical function; -1 when unknown
    linkage_name: str  #: as the linker knows it; "" when it has none


UNKNOWN: Final = Location("", "", 0, 0, inlined=False, offset=-1, linkage_name="")


class FunctionMatch(NamedTuple):
    """A place where the code of a function begins, in a body of its own or inlined."""

    address: int  #: virtual address in the file
    name: str  #: demangled, with its namespaces
    file: str  #: of the declaration; "" when unknown
    line: int  #: of the declaration; 0 when unknown
    prologue_end: int  #: where a breakpoint belongs; equals ``address`` when unknown or inlined
    inlined: bool = False
