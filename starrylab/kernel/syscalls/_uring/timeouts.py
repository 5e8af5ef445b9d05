"""Time: IORING_OP_TIMEOUT, TIMEOUT_REMOVE, LINK_TIMEOUT."""

from __future__ import annotations

from functools import partial
from typing import Final

from ....abi.errno import EALREADY, EINVAL, ENOENT, ETIME
from ....abi.time import CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME
from ....abi.uring import (
    IORING_LINK_TIMEOUT_UPDATE,
    IORING_TIMEOUT_ABS,
    IORING_TIMEOUT_BOOTTIME,
    IORING_TIMEOUT_ETIME_SUCCESS,
    IORING_TIMEOUT_MULTISHOT,
    IORING_TIMEOUT_REALTIME,
    IORING_TIMEOUT_UPDATE,
    IOSQE_BUFFER_SELECT,
    IOSQE_FIXED_FILE,
)
from ...core.alarm import Alarm
from ...uring.request import LATER, Request
from .._timespec import NS, read_timespec
from .cancel import COUNTED
from .operation import Operation, no

_CLOCKS: Final = {
    0: CLOCK_MONOTONIC,
    IORING_TIMEOUT_BOOTTIME: CLOCK_BOOTTIME,
    IORING_TIMEOUT_REALTIME: CLOCK_REALTIME,
}
_CLOCK_MASK: Final = IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME
_KNOWN: Final = (
    IORING_TIMEOUT_ABS | IORING_TIMEOUT_ETIME_SUCCESS | IORING_TIMEOUT_MULTISHOT | _CLOCK_MASK
)


class _Timeout:
    """When a timeout is due, and by which clock."""

    __slots__ = ("absolute", "alarm", "clock_id", "left", "ns")

    def __init__(self, ns: int, flags: int) -> None:
        self.ns = ns
        self.absolute = bool(flags & IORING_TIMEOUT_ABS)
        self.clock_id = _CLOCKS[flags & _CLOCK_MASK]
        self.alarm: Alarm | None = None
        self.left = 0  #: expirations of a timeout that repeats; 0: without end


def _prepare(request: Request) -> None:
    _prepare_any(request, _KNOWN)
    flags = request.op_flags
    if flags & IORING_TIMEOUT_MULTISHOT:
        if flags & IORING_TIMEOUT_ABS:
            raise EINVAL
        request.data.left = request.off


def _prepare_link(request: Request) -> None:
    no(request.off)
    _prepare_any(request, _KNOWN & ~IORING_TIMEOUT_MULTISHOT)


def _prepare_any(request: Request, known: int) -> None:
    no(request.buf_index, request.file_index)
    flags = request.op_flags
    if request.length != 1 or flags & ~known or flags & _CLOCK_MASK not in _CLOCKS:
        raise EINVAL
    request.data = _Timeout(read_timespec(request.mm, request.addr), flags)


def _arm(request: Request, action: partial[None]) -> None:
    """Call ``action`` when the request's time is over."""
    timeout: _Timeout = request.data
    kernel = request.kernel
    alarm = Alarm(request.executor, kernel.clock.source(timeout.clock_id), lambda _: action())
    timeout.alarm = alarm
    request.on_cancel = alarm.disarm
    if timeout.absolute:
        alarm.arm(timeout.ns)
    else:
        alarm.arm_after(timeout.ns)
    if timeout.clock_id == CLOCK_REALTIME:
        kernel.clock.follow(alarm)


def _start(request: Request) -> int:
    flags = request.op_flags
    request.failed = False
    if flags & IORING_TIMEOUT_MULTISHOT:
        _arm(request, partial(_again, request))
        return LATER
    if request.off:
        ring = request.ring
        ring.counted.append((request, ring.sequence + (request.off & 0xFFFFFFFF)))
    _arm(request, partial(_expired, request))
    return LATER


def _expired(request: Request) -> None:
    request.ring.expired += 1
    _end(request)


def _end(request: Request) -> None:
    request.failed = not request.op_flags & IORING_TIMEOUT_ETIME_SUCCESS
    request.on_cancel = None
    request.end(-ETIME.errno)


def _again(request: Request) -> None:
    """Tell of one expiration of a timeout that repeats."""
    timeout: _Timeout = request.data
    request.ring.expired += 1
    if timeout.left == 1 or not request.more(-ETIME.errno):
        _end(request)
        return
    timeout.left = max(0, timeout.left - 1)
    if timeout.alarm is not None:
        timeout.alarm.arm(timeout.alarm.last_target + timeout.ns)


# -- taking back, changing ---------------------------------------------------------------------


def _prepare_remove(request: Request) -> None:
    if request.flags & (IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT):
        raise EINVAL
    no(request.buf_index, request.length, request.file_index)
    flags = request.op_flags
    if flags & (IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE):
        known = IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE | IORING_TIMEOUT_ABS
        if flags & ~(known | _CLOCK_MASK) or flags & _CLOCK_MASK not in _CLOCKS:
            raise EINVAL
        request.data = _Timeout(read_timespec(request.mm, request.off), flags)
    elif flags:
        raise EINVAL


def _remove(request: Request) -> int:
    link = bool(request.op_flags & IORING_LINK_TIMEOUT_UPDATE)
    found = _find(request, link=link)
    if not request.op_flags & (IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE):
        found.cancel()
        return 0
    left = found.data.left
    if found.on_cancel is not None:
        found.on_cancel()
    found.data = request.data
    found.data.left = left
    if link:
        owner = next(r for r in request.ring.requests if r.link_timeout is found)
        _arm(found, partial(_link_expired, owner, found))
    elif found.op_flags & IORING_TIMEOUT_MULTISHOT:
        _arm(found, partial(_again, found))
    else:
        found.off = 0
        _arm(found, partial(_expired, found))
    return 0


def _find(request: Request, *, link: bool) -> Request:
    wanted = "LINK_TIMEOUT" if link else "TIMEOUT"
    ring = request.ring
    known = [*ring.requests, *(r.link_timeout for r in ring.requests if r.link_timeout)]
    for other in known:
        if other.user_data == request.addr and other.op.name == wanted and not other.ended:
            if not other.waits:
                raise EALREADY
            return other
    raise ENOENT


# -- linked timeouts ---------------------------------------------------------------------------


def start_link(owner: Request) -> None:
    """Begin to count the time of a request that has begun, if a timeout is linked to it."""
    timeout = owner.link_timeout
    if timeout is not None and not owner.ended and timeout.stopped:
        timeout.stopped = False
        _arm(timeout, partial(_link_expired, owner, timeout))


def _link_expired(owner: Request, timeout: Request) -> None:
    owner.link_timeout = None
    timeout.on_cancel = None
    timeout.failed = False
    cancelled = owner.cancel()
    if cancelled and owner.op.name in COUNTED:
        timeout.end(1)  # as on Linux: what was cancelled is counted
    else:
        timeout.end(-ETIME.errno if cancelled else -EALREADY.errno)


def _never(request: Request) -> int:
    raise EINVAL("a linked timeout is begun by what it is linked to")


OPERATIONS: Final = (
    Operation("TIMEOUT", _start, _prepare),
    Operation("TIMEOUT_REMOVE", _remove, _prepare_remove),
    Operation("LINK_TIMEOUT", _never, _prepare_link),
)

__all__ = ["NS", "OPERATIONS", "start_link"]
