"""The seam between the kernel and whatever executes user instructions.

Starry Mix 4.1: ``UserContext.run() -> ReturnReason``.  A ``Hart`` runs a thread's
registers in an address space until the kernel is needed.  Most traps are served
without leaving user mode: the hart calls ``TrapHandler`` and goes on at once when it
answers, because leaving and re-entering costs several times the trap itself.

An address space is a page table: a plain ``dict`` from virtual page number to page
table entry.  An entry is an ``int``: the byte offset of a 4 KiB frame in ``Ram``, with
the permission bits below in its low bits.  Bits 3..11 belong to the kernel; a hart
ignores them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

PAGE_SIZE: Final = 4096  #: bytes
PAGE_SHIFT: Final = 12
PAGE_MASK: Final = PAGE_SIZE - 1

# Kinds of access.  The same bits are permissions in a page table entry, and PROT_* of
# mmap(2), so that `area.prot & access` needs no translation.  Plain integers: IntFlag
# costs 0.25 us an operation, and these are used at every page fault.
READ: Final = 1
WRITE: Final = 2
EXEC: Final = 4

PTE_PERMISSIONS: Final = READ | WRITE | EXEC
PTE_FRAME: Final = ~PAGE_MASK  #: masks the frame's byte offset out of an entry

PageTable = dict[int, int]  #: virtual page number -> entry
SyscallRegisters = tuple[int, int, int, int, int, int, int, int]  #: a0..a6 and the number, unsigned


@dataclass(frozen=True, slots=True)
class Left:
    """The handler asked to leave user mode (it knows why)."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A timer tick, or `Hart.interrupt`: user mode was left between two instructions."""


@dataclass(frozen=True, slots=True)
class PageFault:
    """An access that `TrapHandler.page_fault` refused."""

    addr: int  #: virtual byte address, exact
    access: int  #: READ, WRITE or EXEC


@dataclass(frozen=True, slots=True)
class Fault:
    """Any other exception; the program counter is at the instruction."""

    cause: str  #: "illegal instruction", "breakpoint" or "misaligned"
    addr: int = 0  #: the data address of a misaligned access, else 0


@dataclass(frozen=True, slots=True)
class Break:
    """A breakpoint (`HartDebug.set_breakpoints`); its instruction has not been executed."""

    addr: int  #: the program counter


@dataclass(frozen=True, slots=True)
class Watch:
    """An access that overlaps a watched range; its instruction is complete."""

    addr: int  #: of the access
    size: int  #: bytes
    access: int  #: READ, WRITE, or both (an atomic instruction)


@dataclass(frozen=True, slots=True)
class Stepped:
    """`HartDebug.step` executed its instruction."""


Trap = Left | Interrupt | PageFault | Fault | Break | Watch | Stepped

LEFT: Final = Left()
INTERRUPT: Final = Interrupt()
STEPPED: Final = Stepped()


class HartLost(Exception):
    """The CPU does not answer any more (the line to a board was cut): one line for the user."""


class TrapHandler(Protocol):
    """The kernel's side of a trap.  Neither method may raise."""

    def syscall(self, registers: SyscallRegisters) -> int | None:
        """Serve a system call.

        An unsigned 64-bit result goes to the result register and user code continues;
        ``None`` leaves user mode with ``LEFT`` (the result register is untouched).  The
        handler may move the running context's program counter.
        """
        ...

    def page_fault(self, addr: int, access: int) -> int:
        """Return a page table entry that permits ``access``, or 0 to refuse.

        ``addr`` is exact to the page only.  The handler has put the entry into the page
        table that is in use.
        """
        ...


class UserContext(Protocol):
    """One thread's user registers, whether a CPU holds them at the moment or not."""

    pc: int
    sp: int

    def arguments(self) -> SyscallRegisters:
        """Return the system call registers as they stand."""
        ...

    def set_result(self, value: int) -> None:
        """Set the result register (taken modulo 2**64)."""
        ...

    def set_argument(self, index: int, value: int) -> None:
        """Set argument register ``index`` (0..5)."""
        ...

    def set_tls(self, value: int) -> None:
        """Set the thread pointer."""
        ...

    def enter_function(
        self, pc: int, sp: int, return_address: int, arguments: tuple[int, int, int]
    ) -> None:
        """Enter the function at ``pc``: stack pointer, return address, three arguments."""
        ...

    def restart_syscall(self, first_argument: int) -> None:
        """Step back to the system call instruction, with its first argument restored."""
        ...

    def general(self) -> bytes:
        """Return the general registers in Linux's NT_PRSTATUS order (riscv64: pc, x1..x31)."""
        ...

    def set_general(self, data: bytes) -> None:
        """Set the general registers from `general`'s layout."""
        ...

    def floating(self) -> bytes:
        """Return the floating-point state in Linux's NT_PRFPREG layout (riscv64: f0..f31, fcsr)."""
        ...

    def set_floating(self, data: bytes) -> None:
        """Set the floating-point state from `floating`'s layout, and nothing beyond it."""
        ...

    def save(self) -> tuple[bytes, bytes]:
        """Return `general` and all that a signal frame needs besides.

        That is `floating`, and behind it what the CPU has beyond (loongarch64: the upper halves
        of vector registers, once the thread uses them).
        """
        ...

    def restore(self, general: bytes, floating: bytes) -> None:
        """Undo `save`; what is not in ``floating`` is as in a new thread then."""
        ...

    def clear(self, pc: int, sp: int) -> None:
        """Zero every register but these two (execve)."""
        ...


class RamWords(Protocol):
    """RAM as unsigned words of 4 or 8 bytes: what the kernel uses of a cast memoryview."""

    def __getitem__(self, index: int, /) -> int:
        """Return the word at ``index``."""
        ...

    def __setitem__(self, index: int, value: int, /) -> None:
        """Store the word at ``index``."""
        ...


class RamView(Protocol):
    """RAM as unsigned bytes: what the kernel uses of a memoryview, which it mostly is.

    Where a board has copies of frames it is not: then taking a slice fetches what is newer on
    the board, and what is stored in the slice is found before user code runs again.  So a
    slice is good until then, and no longer.
    """

    def __getitem__(self, part: slice, /) -> memoryview:
        """Return a part, writable, as it is now."""
        ...

    def __setitem__(self, part: slice, data: bytes | bytearray | memoryview, /) -> None:
        """Store all of a part."""
        ...

    def cast(self, form: Literal["I", "Q"], /) -> RamWords:
        """Return the same as words."""
        ...


class Ram(Protocol):
    """Physical memory, shared by kernel and CPU."""

    @property
    def size(self) -> int:
        """Bytes, a multiple of PAGE_SIZE."""
        ...

    @property
    def view(self) -> RamView:
        """All of it as unsigned bytes, writable."""
        ...

    @property
    def grain(self) -> int:
        """Bytes, a power of two: how much to look at where the length is not known (strings)."""
        ...

    @property
    def copy_page(self) -> Callable[[int, int], object] | None:
        """Copies a page to the first byte offset from the second; None: `view` does as well."""
        ...


class Watched(NamedTuple):
    """Bytes of user memory to watch."""

    addr: int
    size: int
    access: int  #: READ, WRITE or both


class HartDebug(Protocol):
    """What a debugger asks of a hart, by address space.  Nobody pays for it before `Hart.debug`.

    Both settings belong to one page table and replace its former ones; a fork of the address
    space has none.  Give back a table that goes away with two empty collections.
    """

    def step(self, context: UserContext) -> Trap:
        """Execute one instruction, whether there is a breakpoint at it or not.

        A system call is served.  A sequence from load-reserved to store-conditional counts as
        one instruction, since a stop inside it would make it fail for ever.  Returns
        ``STEPPED``, `Watch`, or what else `Hart.run` returns; then the instruction is still
        to be executed, but for a system call that waits (``LEFT``).
        """
        ...

    def set_breakpoints(self, table: PageTable, addrs: Collection[int]) -> None:
        """Make `Hart.run` return `Break` before the instructions at ``addrs``."""
        ...

    def set_watched(self, table: PageTable, watched: Collection[Watched]) -> None:
        """Make `Hart.run` return `Watch` after accesses to these bytes."""
        ...


class Hart(Protocol):
    """A hardware thread."""

    arch: str  #: a key of `abi.arch.ARCHES`

    @property
    def ram(self) -> Ram:
        """Physical memory."""
        ...

    def bind(self, handler: TrapHandler) -> None:
        """Name who serves traps; before the first `run`."""
        ...

    def new_context(self, template: UserContext | None = None) -> UserContext:
        """Make registers: all zero, or a copy of ``template``'s."""
        ...

    def use(self, table: PageTable) -> None:
        """Run in the address space ``table`` from now on."""
        ...

    def run(self, context: UserContext) -> Trap:
        """Run user code until the kernel is needed."""
        ...

    def switch(self, context: UserContext) -> bool:
        """From within `TrapHandler.syscall`: let `run` go on with another context.

        The handler's result is then that context's.  False, with nothing changed, where the
        hart cannot do that; the handler leaves instead.
        """
        ...

    def debug(self) -> HartDebug:
        """Return the hart's debugging side, always the same."""
        ...

    def interrupt(self) -> None:
        """Make `run` return ``INTERRUPT`` soon; callable from any thread and from a handler."""
        ...

    def flush_tlb(self) -> object:
        """Forget cached translations of the table in use: an entry lost a permission or page."""
        ...

    def flush_pages(self, pages: Sequence[int]) -> object:
        """Forget what `flush_tlb` does, but of these virtual page numbers only."""
        ...

    def code_changed(self, frame: int) -> None:
        """Drop code made from the frame at byte offset ``frame``: it was written, or freed.

        Cheap when nothing was ever executed from the frame.
        """
        ...

    def set_clock(self, read: Callable[[], int]) -> bool:
        """Name what the architecture's time counter shows to user code (riscv64: rdtime).

        False where the counter shows something else, or where reading it takes a trap.
        """
        ...

    def set_tick(self, period_ns: int) -> None:
        """Interrupt user code every ``period_ns``; 0 stops the ticks."""
        ...

    def close(self) -> None:
        """Release what the host lends: timers, memory."""
        ...
