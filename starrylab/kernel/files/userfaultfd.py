"""Page faults of a program, as a file (userfaultfd(2), ioctl_userfaultfd(2))."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, cast

from ...abi.capability import CAP_SYS_PTRACE
from ...abi.errno import EAGAIN, EINVAL, EMFILE, EPERM, LinuxError
from ...abi.fcntl import O_CLOEXEC, O_NONBLOCK
from ...abi.poll import POLLERR, POLLIN, POLLRDNORM
from ...abi.userfaultfd import (
    API_IOCTLS,
    API_STRUCT,
    CONTINUE,
    COPY_STRUCT,
    FEATURES,
    MODE_STRUCT,
    MSG,
    RANGE,
    RANGE_IOCTLS,
    REGISTER_STRUCT,
    UFFD_API,
    UFFD_EVENT_FORK,
    UFFD_EVENT_PAGEFAULT,
    UFFD_FEATURE_EVENT_FORK,
    UFFD_FEATURE_EXACT_ADDRESS,
    UFFD_FEATURE_THREAD_ID,
    UFFD_FEATURE_WP_ASYNC,
    UFFD_FEATURE_WP_UNPOPULATED,
    UFFD_USER_MODE_ONLY,
    UFFDIO_API,
    UFFDIO_CONTINUE,
    UFFDIO_CONTINUE_MODE_WP,
    UFFDIO_COPY,
    UFFDIO_COPY_MODE_WP,
    UFFDIO_MODE_DONTWAKE,
    UFFDIO_MOVE,
    UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES,
    UFFDIO_POISON,
    UFFDIO_REGISTER,
    UFFDIO_REGISTER_MODE_MINOR,
    UFFDIO_REGISTER_MODE_WP,
    UFFDIO_UNREGISTER,
    UFFDIO_WAKE,
    UFFDIO_WRITEPROTECT,
    UFFDIO_WRITEPROTECT_MODE_DONTWAKE,
    UFFDIO_WRITEPROTECT_MODE_WP,
    UFFDIO_ZEROPAGE,
    WRITEPROTECT,
)
from ...machine.api import PAGE_MASK
from ..core.sched import Waker
from ..mm import userfault_ops as ops
from ..mm.userfault import Userfaults
from .file import File

if TYPE_CHECKING:
    from ..thread import Thread

_FLAGS: Final = O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY
_IN: Final = POLLIN | POLLRDNORM
_M64: Final = (1 << 64) - 1


class UserfaultFile(File):
    """The descriptor: faults and events are read, and answered by ioctl(2)."""

    __slots__ = ("_reader", "context")

    kind = "userfaultfd"

    def __init__(self, context: Userfaults, flags: int, reader: Callable[[], Thread]) -> None:
        super().__init__(flags)
        self.context = context
        self._reader = reader  #: who reads: a fork's descriptor is made in its table

    # -- reading -----------------------------------------------------------------------------

    def read(self, size: int) -> bytes:
        """Return as many messages as fit; ``EINVAL`` before UFFDIO_API, or if not one does."""
        if not self.context.ready or size < MSG.size:
            raise EINVAL
        messages: list[bytes] = []
        while size >= MSG.size * (len(messages) + 1):
            message = self._next()
            if message is None:
                break
            messages.append(message)
        if not messages:
            raise EAGAIN
        return b"".join(messages)

    def _next(self) -> bytes | None:
        """Take the next message: faults go before events, as in Linux."""
        context = self.context
        for waiting in context.waiting:
            if not waiting.read:
                waiting.read = True
                exact = context.features & UFFD_FEATURE_EXACT_ADDRESS
                addr = waiting.addr if exact else waiting.addr & ~PAGE_MASK
                tid = waiting.tid if context.features & UFFD_FEATURE_THREAD_ID else 0
                return MSG.pack(UFFD_EVENT_PAGEFAULT, waiting.flags, addr, tid)
        if not context.events:
            return None
        event = context.events[0]
        words = event.words
        if event.code == UFFD_EVENT_FORK and event.child is not None:
            words = (self._open_child(event.child),)
        context.events.popleft()
        context.senders.wake()
        return MSG.pack(event.code, *(*words, 0, 0, 0)[:3])

    def _open_child(self, child: Userfaults) -> int:
        """Make the descriptor for a child's memory; raises ``EMFILE``."""
        reader = self._reader()
        cloexec = bool(self.flags & O_CLOEXEC)
        file = UserfaultFile(child, self.flags & (O_NONBLOCK | O_CLOEXEC), self._reader)
        return reader.install(file, cloexec=cloexec)

    def poll(self) -> int:
        """See ``File.poll``: a descriptor that blocks cannot be polled (userfaultfd_poll)."""
        context = self.context
        if not context.ready or not self.nonblocking:
            return POLLERR
        unread = bool(context.events) or any(not w.read for w in context.waiting)
        return _IN if unread else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.context.readers.register(waker)

    def closed(self) -> None:
        """See ``File.closed``."""
        self.context.close()

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:[userfaultfd]"

    def info(self) -> str:
        """Return what /proc/PID/fdinfo says (userfaultfd_show_fdinfo)."""
        waiting = self.context.waiting
        pending = sum(not w.read for w in waiting)
        calls = API_IOCTLS | RANGE_IOCTLS
        features = self.context.features | self.context.ready << 31
        api = f"{UFFD_API:x}:{features:x}:{calls:x}"
        return f"pending:\t{pending}\ntotal:\t{len(waiting)}\nAPI:\t{api}\n"

    # -- requests ----------------------------------------------------------------------------

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """Serve UFFDIO_*; ``EINVAL`` for others, and for most of them before UFFDIO_API."""
        serve = self._REQUESTS.get(request)
        if serve is None or (request != UFFDIO_API and not self.context.ready):
            raise EINVAL
        return serve(self, thread, arg) or 0

    def _api(self, thread: Thread, arg: int) -> None:
        api, features, _ = API_STRUCT.unpack(thread.mm.read(arg, API_STRUCT.size))
        refusal: type[LinuxError] | None = None
        if api != UFFD_API:
            refusal = EINVAL
        elif features & UFFD_FEATURE_EVENT_FORK and not thread.cred.capable(CAP_SYS_PTRACE):
            refusal = EPERM
        elif features & ~FEATURES:
            refusal = EINVAL
        if refusal is not None:
            thread.mm.write(arg, bytes(API_STRUCT.size))
            raise refusal
        thread.mm.write(arg, API_STRUCT.pack(UFFD_API, FEATURES, API_IOCTLS))
        if self.context.ready:
            thread.mm.write(arg, bytes(API_STRUCT.size))
            raise EINVAL
        if features & UFFD_FEATURE_WP_ASYNC:
            features |= UFFD_FEATURE_WP_UNPOPULATED
        self.context.features = features
        self.context.ready = True

    def _register(self, thread: Thread, arg: int) -> None:
        start, length, modes, _ = REGISTER_STRUCT.unpack(thread.mm.read(arg, REGISTER_STRUCT.size))
        ops.register(self.context, start, length, modes)
        calls = RANGE_IOCTLS
        if not modes & UFFDIO_REGISTER_MODE_WP:
            calls &= ~(1 << WRITEPROTECT)
        if not modes & UFFDIO_REGISTER_MODE_MINOR:
            calls &= ~(1 << CONTINUE)
        thread.mm.write_u64(arg + REGISTER_STRUCT.size - 8, calls)

    def _unregister(self, thread: Thread, arg: int) -> None:
        ops.unregister(self.context, *RANGE.unpack(thread.mm.read(arg, RANGE.size)))

    def _wake(self, thread: Thread, arg: int) -> None:
        start, length = RANGE.unpack(thread.mm.read(arg, RANGE.size))
        ops.check_range(ops.space_of(self.context), start, length)
        self.context.wake(start, start + length)

    def _copy(self, thread: Thread, arg: int) -> None:
        self._steady(thread, arg + COPY_STRUCT.size)
        dst, src, length, modes = COPY_STRUCT.unpack(thread.mm.read(arg, COPY_STRUCT.size))
        if modes & ~(UFFDIO_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP):
            raise EINVAL
        protect = bool(modes & UFFDIO_COPY_MODE_WP)
        self._fill(
            thread, arg + COPY_STRUCT.size, dst, length, modes,
            lambda: ops.copy(self.context, thread.mm, dst, src, length, protect=protect),
        )  # fmt: skip

    def _move(self, thread: Thread, arg: int) -> None:
        self._steady(thread, arg + COPY_STRUCT.size)
        dst, src, length, modes = COPY_STRUCT.unpack(thread.mm.read(arg, COPY_STRUCT.size))
        if self.context.space is not thread.mm:
            raise EINVAL
        if modes & ~(UFFDIO_MODE_DONTWAKE | UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES):
            raise EINVAL
        holes = bool(modes & UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES)
        self._fill(
            thread, arg + COPY_STRUCT.size, dst, length, modes,
            lambda: ops.move(self.context, dst, src, length, holes=holes),
        )  # fmt: skip

    def _zeropage(self, thread: Thread, arg: int) -> None:
        start, length, modes = self._range(thread, arg, UFFDIO_MODE_DONTWAKE)
        self._fill(
            thread, arg + MODE_STRUCT.size, start, length, modes,
            lambda: ops.zero(self.context, start, length),
        )  # fmt: skip

    def _continue(self, thread: Thread, arg: int) -> None:
        start, length, modes = self._range(
            thread, arg, UFFDIO_MODE_DONTWAKE | UFFDIO_CONTINUE_MODE_WP
        )
        protect = bool(modes & UFFDIO_CONTINUE_MODE_WP)
        self._fill(
            thread, arg + MODE_STRUCT.size, start, length, modes,
            lambda: ops.resume(self.context, start, length, protect=protect),
        )  # fmt: skip

    def _poison(self, thread: Thread, arg: int) -> None:
        start, length, modes = self._range(thread, arg, UFFDIO_MODE_DONTWAKE)
        self._fill(
            thread, arg + MODE_STRUCT.size, start, length, modes,
            lambda: ops.poison(self.context, start, length),
        )  # fmt: skip

    def _writeprotect(self, thread: Thread, arg: int) -> None:
        if self.context.events:
            raise EAGAIN
        start, length, modes = MODE_STRUCT.unpack(thread.mm.read(arg, MODE_STRUCT.size))
        ops.check_range(ops.space_of(self.context), start, length)
        on = bool(modes & UFFDIO_WRITEPROTECT_MODE_WP)
        quiet = modes & UFFDIO_WRITEPROTECT_MODE_DONTWAKE
        if modes & ~(UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE):
            raise EINVAL
        if on and quiet:
            raise EINVAL
        ops.protect(self.context, start, length, on=on)
        if not on and not quiet:
            self.context.wake(start, start + length)

    _REQUESTS: ClassVar[Mapping[int, Callable[[UserfaultFile, Thread, int], int | None]]] = (
        MappingProxyType(
            {
                UFFDIO_API: _api,
                UFFDIO_REGISTER: _register,
                UFFDIO_UNREGISTER: _unregister,
                UFFDIO_WAKE: _wake,
                UFFDIO_COPY: _copy,
                UFFDIO_ZEROPAGE: _zeropage,
                UFFDIO_MOVE: _move,
                UFFDIO_WRITEPROTECT: _writeprotect,
                UFFDIO_CONTINUE: _continue,
                UFFDIO_POISON: _poison,
            }
        )
    )

    # -- inside ------------------------------------------------------------------------------

    def _range(self, thread: Thread, arg: int, known: int) -> tuple[int, int, int]:
        """Read range and modes; raise ``EAGAIN`` while memory changes, ``EINVAL``."""
        self._steady(thread, arg + MODE_STRUCT.size)
        start, length, modes = MODE_STRUCT.unpack(thread.mm.read(arg, MODE_STRUCT.size))
        if modes & ~known:
            raise EINVAL
        return start, length, modes

    def _steady(self, thread: Thread, result: int) -> None:
        """Raise ``EAGAIN`` while an event is unread: memory is not what the program thinks."""
        if self.context.events:
            thread.mm.write_u64(result, -EAGAIN.errno & _M64)
            raise EAGAIN

    def _fill(
        self, thread: Thread, result: int, start: int, length: int, modes: int,
        fill: Callable[[], int],
    ) -> None:  # fmt: skip
        """Fill pages, store how many bytes it was or why none, wake who waits for them."""
        try:
            done = fill()
        except LinuxError as error:
            thread.mm.write_u64(result, -error.errno & _M64)
            raise
        thread.mm.write_u64(result, done)
        if not modes & UFFDIO_MODE_DONTWAKE:
            self.context.wake(start, start + done)
        if done != length:
            raise EAGAIN


def new_userfaultfd(thread: Thread, flags: int) -> int:
    """Make a descriptor for the caller's memory; raise ``EINVAL`` for unknown flags, ``EMFILE``."""
    if flags & ~_FLAGS:
        raise EINVAL
    kernel = thread.kernel
    kernel.calls.resolve_pages()
    context = Userfaults(thread.mm, user_only=bool(flags & UFFD_USER_MODE_ONLY))
    executor = kernel.executor
    file = UserfaultFile(context, flags & O_NONBLOCK, lambda: cast("Thread", executor.current))
    try:
        return thread.install(file, cloexec=bool(flags & O_CLOEXEC))
    except EMFILE:
        context.close()
        raise
