"""Sockets: making, naming, connecting and closing them (socket(2), unix(7)).

AF_UNIX is the only address family so far.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...abi import socket as so
from ...abi.errno import EAFNOSUPPORT, EAGAIN, EINVAL, ENOTCONN, EPROTONOSUPPORT
from ...abi.fcntl import O_NONBLOCK
from ...abi.poll import POLLIN, POLLOUT
from ..net.unix import naming
from ..net.unix.datagram import SendingTo, UnixDatagrams
from ..net.unix.making import make, make_pair
from ..net.unix.socket import UnixSocket
from ._address import read_address, write_address
from ._ancillary import as_socket, credentials
from ._declare import Restart, syscall
from ._pairs import install_pair
from ._shown import Family, InAddress, OutAddress, OutFds, ShutdownHow, SocketType
from ._types import Fd, FdNum, Int, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_TYPE_FLAGS: Final = so.SOCK_NONBLOCK | so.SOCK_CLOEXEC
_UNSPECIFIED: Final = so.AF_UNSPEC.to_bytes(2, "little")


def _check(family: int, type_: int, protocol: int) -> int:
    if type_ & ~(so.SOCK_TYPE_MASK | _TYPE_FLAGS):
        raise EINVAL
    if family != so.AF_UNIX:
        raise EAFNOSUPPORT
    if protocol not in (0, so.AF_UNIX):
        raise EPROTONOSUPPORT
    return type_ & so.SOCK_TYPE_MASK


@syscall(partial="AF_UNIX only")
def socket(t: Thread, family: Family, type_: SocketType, protocol: Int) -> FdNum:
    """socket(2)."""
    kind = _check(family, type_, protocol)
    kernel = t.kernel
    made = make(
        kind,
        credentials(t),
        type_ & O_NONBLOCK,
        next(kernel.anon_inodes),
        kernel.heap,
        kernel.travelling,
    )
    return t.install(made, cloexec=bool(type_ & so.SOCK_CLOEXEC))


@syscall(partial="AF_UNIX only")
def socketpair(t: Thread, family: Family, type_: SocketType, protocol: Int, fds: OutFds) -> None:
    """socketpair(2)."""
    kind = _check(family, type_, protocol)
    kernel = t.kernel
    inos = (next(kernel.anon_inodes), next(kernel.anon_inodes))
    pair = make_pair(kind, credentials(t), type_ & O_NONBLOCK, inos, kernel.heap, kernel.travelling)
    install_pair(t, pair, fds, cloexec=bool(type_ & so.SOCK_CLOEXEC))


@syscall()
def bind(t: Thread, file: Fd, addr: InAddress, addrlen: Int) -> None:
    """bind(2)."""
    sock = as_socket(file)
    naming.bind(t, sock, read_address(t, addr, addrlen))


@syscall()
def listen(t: Thread, file: Fd, backlog: Int) -> None:
    """listen(2); a negative ``backlog`` is as good as the greatest."""
    sock = as_socket(file)
    sock.listen(min(backlog & 0xFFFFFFFF, so.SOMAXCONN), credentials(t))


# -- connecting ----------------------------------------------------------------------------


@syscall(restart=Restart.SA_RESTART)
def connect(t: Thread, file: Fd, addr: InAddress, addrlen: Int) -> Coroutine[Any, Any, None] | None:
    """connect(2)."""
    return connect_to(t, as_socket(file), read_address(t, addr, addrlen))


def connect_to(t: Thread, sock: UnixSocket, address: bytes) -> Coroutine[Any, Any, None] | None:
    """Connect to what a socket address names."""
    if isinstance(sock, UnixDatagrams) and address[:2] == _UNSPECIFIED:
        sock.disconnect()
        return None
    name = naming.from_address(address)
    naming.bind_automatically(t, sock)
    target = naming.find(t, sock, address)
    attempt = partial(sock.connect, target, next(t.kernel.anon_inodes), credentials(t))
    try:
        attempt()
    except EAGAIN:
        if sock.nonblocking:
            raise
        return _connect_later(t, sock, target, name)
    return None


async def _connect_later(t: Thread, sock: UnixSocket, target: UnixSocket, name: bytes) -> None:
    """Wait until the listener's queue has room (unix_wait_for_peer())."""
    attempt = partial(sock.connect, target, next(t.kernel.anon_inodes), credentials(t))
    sock.acquire()
    try:
        waiting = SendingTo(sock, target)
        timeout = sock.timeout_ns(POLLOUT)
        await t.wait_io(waiting, POLLOUT, attempt, timeout, nonblocking=False)
    finally:
        sock.release()


@syscall(restart=Restart.SA_RESTART)
def accept(t: Thread, file: Fd, addr: OutAddress, addrlen: Ptr) -> FdNum | Coroutine[Any, Any, int]:
    """accept(2)."""
    return accept4(t, file, addr, addrlen, 0)


@syscall(restart=Restart.SA_RESTART)
def accept4(
    t: Thread, file: Fd, addr: OutAddress, addrlen: Ptr, flags: SocketType
) -> FdNum | Coroutine[Any, Any, int]:
    """accept4(2)."""
    if flags & ~_TYPE_FLAGS:
        raise EINVAL
    sock = as_socket(file)
    try:
        end = sock.accept()
    except EAGAIN:
        if sock.nonblocking:
            raise
        return _accept_later(t, sock, addr, addrlen, flags)
    return _accepted(t, end, addr, addrlen, flags)


def accept_now(t: Thread, sock: UnixSocket, addr: int, addrlen: int, flags: int) -> int:
    """Accept a connection that is there; ``EAGAIN`` for none."""
    if flags & ~_TYPE_FLAGS:
        raise EINVAL
    return _accepted(t, sock.accept(), addr, addrlen, flags)


async def _accept_later(t: Thread, sock: UnixSocket, addr: int, addrlen: int, flags: int) -> int:
    sock.acquire()
    try:
        end = await t.wait_io(sock, POLLIN, sock.accept, nonblocking=False)
        return _accepted(t, end, addr, addrlen, flags)
    finally:
        sock.release()


def _accepted(t: Thread, end: UnixSocket, addr: int, addrlen: int, flags: int) -> int:
    """Store whose connection it is, and give it a descriptor; it is closed on an error."""
    try:
        end.flags |= flags & O_NONBLOCK
        if addr and end.peer is not None:
            write_address(t, naming.to_address(end.peer.name), addr, addrlen)
        return t.install(end, cloexec=bool(flags & so.SOCK_CLOEXEC))
    finally:
        end.release()


# -- names and the end -----------------------------------------------------------------------


@syscall()
def getsockname(t: Thread, file: Fd, addr: OutAddress, addrlen: Ptr) -> None:
    """getsockname(2): a socket without a name has only its family."""
    write_address(t, naming.to_address(as_socket(file).name), addr, addrlen)


@syscall()
def getpeername(t: Thread, file: Fd, addr: OutAddress, addrlen: Ptr) -> None:
    """getpeername(2)."""
    peer = as_socket(file).peer
    if peer is None:
        raise ENOTCONN
    write_address(t, naming.to_address(peer.name), addr, addrlen)


@syscall()
def shutdown(t: Thread, file: Fd, how: ShutdownHow) -> None:
    """shutdown(2)."""
    as_socket(file).shutdown(how)
