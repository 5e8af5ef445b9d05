"""What one connected gdb asked for, and which processes it traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import EPERM, ESRCH
from ..control.api import Access, Stop
from .values import ANYBODY, EVERYBODY, GdbError, ThreadId, thread_text

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread

#: qSupported: what gdb may ask for that changes replies.
WISHES: Final = frozenset((
    "multiprocess", "fork-events", "vfork-events", "exec-events", "swbreak", "hwbreak",
    "no-resumed", "error-message",
))  # fmt: skip


@dataclass(slots=True)
class Traced:
    """A process that gdb knows; what it has inserted there, to take it out when gdb goes."""

    breakpoints: dict[int, set[int]] = field(default_factory=dict)  #: address -> kinds 0 and 1
    watches: set[tuple[int, int, Access]] = field(default_factory=set)  #: address, size, access
    catches_calls: bool = False


@dataclass(slots=True)
class Client:
    """The state of one connection."""

    wishes: set[str] = field(default_factory=set)  #: of WISHES
    traced: dict[int, Traced] = field(default_factory=dict)  #: by pid
    general: ThreadId = ANYBODY  #: whom memory and register packets mean (Hg)
    resumed: ThreadId = EVERYBODY  #: whom `c` and `s` mean (Hc)
    running: bool = False  #: gdb waits for a stop reply
    interrupted: bool = False  #: by Ctrl-C, since the lab went on
    stop: Stop | None = None  #: what was reported last
    #: What is still to be reported: process id, and what makes the reply.
    events: list[tuple[int, Callable[[], bytes | None]]] = field(default_factory=list)
    held: list[int] = field(default_factory=list)  #: processes that the last resume left out
    passed: frozenset[int] | None = None  #: QPassSignals: they do not stop; None: none said
    delivered: frozenset[int] | None = None  #: QProgramSignals; None: all of them
    file_system: int = 0  #: vFile:setfs; 0: the lab's root
    listing: list[bytes] = field(default_factory=list)  #: thread ids that qsThreadInfo still gives
    transfers: dict[bytes, bytes] = field(default_factory=dict)  #: objects in the middle of qXfer
    extended: bool = False

    def wants(self, wish: str) -> bool:
        """Tell whether gdb announced a feature."""
        return wish in self.wishes

    def next_event(self) -> bytes | None:
        """Return the reply for what happened meanwhile to a process that was to run."""
        for event in [event for event in self.events if event[0] not in self.held]:
            self.events.remove(event)
            reply = event[1]()
            if reply is not None:
                return reply
        return None

    def name(self, thread: Thread) -> bytes:
        """Return the id of a thread as this gdb reads it."""
        multiprocess = self.wants("multiprocess")
        return thread_text(thread.process.pid, thread.tid, multiprocess=multiprocess)


class Found:
    """Looks up processes and threads by what packets say."""

    def __init__(self, kernel: Kernel, client: Client) -> None:
        self._kernel = kernel
        self._client = client

    def living(self, pid: int) -> Process:
        """Return a process that has not ended; raise `GdbError`."""
        process = self._kernel.processes.get(pid)
        if process is None or process.zombie or not process.threads:
            raise GdbError(f"there is no process {pid}", ESRCH.errno)
        return process

    def process(self, pid: int) -> Process:
        """Return a traced process, any for ANY and ALL; raise `GdbError`."""
        client = self._client
        if pid > 0:
            if pid not in client.traced:
                raise GdbError(f"process {pid} is not attached", EPERM.errno)
            return self.living(pid)
        wanted = [client.general.pid, *client.traced]
        for each in wanted:
            process = self._kernel.processes.get(each)
            if each in client.traced and process is not None and process.threads:
                return process
        raise GdbError("no process is attached", ESRCH.errno)

    def thread(self, wanted: ThreadId) -> Thread:
        """Return a thread of a traced process; raise `GdbError`."""
        pid, tid = wanted
        if tid > 0:
            thread: Any = self._kernel.threads.get(tid)
            if thread is None or thread.exited or (pid > 0 and thread.process.pid != pid):
                raise GdbError(f"there is no thread {tid}", ESRCH.errno)
            self.process(thread.process.pid)
            found: Thread = thread
            return found
        process = self.process(pid)
        stop = self._client.stop
        chosen = process.threads.get(stop.tid) if stop is not None else None
        return chosen or next(iter(process.threads.values()))

    def current(self) -> Thread:
        """Return the thread that `Hg` chose; raise `GdbError`."""
        return self.thread(self._client.general)

    def traced(self) -> list[Process]:
        """Return the traced processes that live, by pid."""
        processes = self._kernel.processes
        return [processes[pid] for pid in sorted(self._client.traced) if pid in processes]
