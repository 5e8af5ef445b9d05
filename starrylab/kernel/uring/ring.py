"""A ring as a file (io_uring(7)): requests in flight, completions, and what is registered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EBADF, ECANCELED, EINVAL
from ...abi.fcntl import O_CLOEXEC, O_RDWR
from ...abi.poll import POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ...abi.uring import (
    IORING_CQ_EVENTFD_DISABLED,
    IORING_OFF_CQ_RING,
    IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_R_DISABLED,
    IORING_SETUP_TASKRUN_FLAG,
    IORING_SQ_CQ_OVERFLOW,
    IORING_SQ_TASKRUN,
    IOSQE_FIXED_FILE,
    IOSQE_IO_DRAIN,
    IOSQE_IO_HARDLINK,
)
from ..core.poll import PollSet
from ..core.sched import Waker
from ..files.eventfd import EventFd
from ..files.file import File
from .memory import OwnMemory
from .queues import Queues
from .registered import FixedBuffers, FixedFiles
from .request import Request

if TYPE_CHECKING:
    from ..mm.source import PageSource
    from ..task.cred import Credentials
    from ..thread import Thread
    from .buffers import Group
    from .memory import Memory

_OFFSET_MASK: Final = 0xF8000000  #: which memory an offset for mmap(2) means
_READABLE: Final = POLLIN | POLLRDNORM
_WRITABLE: Final = POLLOUT | POLLWRNORM

Completion = tuple[int, int, int, bytes]  #: user data, result, flags, the second half


#: register calls, operations, flags, flags that must be there
Allowed = tuple[frozenset[int], frozenset[int], int, int]


class Ring(File):
    """One ring."""

    __slots__ = (
        "_batch", "_cq_waiters", "_deferred", "_drained", "_draining", "_late", "_moving",
        "_ready", "_serving", "_sq_waiters", "allowed", "buffers", "counted", "dead", "eventfd",
        "eventfd_async", "expired", "files", "groups", "has_quiet", "issuer", "living", "maker",
        "next_personality", "overflow", "pending_allowed", "personalities", "poller", "queues",
        "regions", "requests", "sequence", "setup", "wait_region",
    )  # fmt: skip

    kind = "io_uring"

    def __init__(self, queues: Queues, setup: int, maker: Thread) -> None:
        super().__init__(O_RDWR | O_CLOEXEC)
        self.flags = O_RDWR
        self.queues = queues
        self.setup = setup  #: IORING_SETUP_*
        self.maker = maker  #: whose descriptors and memory a poller uses
        self.issuer: Thread | None = None  #: who alone may submit (SINGLE_ISSUER)
        if not setup & IORING_SETUP_R_DISABLED:
            self.issuer = maker
        self.requests: dict[Request, None] = {}  #: begun, in the order of their submission
        self.living = 0  #: requests accepted and not ended, links and drained ones included
        self.sequence = 0  #: completions but those of timeouts, for timeouts that count them
        self.counted: list[tuple[Request, int]] = []  #: those timeouts, and for which number
        self.overflow: deque[Completion] = deque()  #: completions without room
        self.files: FixedFiles | None = None
        self.buffers: FixedBuffers | None = None
        self.groups: dict[int, Group] = {}
        self.regions: dict[int, Memory] = {}  #: what mmap(2) finds, by its offset
        self.wait_region: OwnMemory | None = None  #: for IORING_ENTER_EXT_ARG_REG
        self.personalities: dict[int, Credentials] = {}
        self.next_personality = 1
        self.eventfd: EventFd | None = None
        self.eventfd_async = False
        #: what IORING_REGISTER_RESTRICTIONS allows
        self.allowed: Allowed | None = None
        self.pending_allowed: Allowed | None = None  #: ... once the ring is enabled
        self.poller: Waker | None = None  #: the task of IORING_SETUP_SQPOLL
        self.has_quiet = False  #: IOSQE_CQE_SKIP_SUCCESS was used
        self.expired = 0  #: timeouts that were due: each ends a wait
        self.dead = False
        self._batch: list[tuple[Request, int]] | None = None
        #: what ended in the course of a submission, but not as a part of it: told afterwards
        self._late: list[tuple[Request, int]] = []
        self._deferred: deque[Callable[[], object]] = deque()
        self._serving = False  #: the issuer is in the kernel and takes completions at once
        self._ready: deque[Request] = deque()
        self._moving = False
        self._draining: deque[list[Request]] = deque()  #: chains that wait for a drain
        self._drained = 0  #: requests in them
        self._cq_waiters = PollSet()
        self._sq_waiters = PollSet()

    # -- the file ----------------------------------------------------------------------------

    def poll(self) -> int:
        """See ``File.poll``."""
        shape = self.queues.shape
        readable = self.queues.completed or self.overflow or self._deferred
        ready = _READABLE if readable else 0
        return ready | (_WRITABLE if self.queues.submitted < shape.sq_entries else 0)

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        if events & _READABLE:
            self._cq_waiters.register(waker)
        if events & _WRITABLE:
            self._sq_waiters.register(waker)

    def map_range(self, prot: int, flags: int, offset: int, size: int) -> tuple[PageSource, int]:
        """See ``File.map_range``: the queues, the entries, rings of provided buffers."""
        kind = offset & _OFFSET_MASK
        memory = self.regions.get(0 if kind == IORING_OFF_CQ_RING else offset)
        if not isinstance(memory, OwnMemory):
            raise EINVAL
        return memory, 0

    def took_entries(self) -> None:
        """Wake who waits for room in the submission queue."""
        self._sq_waiters.wake()

    def closed(self) -> None:
        """Cancel what is under way and let go of everything."""
        self.dead = True
        self.cancel_all(lambda _: True)
        for slots in (self.files, self.buffers):
            if slots is not None:
                slots.clear_all()
        self.files = self.buffers = None
        self.set_eventfd(None)
        for memory in self.regions.values():
            memory.drop()
        self.regions.clear()
        self.stop_poller()

    def stop_poller(self) -> None:
        """End the task that looks for entries, if the ring has one."""
        poller, self.poller = self.poller, None
        if poller is not None:
            poller.wake()

    def set_eventfd(self, counter: EventFd | None, *, only_async: bool = False) -> None:
        """Tell ``counter`` of completions; ``only_async``: not of those within a submission."""
        old, self.eventfd = self.eventfd, counter
        self.eventfd_async = only_async
        if counter is not None:
            counter.acquire()
        if old is not None:
            old.release()

    # -- requests ----------------------------------------------------------------------------

    def resolve(self, request: Request) -> None:
        """Find the file of a request that begins; ``EBADF``."""
        if request.opened is None and getattr(request.op, "file", False):
            if request.flags & IOSQE_FIXED_FILE:
                if self.files is None:
                    raise EBADF
                node = self.files.get(request.fd)
                request.use(node)
                file = node.item
            else:
                file = request.fds[request.fd]
            file.acquire()
            request.opened = file
        self.requests[request] = None

    def begin_batch(self) -> None:
        """Hold completions back until `end_batch`, as a submission does."""
        self._batch = []

    def end_batch(self) -> None:
        """Store the completions that were held back, then begin what is linked to them."""
        batch, self._batch = self._batch or [], None
        serving, self._serving = self._serving, True
        for request, result in batch:
            self._store(request, result)
        if batch:
            self._tell(inline=True)
        for request, result in batch:
            self._follow(request, result)
        self._serving = serving
        self._move()
        late, self._late = self._late, []
        for request, result in late:
            self.complete(request, result)

    def queue(self, chain: list[Request]) -> None:
        """Begin a chain of linked requests, or let it wait for what was submitted before."""
        if self._draining or chain[0].flags & IOSQE_IO_DRAIN:
            self._draining.append(chain)
            self._drained += _size(chain)
            self._drain()
        else:
            chain[0].start()

    def _drain(self) -> None:
        """Begin chains whose turn it is; see ``io_queue_deferred()``."""
        seen, first = False, True
        while self._draining:
            chain = self._draining[0]
            seen = seen or bool(chain[0].flags & IOSQE_IO_DRAIN)
            if (seen or first) and self.living != self._drained:
                return
            self._draining.popleft()
            self._drained -= _size(chain)
            self._ready.append(chain[0])
            first = False
        self._move()

    def _move(self) -> None:
        """Begin what is ready; not recursively, chains may be long."""
        if self._moving or self._batch is not None:
            return
        self._moving = True
        try:
            while self._ready:
                request = self._ready.popleft()
                if request.broken:
                    request.end(-ECANCELED.errno)
                elif not request.ended:
                    request.start()
        finally:
            self._moving = False

    # -- completions -------------------------------------------------------------------------

    def complete(self, request: Request, result: int) -> None:
        """Note that a request has ended: now, or when its batch or its issuer is served."""
        if self._batch is not None:
            inline = request.beginning or request.stopped
            (self._batch if inline else self._late).append((request, result))
        elif self._defers:
            self._defer(lambda: self._finish(request, result))
        else:
            self._finish(request, result)

    def post_more(self, request: Request, result: int, flags: int) -> bool:
        """Store one of several completions; False: the queue is full."""
        if self.overflow or self.queues.full:
            return False
        return self.post_from_outside(request.user_data, result, flags)

    def post(
        self, user_data: int, result: int, flags: int = 0, extra: bytes = bytes(16)
    ) -> None:  # fmt: skip
        """Store a completion, or keep it until there is room."""
        if self.dead:
            return
        self._put(user_data, result, flags, extra)
        self.sequence += 1
        self._tell(inline=False)
        self._count()

    def tell_tag(self, tag: int) -> None:
        """Say that what was registered with ``tag`` is gone."""
        self.post(tag, 0)

    def post_from_outside(self, user_data: int, result: int, flags: int) -> bool:
        """Store a completion that no request of this ring made; False: nobody can see it."""
        if self.dead:
            return False
        if self._defers:
            self._defer(lambda: self.post(user_data, result, flags))
        else:
            self.post(user_data, result, flags)
        return True

    def _put(self, user_data: int, result: int, flags: int, extra: bytes = bytes(16)) -> None:
        if self.overflow or not self.queues.put(user_data, result, flags, extra):
            self.overflow.append((user_data, result, flags, extra))
            self.queues.set_flag(IORING_SQ_CQ_OVERFLOW, on=True)

    def _finish(self, request: Request, result: int) -> None:
        self._store(request, result)
        if not self.dead:
            self._tell(inline=False)
        self._follow(request, result)
        self._move()

    def _store(self, request: Request, result: int) -> None:
        """Store the last completion of a request."""
        if request.quiet and not request.broken and request.has_failed(result):
            request.quiet, request.quiet_links = False, True
        if request.quiet or self.dead:
            return
        if request.op.name != "TIMEOUT":
            self.sequence += 1
        self._put(request.user_data, result, request.cqe_flags)

    def _follow(self, request: Request, result: int) -> None:
        """Do what a request's end brings about."""
        self.requests.pop(request, None)
        self.living -= 1
        request.release()
        timeout, request.link_timeout = request.link_timeout, None
        if timeout is not None:
            timeout.disarm()
        following, request.link = request.link, None
        failed = request.has_failed(result)
        if following is not None:
            if self.dead or (failed and not request.flags & IOSQE_IO_HARDLINK):
                following.quiet_links = request.quiet_links
                following.quiet = request.quiet_links
                following.broken = True
            self._ready.append(following)
        self._count()
        self._drain()

    def _count(self) -> None:
        """End the timeouts that have seen their number of completions."""
        if self.counted:
            self.counted = [entry for entry in self.counted if not entry[0].ended]
            for request, target in list(self.counted):
                if self.sequence >= target:
                    request.cancel(0)

    def _tell(self, *, inline: bool) -> None:
        """Wake who waits for completions."""
        self._cq_waiters.wake()
        counter = self.eventfd
        if counter is None or (inline and self.eventfd_async):
            return
        if not self.queues.cq_flags() & IORING_CQ_EVENTFD_DISABLED:
            try:
                counter.write((1).to_bytes(8, "little"))
            except EAGAIN:
                return  # it is as high as it goes

    # -- completions that the issuer has to fetch (DEFER_TASKRUN) -------------------------------

    @property
    def _defers(self) -> bool:
        return bool(self.setup & IORING_SETUP_DEFER_TASKRUN) and not self._serving and not self.dead

    def _defer(self, work: Callable[[], object]) -> None:
        self._deferred.append(work)
        if self.setup & IORING_SETUP_TASKRUN_FLAG:
            self.queues.set_flag(IORING_SQ_TASKRUN, on=True)
        self._tell(inline=False)

    def serve(self) -> None:
        """Do what was deferred until the issuer asks, and store completions that had no room."""
        if self._deferred:
            serving, self._serving = self._serving, True
            while self._deferred:
                self._deferred.popleft()()
            self._serving = serving
            if self.setup & IORING_SETUP_TASKRUN_FLAG:
                self.queues.set_flag(IORING_SQ_TASKRUN, on=False)
        if self.overflow:
            while self.overflow and self.queues.put(*self.overflow[0]):
                self.overflow.popleft()
            if not self.overflow:
                self.queues.set_flag(IORING_SQ_CQ_OVERFLOW, on=False)

    # -- cancelling ----------------------------------------------------------------------------

    def waiting(self) -> Iterator[Request]:
        """Yield the requests that can be cancelled."""
        yield from [request for request in self.requests if request.waits]

    def cancel_all(self, match: Callable[[Request], bool]) -> int:
        """Cancel requests, those in chains and behind a drain too; return how many."""
        for chain in list(self._draining):
            if match(chain[0]):
                self._draining.remove(chain)
                self._drained -= _size(chain)
                chain[0].broken = True
                chain[0].end(-ECANCELED.errno)
        found = [request for request in self.waiting() if match(request)]
        return sum(request.cancel() for request in found)


def _size(chain: list[Request]) -> int:
    """Return how many requests a chain has, linked timeouts included."""
    return len(chain) + sum(request.link_timeout is not None for request in chain)
