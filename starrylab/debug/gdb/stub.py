"""The stub: packets in, packets out, for one connected gdb.

Nothing here knows sockets.  All-stop mode: while the lab runs gdb says nothing but Ctrl-C, and
what it says in spite of that is kept until the next stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ...abi.errno import EBUSY
from ...abi.signal import SIGKILL
from ...kernel.core.sched import Waker
from ..control.api import Action, Control, ControlError, EventKind, Kind, Reason, Stop
from ..stack import Stacks
from . import files, memory, monitor, queries, resuming, stopping, threads, tls, transfer
from .client import Client, Found, Traced
from .files import GuestFiles
from .link import Link
from .registers import RegisterFile
from .signals import every_signal
from .stops import StopReplies, exit_reply
from .values import GdbError

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread

#: What serves a packet: gets what follows its name; ``None``: there is no reply (now).
Handler = Callable[["Stub", bytes], bytes | None]

_FAMILIES: Final = (files, memory, monitor, queries, resuming, stopping, threads, tls, transfer)
_EVENTS: Final = frozenset((EventKind.FORK, EventKind.EXEC, EventKind.EXIT))
_PIECE: Final = 2048  #: bytes of text in one O packet
_MOST_HELD: Final = 64  #: packets kept while the lab runs
_ENDS: Final = b":;,"  #: of the name of a packet that begins with q, Q or v


class Stub:
    """One connection's protocol machine."""

    def __init__(self, kernel: Kernel, control: Control, send: Callable[[bytes], object]) -> None:
        self.kernel = kernel
        self.control = control
        self.client = Client()
        self.found = Found(kernel, self.client)
        self.registers = RegisterFile(kernel.arch)
        self.replies = StopReplies(kernel, self.client, self.found, self.registers)
        self.files = GuestFiles()
        self.link = Link(send, self._arrived, self._interrupt)
        self._handlers: dict[str, Handler] = {
            name: handler for family in _FAMILIES for name, handler in family.PACKETS.items()
        }
        self._actions: Mapping[int, Action] = {}  #: of the last resume
        self._waiting: list[bytes] = []  #: packets that came while the lab ran
        self._began = False
        self._resumed_by_others = False
        self._paused_for_event = False
        self._serving = False
        self._vforks: list[_VforkEnd] = []

    @cached_property
    def stacks(self) -> Stacks:
        """The stacks of the lab's threads."""
        return Stacks(self.kernel)

    # -- from outside ------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Serve bytes from gdb; raise `link.LinkError` for what is no gdb."""
        self.link.receive(data)

    def stopped(self, stop: Stop) -> None:
        """Tell gdb of a stop if it waits for one, and serve what it said meanwhile."""
        client = self.client
        if client.running:
            client.stop = stop
            reply = self._stop_reply(stop)
            self._paused_for_event = False
            if reply is None:
                self.control.resume(self._actions, Action())
                return
            client.running = client.interrupted = False
            self.link.send(reply)
            if not client.traced and self._is_off():
                self.release()
        elif self._resumed_by_others or not client.traced:
            client.stop = stop
            if not client.traced and stop.reason is Reason.PANIC:
                self.control.resume()  # nobody wants to know
        elif stop.reason is not Reason.PAUSE:  # one of several at once: gdb gets it next
            client.events.append((stop.pid, lambda: self._later(stop)))
        self._resumed_by_others = False
        self._serve_waiting()

    def resumed(self) -> None:
        """Note that the lab goes on."""
        if not self.client.running:
            self._resumed_by_others = True
            self.client.events.clear()

    def machine_ended(self, status: int) -> None:
        """Tell gdb that the lab is off; ``status`` is the first process's, as of wait(2)."""
        client = self.client
        if client.running and client.traced:
            pid = next(iter(client.traced))
            status = status if pid == self.kernel.init.pid else SIGKILL
            self.link.send(exit_reply(pid, status, multiprocess=client.wants("multiprocess")))
        client.running = False
        client.traced.clear()

    def closed(self) -> None:
        """Forget everything that this gdb set; the lab goes on."""
        self.files.close_all()
        for vfork in self._vforks:
            vfork.stub = None
        if not self._began:
            return
        for pid in list(self.client.traced):
            self.let_go(pid)
        self.release()

    # -- for the handlers --------------------------------------------------------------------

    def go_on(self, actions: Mapping[int, Action]) -> None:
        """Let the lab run; actions by thread id, everybody else continues."""
        self.client.running = True
        self.client.interrupted = False
        self.client.transfers.clear()
        # Going on once more, after a stop that gdb need not know, must not repeat signals.
        self._actions = {tid: replace(action, signal=None) for tid, action in actions.items()}
        self.control.resume(actions, Action())

    def trace(self, process: Process) -> None:
        """Tell gdb of stops in ``process`` from now on."""
        self.client.traced.setdefault(process.pid, Traced())
        self.control.adopt(process)

    def let_go(self, pid: int) -> None:
        """Take out what gdb inserted into a process, and forget the process."""
        traced = self.client.traced.pop(pid)
        self.client.events = [event for event in self.client.events if event[0] != pid]
        process = self.kernel.processes.get(pid)
        if process is None or not process.threads:
            return
        for addr in traced.breakpoints:
            self.control.remove(process, addr)
        for addr, size, access in traced.watches:
            self.control.remove_watch(process, addr, size, access)
        if traced.catches_calls:
            self.control.catch_calls(process, ())
        self.control.leave_alone(process)

    def release(self) -> None:
        """Let the lab run without anybody listening."""
        self.client.running = False
        if self._began:
            self.kernel.events.unsubscribe("exit", self._thread_ends)
        self._began = False
        self._waiting.clear()
        self.control.catch_events(())
        self.control.set_signals((), every_signal())
        if self.control.paused:
            self.control.resume()

    def kill(self, process: Process) -> None:
        """End a process; the lab goes on if it was the last that gdb knew."""
        self.let_go(process.pid)
        self.control.kill(process)
        if not self.client.traced:
            self.release()

    def print(self, text: str) -> None:
        """Show text on gdb's terminal; only while gdb waits for a reply."""
        data = text.encode(errors="replace")
        for start in range(0, len(data), _PIECE):
            self.link.send(b"O" + data[start : start + _PIECE].hex().encode())

    def writable(self, thread: Thread) -> Thread:
        """Return ``thread`` if its registers may be changed; raise `GdbError`."""
        if thread.pending is not None:
            raise GdbError(
                "the thread waits in a system call, which will set registers", EBUSY.errno
            )
        return thread

    # -- serving -----------------------------------------------------------------------------

    def _arrived(self, packet: bytes) -> None:
        if len(self._waiting) < _MOST_HELD:
            self._waiting.append(packet)
        self._serve_waiting()

    def _interrupt(self) -> None:
        """Ctrl-C."""
        if self.client.running:
            self.client.interrupted = True
            self.control.pause()

    def _serve_waiting(self) -> None:
        """Serve packets as long as the lab stands still; make it stand still for the first."""
        if self._serving:  # a handler resumed the lab, and it stopped again at once
            return
        self._serving = True
        try:
            while self._waiting and not self.client.running:
                if not self.control.paused:
                    self.control.pause()
                    if not self.control.paused:
                        return
                self._begin()
                self._serve(self._waiting.pop(0))
        finally:
            self._serving = False

    def _begin(self) -> None:
        """Trace the first process, when gdb has said its first word."""
        if self._began:
            return
        self._began = True
        init = self.kernel.init
        if not init.zombie:
            self.trace(init)
        self.client.stop = self.control.stop
        self.kernel.events.subscribe("exit", self._thread_ends)
        self.control.catch_events(_EVENTS)
        stopping.tell_signals(self)

    def _serve(self, packet: bytes) -> None:
        name = packet_name(packet)
        handler = self._handlers.get(name)
        if handler is None:
            self.link.send(b"")
            return
        try:
            reply = handler(self, packet[len(name) :])
        except GdbError as error:
            reply = self._error(error)
        except ControlError as error:
            reply = self._error(GdbError(str(error)))
        if reply is not None:
            self.link.send(reply)
        if name == "QStartNoAckMode":
            self.link.acknowledges = False

    def _error(self, error: GdbError) -> bytes:
        if self.client.wants("error-message"):
            return b"E." + str(error).encode("ascii", "replace").replace(b"#", b"?")
        return b"E%02x" % (error.number & 0xFF)

    def _is_off(self) -> bool:
        return self.kernel.exit_status is not None or self.kernel.panic_text is not None

    # -- stops -------------------------------------------------------------------------------

    def _stop_reply(self, stop: Stop) -> bytes | None:
        if stop.reason is Reason.PAUSE and not self.client.interrupted:
            event = self.client.next_event()
            if event is not None or self._paused_for_event:
                return event
        if stop.reason is Reason.PANIC:
            self.print(f"kernel panic: {stop.text}\n")
        reply = self.replies.reply(stop)
        if reply is not None and stop.reason is Reason.FORK:
            self._forked(self.kernel.threads[stop.tid], self.kernel.threads[stop.child])
        return reply

    def _thread_ends(self, thread: Thread, status: int) -> None:
        """Report that nothing runs any more when the last thread ends that gdb let run."""
        client, process = self.client, thread.process
        if not client.running or process.pid not in client.traced:
            return
        if process.exit_status is not None or len(process.threads) == 1:
            return  # the whole process ends, which is reported as such
        if not client.wants("no-resumed") or any(
            other is not thread and not other.exited and not self._holds(other)
            for each in self.found.traced()
            for other in each.threads.values()
        ):
            return
        self._happened(process.pid, lambda: b"N")

    def _holds(self, thread: Thread) -> bool:
        action = self._actions.get(thread.tid)
        return action is not None and action.kind is Kind.HOLD

    def _later(self, stop: Stop) -> bytes | None:
        """Return the reply for a stop that came together with another one."""
        self.client.stop = stop
        return self._stop_reply(stop)

    def _forked(self, parent: Thread, child: Thread) -> None:
        """Trace the child; for vfork(2), watch for the moment at which the parent goes on."""
        self.trace(child.process)
        if child.mm is not parent.mm or child.process.vfork_done is None:
            return
        end = _VforkEnd(self, parent)
        self._vforks.append(end)
        child.process.vfork_done.register(end)

    def vfork_ended(self, end: _VforkEnd) -> None:
        """Report it as soon as may be."""
        self._vforks.remove(end)
        pid = end.parent.process.pid
        if pid in self.client.traced and not end.parent.exited:
            self._happened(pid, lambda: self.replies.vfork_done(end.parent))

    def _happened(self, pid: int, reply: Callable[[], bytes]) -> None:
        """Report an event of our own: soon, or when gdb lets its process go on."""
        self.client.events.append((pid, reply))
        if self.client.running and pid not in self.client.held:
            self._paused_for_event = True
            self.control.pause()


class _VforkEnd(Waker):
    """Waits with the parent of a vfork(2) for the child's execve or end."""

    __slots__ = ("parent", "stub")

    def __init__(self, stub: Stub, parent: Thread) -> None:
        self.stub: Stub | None = stub
        self.parent = parent

    @property
    def alive(self) -> bool:
        """See `Waker.alive`."""
        return self.stub is not None

    def wake(self) -> None:
        """See `Waker.wake`."""
        stub, self.stub = self.stub, None
        if stub is not None:
            stub.vfork_ended(self)


def packet_name(packet: bytes) -> str:
    """Return a packet's name: a letter, or a word after q, Q and v."""
    if packet[:1] not in (b"q", b"Q", b"v"):
        return packet[:1].decode("latin-1")
    end = next((i for i, byte in enumerate(packet) if byte in _ENDS), len(packet))
    return packet[:end].decode("latin-1")
