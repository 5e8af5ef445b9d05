"""Sockets: IORING_OP_SOCKET, BIND, LISTEN, ACCEPT, CONNECT, SHUTDOWN, URING_CMD."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from ....abi import socket as so
from ....abi.errno import EAGAIN, EINVAL, EOPNOTSUPP
from ....abi.poll import POLLIN
from ....abi.uring import (
    IORING_ACCEPT_DONTWAIT,
    IORING_ACCEPT_MULTISHOT,
    IORING_ACCEPT_POLL_FIRST,
    IORING_CQE_F_SOCK_NONEMPTY,
    IORING_FILE_INDEX_ALLOC,
    SOCKET_URING_OP_GETSOCKOPT,
    SOCKET_URING_OP_SETSOCKOPT,
)
from ...net.unix.socket import UnixSocket
from ...uring.request import Request, Result
from .. import socket, sockopt
from .._address import read_address
from .operation import Operation, file_of, goes_direct, no, socket_of, thread_of

_ACCEPT_FLAGS: Final = IORING_ACCEPT_MULTISHOT | IORING_ACCEPT_DONTWAIT | IORING_ACCEPT_POLL_FIRST


# -- connecting --------------------------------------------------------------------------------


def _prepare_accept(request: Request) -> None:
    no(request.length, request.buf_index)
    if request.ioprio & ~_ACCEPT_FLAGS:
        raise EINVAL
    request.nowait = bool(request.ioprio & IORING_ACCEPT_DONTWAIT)
    multi = request.ioprio & IORING_ACCEPT_MULTISHOT
    if multi and request.file_index not in (0, IORING_FILE_INDEX_ALLOC):
        raise EINVAL
    goes_direct(request, cloexec=bool(request.op_flags & so.SOCK_CLOEXEC))


def _accept(request: Request) -> Result:
    if request.ioprio & IORING_ACCEPT_POLL_FIRST:
        request.ioprio &= ~IORING_ACCEPT_POLL_FIRST
        raise EAGAIN
    if request.ioprio & IORING_ACCEPT_MULTISHOT:
        return _accept_many(request)
    return _accept_once(request)


def _accept_once(request: Request) -> int:
    return socket.accept_now(
        thread_of(request), socket_of(request), request.addr, request.off, request.op_flags
    )


async def _accept_many(request: Request) -> int:
    sock = socket_of(request)
    while True:
        try:
            made = _accept_once(request)
        except EAGAIN:
            if request.nowait:
                raise
            await request.ready(sock, POLLIN)
            continue
        more = IORING_CQE_F_SOCK_NONEMPTY if sock.poll() & POLLIN else 0
        if not request.more(made, more):
            return made


def _prepare_connect(request: Request) -> None:
    no(request.length, request.buf_index, request.op_flags, request.file_index)
    request.data = read_address(thread_of(request), request.addr, _address_size(request))


def _address_size(request: Request) -> int:
    size = request.off & 0xFFFFFFFF
    return size - (1 << 32) if size >> 31 else size


def _connect(request: Request) -> Result:
    connecting = socket.connect_to(thread_of(request), socket_of(request), request.data)
    return None if connecting is None else _connected(connecting)


async def _connected(connecting: Coroutine[Any, Any, None]) -> int:
    await connecting
    return 0


def _bind(request: Request) -> None:
    t = thread_of(request)
    socket.bind(t, file_of(request), request.addr, _address_size(request))


def _prepare_listen(request: Request) -> None:
    no(request.addr, request.buf_index, request.op_flags, request.file_index, request.off)


def _listen(request: Request) -> None:
    socket.listen(thread_of(request), file_of(request), request.length)


def _prepare_bind(request: Request) -> None:
    no(request.length, request.buf_index, request.op_flags, request.file_index)


def _prepare_socket(request: Request) -> None:
    no(request.addr, request.op_flags, request.buf_index)
    goes_direct(request, cloexec=bool(request.off & so.SOCK_CLOEXEC))


def _socket(request: Request) -> int:
    type_ = request.off & 0xFFFFFFFF
    return socket.socket(thread_of(request), request.fd, type_, request.length)


def _prepare_shutdown(request: Request) -> None:
    no(request.off, request.addr, request.op_flags, request.buf_index, request.file_index)


def _shutdown(request: Request) -> None:
    socket.shutdown(thread_of(request), file_of(request), request.length)


# -- commands ----------------------------------------------------------------------------------


def _command(request: Request) -> int:
    """IORING_OP_URING_CMD: socket options; AF_UNIX has no other commands, nor have other files."""
    sock = file_of(request)
    command = request.off & 0xFFFFFFFF
    if not isinstance(sock, UnixSocket):
        raise EOPNOTSUPP
    level, option = request.addr & 0xFFFFFFFF, request.addr >> 32
    value, size = request.addr3, request.file_index
    if command == SOCKET_URING_OP_GETSOCKOPT:
        answer = sockopt.get(sock, level, option, size)
        request.mm.write(value, answer)
        return len(answer)
    if command == SOCKET_URING_OP_SETSOCKOPT:
        sockopt.setsockopt(thread_of(request), sock, level, option, value, size)
        return 0
    raise EOPNOTSUPP


OPERATIONS: Final = (
    Operation("ACCEPT", _accept, _prepare_accept, True, POLLIN, True),
    Operation("CONNECT", _connect, _prepare_connect, file=True),
    Operation("BIND", _bind, _prepare_bind, file=True),
    Operation("LISTEN", _listen, _prepare_listen, file=True),
    Operation("SOCKET", _socket, _prepare_socket),
    Operation("SHUTDOWN", _shutdown, _prepare_shutdown, file=True),
    Operation("URING_CMD", _command, file=True),
)
