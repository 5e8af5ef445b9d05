"""A board that is not there: the monitor's requests served by an emulated CPU.

It has memory of its own and knows of the kernel's only what crosses the line, as a real board
does.  So what works here depends on nothing that a board would not have.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ..api import (
    EXEC,
    LEFT,
    PAGE_MASK,
    PAGE_SHIFT,
    PAGE_SIZE,
    PTE_FRAME,
    PTE_PERMISSIONS,
    READ,
    WRITE,
    Fault,
    Interrupt,
    PageFault,
    PageTable,
    SyscallRegisters,
    Trap,
)
from ..ram import HostRam
from ..unicorn.hart import UnicornHart
from . import monitor
from .follow import LIMIT, STRING, STRING_GRAIN, Follow
from .monitor import PC, Cause, Change, MonitorError, Stop

BASE: Final = 0x8000_0000  #: where the memory begins
_NS: Final = 100  #: of a tick of the board's counter
_CAUSES: Final = {READ: Cause.LOAD, WRITE: Cause.STORE, EXEC: Cause.FETCH}
_FAULTS: Final = {
    "illegal instruction": Cause.ILLEGAL,
    "breakpoint": Cause.BREAKPOINT,
    "misaligned": Cause.MISALIGNED,
}


class _Leave:
    """Serves no trap: whoever sent the program wants to hear of it."""

    def syscall(self, registers: SyscallRegisters) -> int | None:
        return None

    def page_fault(self, addr: int, access: int) -> int:
        return 0


class EmulatedBoard:
    """See `Monitor`."""

    arch = "riscv64"

    def __init__(self, size: int = 64 << 20, *, contexts: int = 64, spaces: int = 16) -> None:
        """Make a board with ``size`` bytes of memory."""
        self.memory = (BASE, size)
        self.contexts = contexts
        self.spaces = spaces
        self.slots = 64
        self._cache: dict[int, tuple[int, bytes]] = {}  #: slot -> key, page
        self._ram = HostRam(size)
        self._hart = UnicornHart(self._ram)
        self._hart.bind(_Leave())
        self._hart.set_clock(lambda: time.monotonic_ns() // _NS)
        self._contexts = [self._hart.new_context() for _ in range(contexts)]
        self._tables: list[PageTable] = [{} for _ in range(spaces)]
        self._written: set[int] = set()  #: frames whose translations may be old
        self._do: dict[type, Callable[..., None]] = {
            monitor.Write: self._write,
            monitor.Zero: lambda at, size: self._write(at, bytes(size)),
            monitor.Copy: lambda at, source: self._write(at, self._read(source, PAGE_SIZE)),
            monitor.Keep: self._keep,
            monitor.Fetch: lambda at, slot: self._write(at, self._cache[slot][1]),
            monitor.Map: self._map,
            monitor.Unmap: self._unmap,
            monitor.DropSpace: self._drop,
            monitor.SetRegisters: self._set_registers,
            monitor.SetFloating: lambda number, state: self._contexts[number].set_floating(state),
            monitor.CopyContext: self._copy_context,
            monitor.CodeChanged: self._code_changed,
        }

        self._follow: Mapping[int, Sequence[Follow]] = {}

    # -- Monitor -----------------------------------------------------------------------------------

    def follow(self, table: Mapping[int, Sequence[Follow]]) -> None:
        """See `Monitor.follow`."""
        self._follow = table

    def reset(self) -> None:
        """Forget everything but the cache, as at the begin of a session."""
        for number in range(self.spaces):
            self._drop(number)
        for context in self._contexts:
            context.clear(0, 0)
        self._follow = {}

    def run(self, changes: Sequence[Change], space: int, context: int, slice_ns: int) -> Stop:
        """See `Monitor.run`."""
        self.change(changes)
        hart = self._hart
        hart.use(self._tables[space])
        hart.set_tick(slice_ns)
        registers = self._contexts[context]
        trap = hart.run(registers)
        hart.set_tick(0)
        cause, addr = _describe(trap)
        known = {PC: registers.pc}
        if cause is not Cause.SYSCALL:
            return Stop(cause, addr, known)
        arguments = registers.arguments()
        known.update(zip(range(10, 18), arguments, strict=True))
        return Stop(cause, addr, known, tuple(self._followed(self._tables[space], arguments)))

    def change(self, changes: Sequence[Change]) -> None:
        """See `Monitor.change`."""
        for change in changes:
            self._do[type(change)](*change)

    def read(self, pieces: Sequence[tuple[int, int]]) -> list[bytes]:
        """See `Monitor.read`."""
        return [self._read(at, size) for at, size in pieces]

    def cached(self) -> list[int]:
        """See `Monitor.cached`."""
        return [self._cache.get(slot, (0, b""))[0] for slot in range(self.slots)]

    def registers(self, context: int) -> tuple[int, ...]:
        """See `Monitor.registers`."""
        data = self._contexts[context].general()
        words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
        return (0, *words[1:], words[0])

    def floating(self, context: int) -> bytes:
        """See `Monitor.floating`."""
        return self._contexts[context].floating()

    def state(self, context: int) -> tuple[tuple[int, ...], bytes]:
        """See `Monitor.state`."""
        return self.registers(context), self.floating(context)

    def close(self) -> None:
        """See `Monitor.close`."""
        self._hart.close()

    def _followed(
        self, table: PageTable, arguments: SyscallRegisters
    ) -> Iterator[tuple[int, bytes]]:
        """Yield what the arguments point to."""
        for pointer, unit, times, vector in self._follow.get(arguments[7], ()):
            at = arguments[pointer]
            if unit == STRING:
                yield from self._string(table, at)
                continue
            size = unit * arguments[times] if times >= 0 else unit
            head = list(self._stored(table, at, size))
            yield from head
            if vector:
                for base, length in struct.iter_unpack("<QQ", b"".join(d for _, d in head)):
                    yield from self._stored(table, base, length)

    def _stored(self, table: PageTable, at: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Yield what is there of pages that user code can store to, `LIMIT` bytes at most."""
        left = min(size, LIMIT)
        while left > 0 and (entry := table.get(at >> PAGE_SHIFT, 0)) & WRITE:
            length = min(left, PAGE_SIZE - (at & PAGE_MASK))
            offset = (entry & PTE_FRAME) + (at & PAGE_MASK)
            yield BASE + offset, self._ram.view[offset : offset + length].tobytes()
            at, left = at + length, left - length

    def _string(self, table: PageTable, at: int) -> Iterator[tuple[int, bytes]]:
        end = at + LIMIT
        while at < end:
            size = STRING_GRAIN - at % STRING_GRAIN
            pieces = list(self._stored(table, at, size))
            yield from pieces
            if not pieces or 0 in pieces[0][1]:
                break
            at += size

    # -- changes -----------------------------------------------------------------------------------

    def _read(self, at: int, size: int) -> bytes:
        return self._ram.view[self._offset(at, size) :][:size].tobytes()

    def _write(self, at: int, data: bytes) -> None:
        offset = self._offset(at, len(data))
        self._ram.view[offset : offset + len(data)] = data
        first, last = offset >> PAGE_SHIFT, (offset + len(data) - 1) >> PAGE_SHIFT
        self._written.update(number << PAGE_SHIFT for number in range(first, last + 1))

    def _offset(self, at: int, size: int) -> int:
        offset = at - BASE
        if offset < 0 or offset + size > self._ram.size:
            raise MonitorError(f"the board has no memory at {at:#x}")
        return offset

    def _keep(self, slot: int, at: int, key: int) -> None:
        self._cache[slot] = key, self._read(at, PAGE_SIZE)

    def _map(self, space: int, vpn: int, at: int, access: int) -> None:
        self._tables[space][vpn] = self._offset(at, PAGE_SIZE) | access & PTE_PERMISSIONS
        self._hart.flush_tlb()

    def _unmap(self, space: int, vpn: int) -> None:
        self._tables[space].pop(vpn, None)
        self._hart.flush_tlb()

    def _drop(self, space: int) -> None:
        self._tables[space].clear()
        self._hart.flush_tlb()

    def _set_registers(self, number: int, values: tuple[tuple[int, int], ...]) -> None:
        context = self._contexts[number]
        data = bytearray(context.general())
        for register, value in values:
            at = 0 if register == PC else 8 * register
            data[at : at + 8] = value.to_bytes(8, "little")
        context.set_general(bytes(data))

    def _copy_context(self, number: int, source: int) -> None:
        general, floating = self._contexts[source].save()
        self._contexts[number].restore(general, floating)

    def _code_changed(self) -> None:
        for frame in self._written:
            self._hart.code_changed(frame)
        self._written.clear()


def _describe(trap: Trap) -> tuple[Cause, int]:
    """Return what a monitor says of a trap: the cause, and the address of the access."""
    match trap:
        case PageFault(addr, access):
            return _CAUSES[access & -access], addr
        case Fault(cause, addr):
            return _FAULTS[cause], addr
        case Interrupt():
            return Cause.SLICE, 0
        case _ if trap is LEFT:
            return Cause.SYSCALL, 0
    raise MonitorError(f"the emulated board stopped for {trap}")
