"""System calls as tracepoints, and those calls that map code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ...abi import numbers
from . import sampling, symbols
from .counter import FIRST_TRACEPOINT
from .moment import Moment
from .tracepoints import FIRST_CALL, FIRST_EXIT, SYS_ENTER, SYS_EXIT

if TYPE_CHECKING:
    from ...machine.api import SyscallRegisters
    from ..syscalls import Entry
    from ..thread import Thread
    from .sideband import Sideband
    from .system import Perf

_ENTER: Final = FIRST_TRACEPOINT + SYS_ENTER.id
_EXIT: Final = FIRST_TRACEPOINT + SYS_EXIT.id
_MOST: Final = 512  #: numbers of calls
_M64: Final = (1 << 64) - 1

Call = Callable[["Thread", tuple[int, ...]], Any]


class CallSource:
    """raw_syscalls:sys_enter and sys_exit, syscalls:sys_enter_NAME and sys_exit_NAME."""

    def __init__(self, owner: Perf) -> None:
        self._perf = owner

    def start(self) -> None:
        """See `Source.start`."""
        self._perf.kernel.events.subscribe("syscall_enter", self._enter)
        self._perf.kernel.events.subscribe("syscall_exit", self._exit)

    def stop(self) -> None:
        """See `Source.stop`."""
        self._perf.kernel.events.unsubscribe("syscall_enter", self._enter)
        self._perf.kernel.events.unsubscribe("syscall_exit", self._exit)

    def _enter(self, thread: Thread, _entry: Entry | None, registers: SyscallRegisters) -> None:
        number = registers[7]
        self._tell(thread, _ENTER, number, lambda: SYS_ENTER.pack(
            thread.tid, _signed(number), *registers[:6]))  # fmt: skip
        if number < _MOST:
            self._tell_one(thread, FIRST_CALL + number, number, registers[:6])

    def _exit(
        self, thread: Thread, _entry: Entry | None, registers: SyscallRegisters, result: int
    ) -> None:
        number = registers[7]
        self._tell(thread, _EXIT, number, lambda: SYS_EXIT.pack(
            thread.tid, _signed(number), _signed(result & _M64)))  # fmt: skip
        if number < _MOST:
            self._tell_one(thread, FIRST_EXIT + number, number, (_signed(result & _M64),))

    def _tell_one(self, thread: Thread, point: int, number: int, values: tuple[int, ...]) -> None:
        def pack() -> bytes:
            found = self._perf.points[point]
            return found.pack(thread.tid, number, *values[: len(found.fields) - 1])

        self._tell(thread, FIRST_TRACEPOINT + point, number, pack)

    def _tell(self, thread: Thread, key: int, number: int, pack: Callable[[], bytes]) -> None:
        moment: Moment | None = None
        for counter in self._perf.counting(thread, key):
            if moment is None:
                moment = Moment(thread, symbols.call_address(number), user=False, raw=pack())
            sampling.happened(counter, moment)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


class MapSource:
    """Reports what mmap(2) and mprotect(2) make executable.

    These two calls are replaced by ones that report, for as long as somebody listens.
    """

    _CALLS: Final = ("mmap", "mprotect")

    def __init__(self, owner: Perf, sideband: Sideband) -> None:
        self._perf = owner
        self._sideband = sideband
        self._plain: dict[int, Entry] = {}

    def start(self) -> None:
        """See `Source.start`."""
        calls, arch = self._perf.kernel.calls, self._perf.kernel.arch
        for name in self._CALLS:
            number = numbers.number(arch, name)
            entry = calls.entry(number)
            if entry is not None:
                self._plain[number] = entry
                calls.add(number, replace(entry, call=self._reporting(entry.call, name)))

    def stop(self) -> None:
        """See `Source.stop`."""
        for number, entry in self._plain.items():
            self._perf.kernel.calls.add(number, entry)
        self._plain.clear()

    def _reporting(self, plain: Call, name: str) -> Call:
        tell = self._sideband.mapped

        def call(t: Thread, registers: tuple[int, ...]) -> Any:
            result = plain(t, registers)
            start = result if name == "mmap" else registers[0]
            if isinstance(start, int):
                tell(t, start, start + max(1, registers[1]))
            return result

        return call
