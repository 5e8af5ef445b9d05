"""Futexes: IORING_OP_FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAITV (futex(2), <linux/futex.h>)."""

from __future__ import annotations

from struct import Struct
from typing import Final

from ....abi.errno import EAGAIN, EINVAL
from ....abi.futex import FUTEX_WAITV_MAX
from ...core.parking import park
from ...task.futexes import FutexWaiter, futex_key
from ...uring.request import Request, Result
from .operation import Operation, no, thread_of

_WAITV: Final = Struct("<QQII")  #: struct futex_waitv
_U32: Final = 2  #: FUTEX2_SIZE_U32, the one size there is
_PRIVATE: Final = 128  #: FUTEX2_PRIVATE
_M32: Final = 0xFFFFFFFF


def _prepare(request: Request) -> None:
    no(request.length, request.op_flags, request.buf_index, request.file_index)
    if request.fd & ~_PRIVATE != _U32:
        raise EINVAL
    if request.off >> 32 or request.addr3 >> 32 or not request.addr3:
        raise EINVAL


def _wait(request: Request) -> Result:
    key = futex_key(request.mm, request.addr, request.fd & _PRIVATE)
    if request.mm.read_u32(request.addr) != request.off:
        raise EAGAIN
    table = request.kernel.futexes
    return _sleep(request, [table.enter(thread_of(request), key, request.addr3)])


async def _sleep(request: Request, waiters: list[FutexWaiter]) -> int:
    """Sleep until one is woken; return which."""
    try:
        while True:
            for index, waiter in enumerate(waiters):
                if waiter.queue is None:
                    return index
            await park()
    finally:
        for waiter in waiters:
            request.kernel.futexes.leave(waiter)


def _wake(request: Request) -> int:
    key = futex_key(request.mm, request.addr, request.fd & _PRIVATE)
    if not request.off:
        return 0  # unlike futex(2), which wakes one
    woken: int = request.kernel.futexes.wake(key, request.off, request.addr3)
    return woken


def _prepare_many(request: Request) -> None:
    no(request.fd, request.buf_index, request.file_index, request.off, request.op_flags,
       request.addr3)  # fmt: skip
    count = request.length
    if not 1 <= count <= FUTEX_WAITV_MAX:
        raise EINVAL
    words = list(_WAITV.iter_unpack(request.mm.read(request.addr, count * _WAITV.size)))
    for _, _, flags, reserved in words:
        if reserved or flags & ~_PRIVATE != _U32:
            raise EINVAL
    request.data = words


def _wait_many(request: Request) -> Result:
    mm, table = request.mm, request.kernel.futexes
    keys = [futex_key(mm, addr, flags & _PRIVATE) for _, addr, flags, _ in request.data]
    for value, addr, _, _ in request.data:
        if mm.read_u32(addr) != value & _M32:
            raise EAGAIN
    t = thread_of(request)
    return _sleep(request, [table.enter(t, key, _M32) for key in keys])


OPERATIONS: Final = (
    Operation("FUTEX_WAIT", _wait, _prepare),
    Operation("FUTEX_WAKE", _wake, _prepare),
    Operation("FUTEX_WAITV", _wait_many, _prepare_many),
)
