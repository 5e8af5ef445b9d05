"""Taking back: IORING_OP_ASYNC_CANCEL, and IORING_REGISTER_SYNC_CANCEL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ....abi.errno import EALREADY, EBADF, EINVAL, ENOENT
from ....abi.uring import (
    IORING_ASYNC_CANCEL_ALL,
    IORING_ASYNC_CANCEL_ANY,
    IORING_ASYNC_CANCEL_FD,
    IORING_ASYNC_CANCEL_FD_FIXED,
    IORING_ASYNC_CANCEL_OP,
    IORING_ASYNC_CANCEL_USERDATA,
)
from ...files.file import File
from ...uring.request import Request
from .operation import Operation, no

if TYPE_CHECKING:
    from ...uring.ring import Ring

KNOWN: Final = (
    IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY
    | IORING_ASYNC_CANCEL_FD_FIXED | IORING_ASYNC_CANCEL_USERDATA | IORING_ASYNC_CANCEL_OP
)  # fmt: skip
_BY_FD: Final = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_FD_FIXED
#: What is counted even where it is one (``io_futex_cancel()``, ``io_waitid_cancel()``).
COUNTED: Final = frozenset({"FUTEX_WAIT", "FUTEX_WAITV", "WAITID"})
#: What ends without being looked for by these keys.
_OTHERS: Final = frozenset({"LINK_TIMEOUT"})


def check(flags: int) -> None:
    """Raise ``EINVAL`` for keys that exclude each other."""
    if flags & ~KNOWN:
        raise EINVAL
    if flags & IORING_ASYNC_CANCEL_ANY and flags & (_BY_FD | IORING_ASYNC_CANCEL_OP):
        raise EINVAL


def matcher(
    flags: int, user_data: int, file: File | None, opcode: int
) -> Callable[[Request], bool]:  # fmt: skip
    """Return what tells whether a request is meant; see ``io_cancel_req_match()``."""
    by_data = bool(flags & IORING_ASYNC_CANCEL_USERDATA)
    if not flags & (IORING_ASYNC_CANCEL_ANY | _BY_FD | IORING_ASYNC_CANCEL_OP):
        by_data = True

    def match(request: Request) -> bool:
        if request.op.name in _OTHERS:
            return False
        if flags & IORING_ASYNC_CANCEL_ANY:
            return True
        if flags & _BY_FD and request.opened is not file:
            return False
        if flags & IORING_ASYNC_CANCEL_OP and request.opcode != opcode:
            return False
        return not by_data or request.user_data == user_data

    return match


def cancel(
    ring: Ring, flags: int, match: Callable[[Request], bool], own: Request | None = None
) -> int:  # fmt: skip
    """Cancel one request, or all; return 0, or how many.

    Raises ``ENOENT`` for none, ``EALREADY`` when it can no longer be cancelled.
    """
    every = bool(flags & (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY))
    found = [r for r in ring.requests if r is not own and not r.ended and match(r)]
    done = 0
    for request in found:
        if request.cancel():
            done += 1
            if not every:
                return int(request.op.name in COUNTED)
        elif not every:
            raise EALREADY
    if every:
        return done
    raise ENOENT


def target_of(ring: Ring, fds: dict[int, File], flags: int, fd: int) -> File | None:
    """Return the file that a cancellation names, if it names one; ``EBADF``."""
    if not flags & _BY_FD:
        return None
    if flags & IORING_ASYNC_CANCEL_FD_FIXED:
        if ring.files is None:
            raise EBADF
        return ring.files.get(fd).item
    return fds[fd]


def _prepare(request: Request) -> None:
    no(request.off, request.file_index)
    check(request.op_flags)
    if request.length and not request.op_flags & IORING_ASYNC_CANCEL_OP:
        raise EINVAL


def _cancel(request: Request) -> int:
    ring, flags = request.ring, request.op_flags
    file = target_of(ring, request.fds, flags, request.fd)
    match = matcher(flags, request.addr, file, request.length)
    return cancel(ring, flags, match, request)


OPERATIONS: Final = (Operation("ASYNC_CANCEL", _cancel, _prepare),)
