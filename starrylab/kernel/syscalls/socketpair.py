"""Sockets: socketpair(2) of AF_UNIX and their options (unix(7), socket(7)).

There are no other address families, and no addresses: ``socket`` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi import socket as so
from ...abi.errno import (
    EAFNOSUPPORT,
    EINVAL,
    ENOPROTOOPT,
    EOPNOTSUPP,
    EPROTONOSUPPORT,
    ESOCKTNOSUPPORT,
)
from ...abi.fcntl import O_NONBLOCK
from ..files.unix_socket import MAX_BUFFER, MIN_BUFFER, UnixSocket
from ._ancillary import as_socket, credentials
from ._declare import syscall
from ._pairs import install_pair
from ._shown import (
    Family,
    InOption,
    OutAddress,
    OutFds,
    OutOption,
    OutU32,
    ShutdownHow,
    SocketLevel,
    SocketOption,
    SocketType,
)
from ._types import Fd, FdNum, Int, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_TYPES: Final = (so.SOCK_STREAM, so.SOCK_DGRAM, so.SOCK_SEQPACKET)
_TYPE_FLAGS: Final = so.SOCK_NONBLOCK | so.SOCK_CLOEXEC


def _check_type(type_: int) -> int:
    kind = type_ & so.SOCK_TYPE_MASK
    if type_ & ~(so.SOCK_TYPE_MASK | _TYPE_FLAGS):
        raise EINVAL
    return kind


@syscall(partial="no address family yet: every one is EAFNOSUPPORT; see socketpair")
def socket(t: Thread, family: Family, type_: SocketType, protocol: Int) -> FdNum:
    """socket(2)."""
    _check_type(type_)
    raise EAFNOSUPPORT


@syscall(partial="AF_UNIX only")
def socketpair(t: Thread, family: Family, type_: SocketType, protocol: Int, fds: OutFds) -> None:
    """socketpair(2)."""
    kind = _check_type(type_)
    if family != so.AF_UNIX:
        raise EAFNOSUPPORT
    if protocol not in (0, so.AF_UNIX):
        raise EPROTONOSUPPORT
    if kind == so.SOCK_RAW:
        kind = so.SOCK_DGRAM  # as unix_create() has it, for BSD
    if kind not in _TYPES:
        raise ESOCKTNOSUPPORT
    inos = (next(t.kernel.anon_inodes), next(t.kernel.anon_inodes))
    kernel = t.kernel
    pair = UnixSocket.pair(
        kind, credentials(t), type_ & O_NONBLOCK, inos, kernel.heap, kernel.travelling
    )
    install_pair(t, pair, fds, cloexec=bool(type_ & so.SOCK_CLOEXEC))


# -- the rest ------------------------------------------------------------------------------


@syscall()
def shutdown(t: Thread, file: Fd, how: ShutdownHow) -> None:
    """shutdown(2)."""
    as_socket(file).shutdown(how)


@syscall()
def getsockname(t: Thread, file: Fd, addr: OutAddress, addrlen: Ptr) -> None:
    """getsockname(2): an unnamed socket has only its family."""
    as_socket(file)
    room = t.mm.read_i32(addrlen)
    if room < 0:
        raise EINVAL
    t.mm.write(addr, so.AF_UNIX.to_bytes(2, "little")[:room])
    t.mm.write_u32(addrlen, 2)


@syscall()
def getpeername(t: Thread, file: Fd, addr: OutAddress, addrlen: Ptr) -> None:
    """getpeername(2): the other end is unnamed too."""
    getsockname(t, file, addr, addrlen)


def _int(value: int) -> bytes:
    return value.to_bytes(4, "little", signed=True)


def _take_error(sock: UnixSocket) -> bytes:
    error, sock.error = sock.error, None
    return _int(error.errno if error is not None else 0)


_OPTIONS: Final[dict[int, Callable[[UnixSocket], bytes]]] = {
    so.SO_TYPE: lambda sock: _int(sock.type),
    so.SO_DOMAIN: lambda _sock: _int(so.AF_UNIX),
    so.SO_PROTOCOL: lambda _sock: _int(0),
    so.SO_ERROR: _take_error,
    so.SO_ACCEPTCONN: lambda _sock: _int(0),
    so.SO_SNDBUF: lambda sock: _int(sock.send_buffer),
    so.SO_RCVBUF: lambda sock: _int(sock.peer.send_buffer),
    so.SO_PASSCRED: lambda sock: _int(sock.passcred),
    so.SO_PEERCRED: lambda sock: so.UCRED.pack(*sock.peer.owner_cred),
}


@syscall(partial="SOL_SOCKET: type, domain, protocol, error, buffers, PASSCRED, PEERCRED")
def getsockopt(
    t: Thread, file: Fd, level: SocketLevel, option: SocketOption, value: OutOption, size: OutU32
) -> None:
    """getsockopt(2)."""
    sock = as_socket(file)
    room = t.mm.read_i32(size)
    if room < 0:
        raise EINVAL
    if level != so.SOL_SOCKET:
        raise EOPNOTSUPP
    if option not in _OPTIONS:
        raise ENOPROTOOPT
    answer = _OPTIONS[option](sock)[:room]
    t.mm.write(value, answer)
    t.mm.write_u32(size, len(answer))


@syscall(partial="SOL_SOCKET: SNDBUF and PASSCRED")
def setsockopt(
    t: Thread, file: Fd, level: SocketLevel, option: SocketOption, value: InOption, size: Int
) -> None:
    """setsockopt(2)."""
    sock = as_socket(file)
    if level != so.SOL_SOCKET:
        raise EOPNOTSUPP
    if option not in (so.SO_SNDBUF, so.SO_PASSCRED):
        raise ENOPROTOOPT
    if size < 4:
        raise EINVAL
    number = t.mm.read_i32(value)
    if option == so.SO_PASSCRED:
        sock.passcred = bool(number)
    else:
        sock.send_buffer = max(MIN_BUFFER, min(2 * number, MAX_BUFFER))
