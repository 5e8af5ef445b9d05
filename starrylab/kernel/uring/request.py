"""A request under way: one entry of a submission queue, on behalf of who submitted it.

A request is a task, and to the code of system calls it is the thread: it has the submitter's
address space, descriptors and credentials, and does its own waiting.  So an operation runs the code
of the system call of the same name, and where that waits, the request waits and not the thread.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from ...abi.errno import EAGAIN, ECANCELED, LinuxError
from ...abi.uring import IORING_CQE_F_MORE
from ..core.parking import Park, State, park
from ..core.poll import Pollable, poll_io
from ..core.sched import Task
from ..files.file import File
from .queues import Entry

if TYPE_CHECKING:
    from ..files.fdtable import FdTable
    from ..mm.space import AddressSpace
    from ..task.cred import Credentials
    from ..thread import Thread
    from .buffers import Buffer
    from .registered import Node
    from .ring import Ring

T = TypeVar("T")
Result = int | Coroutine[Any, Any, int] | None

#: What `Operation.issue` returns when it will end the request itself, later.
LATER: Final = -(1 << 40)


class Operation(Protocol):
    """What a request does."""

    @property
    def name(self) -> str:
        """As in <linux/io_uring.h>, without IORING_OP_."""
        ...

    @property
    def events(self) -> int:
        """What to wait for when the file is not ready: POLLIN or POLLOUT; 0 never waits."""
        ...

    @property
    def issue(self) -> Callable[[Request], Result]:
        """Do it: the result, a coroutine that returns it, or `LATER`."""
        ...


class Request(Task):
    """One operation from its submission to its completion."""

    __slots__ = (
        "_coro", "addr", "addr3", "beginning", "broken", "buf_index", "buffers", "cqe_flags",
        "cred", "data", "ended", "failed", "fd", "fds", "file_index", "flags", "has_buffer",
        "ioprio", "kernel", "length", "link", "link_timeout", "mm", "nodes", "nowait", "off",
        "on_begun", "on_cancel", "op", "op_flags", "opcode", "opened", "personality", "quiet",
        "quiet_links", "ring", "stopped", "tail", "thread", "user_data",
    )  # fmt: skip

    def __init__(self, ring: Ring, thread: Thread, entry: Entry, tail: bytes) -> None:
        super().__init__(thread.executor)
        (self.opcode, self.flags, self.ioprio, self.fd, self.off, self.addr, self.length,
         self.op_flags, self.user_data, self.buf_index, self.personality, self.file_index,
         self.addr3, _) = entry  # fmt: skip
        self.tail = tail  #: what follows the first 48 bytes
        self.ring = ring
        self.thread = thread  #: who submitted it; it ends before the thread does
        self.kernel = thread.kernel
        self.mm: AddressSpace = thread.mm
        self.fds: FdTable = thread.fds
        self.cred: Credentials = thread.cred
        self.op: Operation = None  # type: ignore[assignment]  # set when it is accepted
        self.opened: File | None = None  #: the file that the operation is about
        self.data: Any = None  #: what the operation read when it was submitted
        self.nodes: list[Node[Any]] = []  #: registered files and buffers that are used
        self.buffers: list[Buffer] = []  #: chosen from the group for the present transfer
        self.has_buffer = False  #: the last of the nodes is its registered buffer
        self.link: Request | None = None  #: begins when this one has succeeded
        self.link_timeout: Request | None = None  #: IORING_OP_LINK_TIMEOUT
        self.nowait = False  #: fail with ``EAGAIN`` instead of waiting
        self.broken = False  #: what it was linked to has failed, or it never begins
        self.failed: bool | None = None  #: whether links break; None: a negative result does it
        self.cqe_flags = 0
        self.quiet = False  #: no completion is stored
        self.quiet_links = False  #: nor for links that are cancelled
        self.ended = False
        self.on_cancel: Callable[[], object] | None = None  #: undoes what `LATER` waits for
        #: called when it has begun and not ended at once
        self.on_begun: Callable[[Request], object] | None = None
        self.beginning = False  #: its first attempt is under way
        self.stopped = True  #: not begun yet
        self._coro: Coroutine[Any, Any, int] | None = None

    def __getattr__(self, name: str) -> Any:
        """Be the submitting thread in all that a request does not have itself."""
        return getattr(self.thread, name)

    @property
    def name(self) -> str:
        """See `Task.name`."""
        return f"io_uring {self.op.name.lower()} of thread {self.thread.tid}"

    # -- what system calls use ----------------------------------------------------------------

    def file(self, fd: int) -> File:
        """See `Thread.file`."""
        return self.fds[fd]

    def install(self, file: File, *, cloexec: bool = False) -> int:
        """See `Thread.install`; a direct descriptor is a slot of the ring."""
        return self.fds.install(file, self.thread.process.limits.nofile, cloexec=cloexec)

    def wait_io(
        self, file: File | Pollable, events: int, attempt: Callable[[], T],
        timeout_ns: int | None = None, *, nonblocking: bool | None = None,
    ) -> Coroutine[Any, Any, T]:  # fmt: skip
        """See `Thread.wait_io`; O_NONBLOCK does not count, and neither do a socket's timeouts."""
        return poll_io(self, file, events, attempt, nonblocking=self.nowait)

    # -- running --------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; it may have ended when this returns."""
        self.beginning = True
        self._begin()
        self.beginning = False
        if self.on_begun is not None and not self.ended:
            self.on_begun(self)

    def _begin(self) -> None:
        self.stopped = False
        try:
            self.ring.resolve(self)
            result = self._attempt()
        except LinuxError as error:
            self.end(-error.errno)
            return
        if result == LATER:
            return
        if result is None or isinstance(result, int):
            self.end(result or 0)
            return
        self._coro = result
        self.step()
        if not self.ended and self.state is State.RUNNABLE:
            self.executor.enqueue(self)

    def _attempt(self) -> Result:
        """Issue the operation; wait for its file where that is not ready."""
        try:
            result = self.op.issue(self)
        except EAGAIN:
            if not self.may_wait:
                raise
        else:
            if not isinstance(result, Coroutine) or not self.may_wait:
                return result
            return self._go_on(result)
        return self._retry()

    @property
    def may_wait(self) -> bool:
        """Whether ``EAGAIN`` means to wait for the file."""
        file = self.opened
        return (
            bool(self.op.events)
            and not self.nowait
            and file is not None
            and type(file).register is not File.register
        )

    async def _go_on(self, result: Coroutine[Any, Any, int]) -> int:
        try:
            return await result
        except EAGAIN:
            return await self._retry()

    async def _retry(self) -> int:
        file = self.opened
        assert file is not None
        while True:
            await self.ready(file, self.op.events)
            try:
                result = self.op.issue(self)
                if result is None or isinstance(result, int):
                    return result or 0
                return await result
            except EAGAIN:
                continue

    async def ready(self, file: Pollable, events: int) -> None:
        """Sleep until ``file`` says that something may have changed."""
        file.register(self, events)
        await park()

    def step(self) -> None:
        """See `Task.step`."""
        coro = self._coro
        if coro is None:
            return
        self.state = State.RUNNABLE
        if self.thread.exited:
            self.cancel()
            return
        try:
            asked = coro.send(None)
        except StopIteration as done:
            self._coro = None
            self.end(done.value or 0)
        except LinuxError as error:
            self._coro = None
            self.end(-error.errno)
        else:
            if asked is not Park.YIELD:
                self.state = State.PARKED if asked is Park.INTERRUPTIBLE else State.DISK

    # -- the end ---------------------------------------------------------------------------------

    def more(self, result: int, flags: int = 0) -> bool:
        """Store a completion of several; False: there is no room, so it must be the last."""
        return self.ring.post_more(self, result, flags | IORING_CQE_F_MORE)

    def disarm(self) -> None:
        """End a linked timeout whose request has ended: no failure."""
        if self.ended:
            return
        undo, self.on_cancel = self.on_cancel, None
        if undo is not None:
            undo()
        self.failed = False
        self.end(-ECANCELED.errno)

    def has_failed(self, result: int) -> bool:
        """Tell whether what is linked must not begin."""
        return result < 0 if self.failed is None else self.failed

    def end(self, result: int) -> None:
        """Complete with ``result``."""
        if self.ended:
            return
        self.ended = True
        self.state = State.DONE
        self.on_cancel = None
        self.ring.complete(self, result)

    @property
    def waits(self) -> bool:
        """Whether it has begun and can be cancelled."""
        return not self.ended and not self.stopped and (
            self._coro is not None or self.on_cancel is not None
        )  # fmt: skip

    def cancel(self, result: int = -ECANCELED.errno) -> bool:
        """End a waiting request with ``result``; False if it is not waiting."""
        if not self.waits:
            return False
        coro, self._coro = self._coro, None
        if coro is not None:
            if getattr(coro, "cr_running", False):  # it is what cancels
                self._coro = coro
                return False
            coro.close()
        if result < 0:
            self.failed = True
        undo, self.on_cancel = self.on_cancel, None
        if undo is not None:
            undo()
        self.end(result)
        return True

    def use(self, node: Node[Any]) -> None:
        """Keep what is registered until the request has ended."""
        if node not in self.nodes:
            node.users += 1
            self.nodes.append(node)

    def release(self) -> None:
        """Let go of what the request holds."""
        for node in self.nodes:
            node.release()
        self.nodes.clear()
        file, self.opened = self.opened, None
        if file is not None:
            file.release()
