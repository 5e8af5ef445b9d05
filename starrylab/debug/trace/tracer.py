"""Follows system calls of some or all processes; can be switched on and off at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ...abi import signal as sig
from ...abi.errno import BY_NUMBER
from .decode import CallText
from .filters import Filter
from .processes import info_text
from .records import CallRecord, EventRecord, Sink
from .view import Style

if TYPE_CHECKING:
    from ...kernel.core.events import Listener
    from ...kernel.kernel import Kernel
    from ...kernel.signal.info import SignalInfo
    from ...kernel.syscalls import Entry
    from ...kernel.thread import Thread
    from ..stack import Stacks

_ENDS: Final = ("exit", "exit_group")  #: have no result
_NUMBER: Final = 7  #: the register of the call's number


@dataclass(slots=True)
class Options:
    """What is traced, and how it is shown."""

    filter: Filter = field(default_factory=lambda: Filter("all"))
    style: Style = field(default_factory=Style)
    follow: bool = True  #: children of traced processes too
    paths: tuple[bytes, ...] = ()  #: only calls that name one of these, or a descriptor of it
    successful: bool = True
    failed: bool = True


class Tracer:
    """One trace of one kernel.  Nothing is subscribed to while nobody is traced."""

    def __init__(
        self, kernel: Kernel, sinks: list[Sink], options: Options | None = None,
        stacks: Stacks | None = None,
    ) -> None:  # fmt: skip
        self._kernel = kernel
        self._sinks = sinks
        self.options = options if options is not None else Options()
        self._stacks = stacks  #: given if each call is to have its stack
        self._everybody = False
        self._pids: set[int] = set()
        self._begun: dict[int, tuple[CallRecord, CallText, int]] = {}
        self._listeners: dict[str, Listener] = {
            "syscall_enter": self._enter,
            "syscall_exit": self._exit,
            "signal": self._signal,
            "fork": self._fork,
            "exit": self._ended,
        }
        self._on = False

    # -- switches

    def trace_all(self) -> None:
        """Trace every process, and those that come."""
        self._everybody = True
        self._switch()

    def trace(self, pid: int) -> None:
        """Trace one process too."""
        self._pids.add(pid)
        self._switch()

    def untrace(self, pid: int) -> None:
        """Trace it no longer; calls that it is in are not printed."""
        self._pids.discard(pid)
        self._switch()

    def stop(self) -> None:
        """Trace nobody."""
        self._everybody = False
        self._pids.clear()
        self._switch()

    def show_stacks(self, *, on: bool) -> None:
        """Take the caller's stack at each call from now on, or no longer."""
        if not on:
            self._stacks = None
        elif self._stacks is None:
            from ..stack import Stacks

            self._stacks = Stacks(self._kernel)

    @property
    def traced(self) -> frozenset[int] | None:
        """The processes that are traced; ``None``: all of them."""
        return None if self._everybody else frozenset(self._pids)

    def _switch(self) -> None:
        wanted = self._everybody or bool(self._pids)
        if wanted == self._on:
            return
        self._on = wanted
        events = self._kernel.events
        change = events.subscribe if wanted else events.unsubscribe
        for kind, listener in self._listeners.items():
            change(kind, listener)
        self._begun.clear()

    def _follows(self, thread: Thread) -> bool:
        return self._everybody or thread.process.pid in self._pids

    # -- events

    def _enter(self, thread: Thread, entry: Entry | None, registers: tuple[int, ...]) -> None:
        name = entry.name if entry is not None else f"syscall_{registers[_NUMBER]}"
        options = self.options
        if not self._follows(thread) or name not in options.filter:
            return
        # Decoded now: the call may change the memory that its arguments point to.
        text = CallText(thread, entry, registers, options.style)
        if options.paths and not self._names_path(thread, entry, text):
            return
        kernel = self._kernel
        record = CallRecord(
            thread.process.pid, thread.tid, kernel.clock.realtime(), name, text.args, text.ready,
            tuple(registers[: len(entry.args) if entry is not None else 6]),
        )  # fmt: skip
        if self._stacks is not None:
            record.stack = self._stack(thread)
        if name in _ENDS:
            record.endless = True
            text.finish(None)
            record.result_text = "?"
            if options.successful:
                self._tell_call(record, begun=True)
            return
        self._begun[thread.tid] = (record, text, kernel.door.monotonic())
        if options.successful and options.failed:
            for sink in self._sinks:
                sink.begun(record)

    def _stack(self, thread: Thread) -> tuple[str, ...]:
        """Return the user frames; the frame above them is the call itself."""
        from ..stack_text import place, title

        assert self._stacks is not None
        return tuple(f"{title(frame)} at {place(frame)}" for frame in self._stacks.user(thread))

    def _names_path(self, thread: Thread, entry: Entry | None, text: CallText) -> bool:
        if entry is None:
            return False
        registers = text.view.registers
        for index, (_, ctype) in enumerate(entry.args):
            if ctype.show == "path":
                found = text.view.read(registers[index], 4096).partition(b"\0")[0]
            elif ctype.show == "fd":
                file = thread.fds.get(registers[index] & 0xFFFFFFFF)
                found = bytes(file.path()) if file is not None else b""
            else:
                continue
            if found in self.options.paths:
                return True
        return False

    def _exit(
        self, thread: Thread, entry: Entry | None, registers: tuple[int, ...], result: int
    ) -> None:
        begun = self._begun.pop(thread.tid, None)
        if begun is None:
            return
        record, text, started = begun
        record.duration_ns = self._kernel.door.monotonic() - started
        text.finish(result)
        record.result = result
        record.result_text = text.result_text()
        if text.view.failed:
            error = BY_NUMBER.get(-result)
            record.errno = error.__name__ if error is not None else str(-result)
        self._finish(record, failed=text.view.failed)

    def _finish(self, record: CallRecord, *, failed: bool) -> None:
        options = self.options
        if options.failed if failed else options.successful:
            self._tell_call(record, begun=not (options.failed and options.successful))

    def _tell_call(self, record: CallRecord, *, begun: bool) -> None:
        for sink in self._sinks:
            if begun:
                sink.begun(record)
            sink.ended(record)

    def _tell(self, thread: Thread, kind: str, text: str, **details: str | int) -> None:
        event = EventRecord(
            thread.process.pid, thread.tid, self._kernel.clock.realtime(), kind, text, details
        )
        for sink in self._sinks:
            sink.event(event)

    def _signal(self, thread: Thread, info: SignalInfo) -> None:
        if self._follows(thread):
            name = sig.name(info.signo)
            self._tell(thread, "signal", f"--- {name} {info_text(info)} ---", signal=name)

    def _fork(self, parent: Thread, child: Thread) -> None:
        if self.options.follow and parent.process.pid in self._pids:
            self._pids.add(child.process.pid)

    def _ended(self, thread: Thread, status: int) -> None:
        begun = self._begun.pop(thread.tid, None)
        if begun is not None:
            record, text, started = begun
            record.duration_ns = self._kernel.door.monotonic() - started
            text.finish(None)
            record.result_text = "?"
            self._finish(record, failed=False)
        if self._follows(thread):
            killer = status & 0x7F
            if killer:
                core = " (core dumped)" if status & 0x80 else ""
                name = sig.name(killer)
                self._tell(thread, "exit", f"+++ killed by {name}{core} +++", signal=name)
            else:
                code = status >> 8 & 0xFF
                self._tell(thread, "exit", f"+++ exited with {code} +++", status=code)
        if thread is thread.process.leader:
            self._pids.discard(thread.process.pid)
            if not self._pids and not self._everybody:
                self._switch()
