"""What the hart calls at a trap: the hottest code of the kernel.

One system call costs about a microsecond in all, so the functions are closures: their
variables are cells and locals, not attributes.  Whatever is rare (a call that waits, a
signal, tracing) leaves user mode and is `Thread.step`'s business.  Tracing swaps entries
of the call table, so that it costs nothing while nobody traces.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..abi.errno import ENOSYS, LinuxError
from ..abi.signal import SIGKILL
from ..machine.api import PAGE_SHIFT, SyscallRegisters, TrapHandler
from .core.attention import ATTENTION_EXIT, ATTENTION_SIGNAL
from .core.sched import Park, park_traced
from .mm.space import BadAccess, OutOfMemory
from .switching import make_switch
from .syscalls._dispatching import dispatching
from .syscalls._guarded import guarded
from .syscalls._user_faults import resolving
from .thread_signals import deliver

if TYPE_CHECKING:
    from .core.events import Events
    from .core.tracing import Tracer
    from .kernel import Kernel
    from .syscalls import Entry, Table
    from .thread import Thread

_M64: Final = (1 << 64) - 1
_SAMPLE: Final = 31  #: every 32nd call of a thread is timed for its system time
_TABLE_SIZE: Final = 512  #: what serves all numbers beyond is the list's last entry

Call = Callable[["Thread", SyscallRegisters], Any]


class CallCatcher(Protocol):
    """Who stops threads at system calls; see the methods of `Tracer`."""

    def wants_call(self, thread: Thread, number: int) -> bool:
        """Say whether to look at this call."""
        ...

    def call_entered(self, thread: Thread, registers: SyscallRegisters) -> None:
        """Note that a wanted call is about to be served."""
        ...

    def call_left(self, thread: Thread, registers: SyscallRegisters, result: int) -> None:
        """Note that a wanted call is done."""
        ...

    def holds_call(self, thread: Thread) -> bool:
        """Say whether the thread is still held."""
        ...


class Calls:
    """System call number -> what serves it; the list is changed in place by tracing."""

    def __init__(self, table: Table, events: Events) -> None:
        self._table = table
        self._events = events
        self._catcher: Tracer | None = None
        self._follower: CallCatcher | None = None
        self._caught: frozenset[int] | None = None
        self._guarded = self._resolving = self._dispatching = False
        #: The declaration of a call by its number.
        self.entry: Callable[[int], Entry | None] = table.get
        self.list: list[Call] = [self._absent(number) for number in range(_TABLE_SIZE + 1)]
        events.on_change(self.refresh)
        self.refresh()

    def catch(self, tracer: Tracer | None, numbers: frozenset[int] | None = None) -> None:
        """Ask ``tracer`` at these calls (``None``: all) whether to stop; no tracer: no longer."""
        if tracer is not self._catcher or numbers != self._caught:
            self._catcher, self._caught = tracer, numbers
            self.refresh()

    def follow(self, follower: CallCatcher | None) -> None:
        """Ask ``follower`` as well, at every call (ptrace(2)); ``None``: no longer."""
        if follower is not self._follower:
            self._follower = follower
            self.refresh()

    def guard(self) -> None:
        """Ask at each call, from now on, whether the thread may make it (seccomp(2))."""
        if not self._guarded:
            self._guarded = True
            self.refresh()

    def dispatch(self) -> None:
        """Ask at each call, from now on, whether it is the program's own (`user_dispatch`)."""
        if not self._dispatching:
            self._dispatching = True
            self.refresh()

    def resolve_pages(self) -> None:
        """Let calls wait, from now on, for pages that a program brings (userfaultfd(2))."""
        if not self._resolving:
            self._resolving = True
            self.refresh()

    def refresh(self) -> None:
        """Put traced or plain calls into the list."""
        events, catcher, caught = self._events, self._catcher, self._caught
        tracing = events.syscall_enter is not None or events.syscall_exit is not None
        for number in range(_TABLE_SIZE + 1):
            entry = self._table.get(number)
            call = self._plain(number)
            if self._follower is not None:
                call = _caught(self._follower, call, self._plain)
            if catcher is not None and (caught is None or number in caught):
                call = _caught(catcher, call)
            call = _traced(events, entry, call) if tracing else call
            self.list[number] = dispatching(call) if self._dispatching else call

    def add(self, number: int, entry: Entry | None) -> None:
        """Serve ``number`` by ``entry`` (``None``: nobody); ``ValueError`` beyond the table."""
        if not 0 <= number < _TABLE_SIZE:
            raise ValueError(f"call numbers are 0 to {_TABLE_SIZE - 1}, not {number}")
        table = dict(self._table)  # the old one is shared by all kernels
        if entry is None:
            table.pop(number, None)
        else:
            table[number] = entry
        self._table, self.entry = table, table.get
        self.refresh()

    def of(self, file: str) -> dict[int, Entry]:
        """Return the calls that are declared in a source file."""
        return {n: entry for n, entry in self._table.items() if entry.where.startswith(f"{file}:")}

    def _plain(self, number: int) -> Call:
        """Return what serves a call while nobody looks."""
        call = self._unguarded(number)
        return guarded(call, self._unguarded) if self._guarded else call

    def _unguarded(self, number: int) -> Call:
        entry = self._table.get(number)
        if entry is None:
            return self._absent(number)
        return resolving(entry.call, entry.name) if self._resolving else entry.call

    def _absent(self, number: int) -> Call:
        events = self._events

        def absent(thread: Thread, registers: SyscallRegisters) -> int:
            if events.unknown_syscall is not None:
                events.unknown_syscall(thread, registers[7])
            raise ENOSYS

        return absent


def _caught(tracer: CallCatcher, call: Call, other: Callable[[int], Call] | None = None) -> Call:
    """Return ``call`` with a tracing stop before and after it, where the tracer wants one.

    With ``other`` a tracer may put another number in: it returns what serves that one.
    """

    async def stop_around(thread: Thread, registers: SyscallRegisters) -> int:
        tracer.call_entered(thread, registers)
        while tracer.holds_call(thread):
            await park_traced()
        before, registers = registers, thread.context.arguments()  # a debugger may change them
        try:
            chosen = call
            if other is not None and registers[7] != before[7]:
                chosen = _instead(other, before, registers)
            result: Any = chosen(thread, registers)
            if result is not None and type(result) is not int:
                result = await result
            result = _signed(result or 0)  # rt_sigreturn(2) returns a register as it is
        except LinuxError as error:
            result = -error.errno
        thread.context.set_result(result)
        tracer.call_left(thread, registers, result)
        while tracer.holds_call(thread):
            await park_traced()
        return _signed(thread.context.arguments()[0])

    def caught(thread: Thread, registers: SyscallRegisters) -> Any:
        if tracer.wants_call(thread, registers[7]):
            return stop_around(thread, registers)
        return call(thread, registers)

    return caught


def _signed(register: int) -> int:
    return register - (1 << 64) if register >= 1 << 63 else register


def _instead(other: Callable[[int], Call], before: SyscallRegisters, now: SyscallRegisters) -> Call:
    """Return what serves the call that a tracer has put in; number -1 skips it."""
    if now[7] == _M64 and now[0] != before[0]:
        return lambda _, registers: registers[0]  # the result that the tracer wants
    return other(now[7])


def _traced(events: Events, entry: Entry | None, call: Call) -> Call:
    def finish(thread: Thread, registers: SyscallRegisters, result: int) -> None:
        if events.syscall_exit is not None:
            events.syscall_exit(thread, entry, registers, result)

    async def wait(
        thread: Thread, registers: SyscallRegisters, coro: Coroutine[Any, Any, Any]
    ) -> int:
        try:
            result = await coro or 0
        except LinuxError as error:
            finish(thread, registers, -error.errno)
            raise
        finish(thread, registers, result)
        return result

    def traced(thread: Thread, registers: SyscallRegisters) -> Any:
        if events.syscall_enter is not None:
            events.syscall_enter(thread, entry, registers)
        try:
            result = call(thread, registers)
        except LinuxError as error:
            finish(thread, registers, -error.errno)
            raise
        if result is None or type(result) is int:
            finish(thread, registers, result or 0)
            return result
        return wait(thread, registers, result)

    return traced


class Traps:
    """The kernel's `TrapHandler`; ``thread`` is whose traps it serves."""

    syscall: Callable[[SyscallRegisters], int | None]
    page_fault: Callable[[int, int], int]

    def __init__(self, kernel: Kernel, calls: Calls) -> None:
        self.enter: Callable[[Thread], None]
        self.current: Callable[[], Thread]
        self._bind(kernel, calls)

    def _bind(self, kernel: Kernel, calls: Calls) -> None:
        thread: Thread = None  # type: ignore[assignment]
        table = calls.list
        monotonic = kernel.door.monotonic
        events = kernel.events

        def enter(next_thread: Thread) -> None:
            nonlocal thread
            thread = next_thread

        sleep, end = make_switch(kernel, enter)

        def syscall(registers: SyscallRegisters) -> int | None:
            t = thread
            count = t.syscalls = t.syscalls + 1
            started = 0 if count & _SAMPLE else monotonic()
            try:
                number = registers[7]
                result: Any = table[number if number < _TABLE_SIZE else -1](t, registers)
                if type(result) is not int:
                    if result is None:
                        result = 0
                    else:  # a coroutine: run it up to its first wait
                        try:
                            t.request = result.send(None)
                        except StopIteration as done:
                            result = done.value or 0
                        else:
                            t.pending = result
                            t.call = registers
                            t.entry = calls.entry(number)
                            return sleep(t)
            except LinuxError as error:
                result = -error.errno
            except Exception as bug:  # a kernel bug: stop this machine, not the lab
                kernel.panic(bug)
                return None
            if started:
                t.sampled_ns += (monotonic() - started) * (_SAMPLE + 1)
            if t.attention:
                if t.exited:
                    return None
                context = t.context
                context.set_result(result)
                try:
                    if t.attention == ATTENTION_EXIT:
                        return end(t)
                    # A handler is entered from here as well: it saves a third of the cost.
                    if t.attention == ATTENTION_SIGNAL and deliver(t):
                        return context.arguments()[0]
                except Exception as bug:
                    kernel.panic(bug)
                return None
            unsigned: int = result & _M64
            return unsigned

        def page_fault(addr: int, access: int) -> int:
            t = thread
            told = events.page_fault
            before = 0 if told is None else t.mm.table.get(addr >> PAGE_SHIFT, 0)
            try:
                entry = t.mm.fault(addr, access)
            except BadAccess:
                entry = 0
            except OutOfMemory:
                t.process.exit_group(SIGKILL)  # where there was nobody else to kill
                return 0
            except Exception as bug:
                kernel.panic(bug)
                return 0
            if told is not None:
                told(t, addr, access, before, entry)
            return entry

        self.enter = enter
        self.syscall = syscall
        self.page_fault = page_fault
        self.current = lambda: thread


def describe(error: BaseException) -> str:
    """Return the text of a kernel panic: what went wrong, and the kernel's own frames."""
    return "".join(traceback.format_exception(error))


__all__ = ["Calls", "Park", "TrapHandler", "Traps", "describe"]
