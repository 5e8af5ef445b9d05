"""Waiting for readiness: IORING_OP_POLL_ADD, POLL_REMOVE, EPOLL_CTL, EPOLL_WAIT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.errno import EAGAIN, EALREADY, EINVAL, ENOENT, LinuxError
from ....abi.poll import EPOLL_CTL_DEL, EPOLLONESHOT, POLLERR, POLLHUP, POLLIN
from ....abi.uring import (
    IORING_POLL_ADD_LEVEL,
    IORING_POLL_ADD_MULTI,
    IORING_POLL_UPDATE_EVENTS,
    IORING_POLL_UPDATE_USER_DATA,
    IOSQE_CQE_SKIP_SUCCESS,
)
from ...core.sched import Waker
from ...files.epoll import EVENT, Epoll
from ...files.file import File
from ...uring.request import LATER, Request
from ..epoll import change, collect
from .operation import Operation, file_of, no, plain_fd, thread_of

if TYPE_CHECKING:
    from ...uring.ring import Ring

_ALWAYS: Final = POLLERR | POLLHUP
_READY_BITS: Final = 0xFFFF
_UPDATES: Final = IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA


class PollWatch(Waker):
    """Ends a request when its file is ready, or tells it again and again."""

    __slots__ = ("multi", "request")

    def __init__(self, request: Request, *, multi: bool) -> None:
        self.request: Request | None = request
        self.multi = multi

    @property
    def alive(self) -> bool:
        """See `Waker.alive`."""
        return self.request is not None

    def wake(self) -> None:
        """Tell what the file is ready for, or wait on."""
        request = self.request
        if request is None:
            return
        file, mask = file_of(request), request.data
        ready = file.poll() & mask
        if ready and request.thread.exited:
            request.cancel()
            return
        if ready and (not self.multi or not request.more(ready)):
            self.request = None
            request.end(ready)
            return
        file.register(self, mask)

    def stop(self) -> None:
        """Watch no more."""
        self.request = None


def _prepare(request: Request) -> None:
    no(request.buf_index, request.off, request.addr)
    if request.length & ~(IORING_POLL_ADD_MULTI | IORING_POLL_ADD_LEVEL):
        raise EINVAL
    if request.length & IORING_POLL_ADD_MULTI and request.flags & IOSQE_CQE_SKIP_SUCCESS:
        raise EINVAL
    request.data = request.op_flags & _READY_BITS | _ALWAYS


def _add(request: Request) -> int:
    file, mask = file_of(request), int(request.data)
    multi = bool(request.length & IORING_POLL_ADD_MULTI)
    if request.op_flags & EPOLLONESHOT:
        multi = False
    ready = file.poll() & mask
    if ready and (not multi or not request.more(ready)):
        return ready
    if type(file).register is File.register:
        return ready
    watch = PollWatch(request, multi=multi)
    request.on_cancel = watch.stop
    file.register(watch, mask)
    return LATER


def _prepare_remove(request: Request) -> None:
    no(request.buf_index, request.file_index)
    flags = request.length
    if flags & ~(_UPDATES | IORING_POLL_ADD_MULTI) or flags == IORING_POLL_ADD_MULTI:
        raise EINVAL
    if not flags & IORING_POLL_UPDATE_USER_DATA and request.off:
        raise EINVAL
    if not flags & IORING_POLL_UPDATE_EVENTS and request.op_flags:
        raise EINVAL


def _remove(request: Request) -> int:
    found = _find(request.ring, request.addr)
    flags = request.length
    if not flags & _UPDATES:
        found.cancel()
        return 0
    undo, found.on_cancel = found.on_cancel, None
    if undo is not None:
        undo()
    if flags & IORING_POLL_UPDATE_EVENTS:
        found.data = request.op_flags & _READY_BITS | _ALWAYS
        found.length = found.length & ~IORING_POLL_ADD_MULTI | flags & IORING_POLL_ADD_MULTI
    if flags & IORING_POLL_UPDATE_USER_DATA:
        found.user_data = request.off
    try:
        result = _add(found)
    except LinuxError as error:
        result = -error.errno
    if result != LATER:
        found.end(result)
    return 0


def _find(ring: Ring, user_data: int) -> Request:
    for request in ring.requests:
        if request.user_data == user_data and request.op.name == "POLL_ADD" and not request.ended:
            if not request.waits:
                raise EALREADY
            return request
    raise ENOENT


# -- epoll -------------------------------------------------------------------------------------


def _prepare_control(request: Request) -> None:
    no(request.buf_index, request.file_index)
    plain_fd(request)
    request.data = (0, 0)
    if request.length != EPOLL_CTL_DEL:
        request.data = EVENT.unpack(request.mm.read(request.addr, EVENT.size))


def _control(request: Request) -> None:
    target = request.off & 0xFFFFFFFF
    change(thread_of(request), request.fd, request.length, target, *request.data)


def _prepare_wait(request: Request) -> None:
    no(request.off, request.op_flags, request.buf_index, request.file_index)


def _wait(request: Request) -> int:
    epoll = file_of(request)
    if not isinstance(epoll, Epoll):
        raise EINVAL
    if request.length <= 0:
        raise EINVAL
    count = collect(thread_of(request), epoll, request.addr, request.length)
    if not count:
        raise EAGAIN
    return count


OPERATIONS: Final = (
    Operation("POLL_ADD", _add, _prepare, file=True),
    Operation("POLL_REMOVE", _remove, _prepare_remove),
    Operation("EPOLL_CTL", _control, _prepare_control),
    Operation("EPOLL_WAIT", _wait, _prepare_wait, file=True, events=POLLIN),
)
