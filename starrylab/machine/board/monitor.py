"""What a `BoardHart` asks of the monitor on its board.

`link/monitor` has the client that sends these requests over a line; this package knows only
their meaning.  Every method is a round trip, which at 115200 baud costs as much as a hundred
bytes, so changes are collected in a list and go with the next `Monitor.run`.

The monitor keeps the register sets of several threads and the page tables of several address
spaces, both by number, so that neither crosses the line at a switch.  Both start as zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, Protocol

from ..api import HartLost
from .follow import Follow


class Write(NamedTuple):
    """Store ``data`` at the physical address ``at``."""

    at: int
    data: bytes


class Zero(NamedTuple):
    """Store ``size`` zeros at ``at``."""

    at: int
    size: int


class Copy(NamedTuple):
    """Copy the page at ``source`` to the one at ``at``."""

    at: int
    source: int


class Keep(NamedTuple):
    """Put the page at ``at`` into the board's cache, in place of what the slot had."""

    slot: int
    at: int
    key: int  #: `page_key` of its content


class Fetch(NamedTuple):
    """Copy a page of the cache to ``at``."""

    at: int
    slot: int


#: In `Map.access`: the next run stores there.  A monitor that notes stores at the first one would
#: end a load-reserved otherwise.
STORED: Final = 8


class Map(NamedTuple):
    """Map the page at ``at`` in a space; replaces what was mapped there."""

    space: int
    vpn: int
    at: int
    access: int  #: READ, WRITE, EXEC of `machine.api`, and `STORED`


class Unmap(NamedTuple):
    """Take a page's mapping away."""

    space: int
    vpn: int


class DropSpace(NamedTuple):
    """Take all mappings of a space away."""

    space: int


class SetRegisters(NamedTuple):
    """Set general registers: numbers of the architecture, `PC` for the program counter."""

    context: int
    values: tuple[tuple[int, int], ...]


class SetFloating(NamedTuple):
    """Set the floating-point state: NT_PRFPREG, and what `UserContext.save` has behind it."""

    context: int
    state: bytes


class CopyContext(NamedTuple):
    """Make context ``context`` equal to ``source``."""

    context: int
    source: int


class CodeChanged(NamedTuple):
    """Code was written: make fetches see it (fence.i, ibar)."""


Change = (
    Write | Zero | Copy | Keep | Fetch | Map | Unmap | DropSpace
    | SetRegisters | SetFloating | CopyContext | CodeChanged
)  # fmt: skip

PC = 32  #: the number of the program counter among the general registers


class Cause(Enum):
    """Why user mode was left."""

    SYSCALL = "system call"
    FETCH = "fetch"  #: the page does not permit it; also of pages that are not mapped
    LOAD = "load"
    STORE = "store"
    ILLEGAL = "illegal instruction"
    BREAKPOINT = "breakpoint"
    MISALIGNED = "misaligned"
    SLICE = "slice"  #: the time is over


@dataclass(frozen=True, slots=True)
class Stop:
    """The answer to `Monitor.run`."""

    cause: Cause
    addr: int  #: of the access that failed, exact; else 0
    #: Registers by number as far as they came along; always `PC` (at a system call already
    #: behind its instruction), and then also those of its arguments and its number.
    registers: dict[int, int]
    #: Memory that came along, by physical address: what the arguments point to.
    memory: tuple[tuple[int, bytes], ...] = ()
    #: Pages that user code stored to in this run, by physical address; None: any writable one.
    dirty: frozenset[int] | None = None


class MonitorError(HartLost):
    """The board does not answer, or refuses: one line for the user."""


class Monitor(Protocol):
    """The monitor on a board.  Every method raises `MonitorError`."""

    arch: str  #: a key of `abi.arch.ARCHES`
    memory: tuple[int, int]  #: physical address and bytes that are free for pages
    contexts: int  #: how many register sets it keeps
    spaces: int  #: how many page tables it keeps
    slots: int  #: pages of its cache, which outlives a session; 0: it has none

    def follow(self, table: Mapping[int, Sequence[Follow]]) -> None:
        """Say what comes along with a system call, by its number.

        Only from pages that user code can store to: the kernel knows what the others have.
        """
        ...

    def run(self, changes: Sequence[Change], space: int, context: int, slice_ns: int) -> Stop:
        """Do ``changes`` in order, then run user code until a trap, ``slice_ns`` at most."""
        ...

    def change(self, changes: Sequence[Change]) -> None:
        """Do ``changes`` in order."""
        ...

    def read(self, pieces: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the content of each piece of physical memory, (address, size)."""
        ...

    def cached(self) -> list[int]:
        """Return the keys of the pages in the cache, by slot; 0 where there is none."""
        ...

    def registers(self, context: int) -> tuple[int, ...]:
        """Return the 32 general registers and the program counter."""
        ...

    def floating(self, context: int) -> bytes:
        """Return the floating-point state, as `SetFloating` has it."""
        ...

    def state(self, context: int) -> tuple[tuple[int, ...], bytes]:
        """Return `registers` and `floating`."""
        ...

    def close(self) -> None:
        """Leave the board waiting for the next who talks to it."""
        ...
