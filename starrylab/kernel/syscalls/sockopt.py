"""Options of sockets: getsockopt(2), setsockopt(2), socket(7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ...abi import socket as so
from ...abi.errno import EDOM, EINVAL, ENOPROTOOPT, EOPNOTSUPP, EPERM
from ..net.unix.message import Sender
from ..net.unix.socket import MAX_BUFFER, MIN_BUFFER, UnixSocket
from ._ancillary import as_socket, shown_sender
from ._declare import syscall
from ._shown import InOption, OutOption, OutU32, SocketLevel, SocketOption
from ._types import Fd, Int

if TYPE_CHECKING:
    from ..thread import Thread

_NOBODY: Final = Sender(0, 0xFFFFFFFF, 0xFFFFFFFF)
_LEAST_RECEIVE: Final = 2304  #: bytes: SOCK_MIN_RCVBUF
_SECOND: Final = 1_000_000_000
_FILTER_SIZE: Final = 16  #: bytes of struct sock_fprog


def _int(value: int) -> bytes:
    return value.to_bytes(4, "little", signed=True)


def _take_error(sock: UnixSocket) -> bytes:
    error, sock.error = sock.error, None
    return _int(error.errno if error is not None else 0)


def _timeval(timeout_ns: int | None) -> bytes:
    seconds, rest = divmod(timeout_ns or 0, _SECOND)
    return so.TIMEVAL.pack(seconds, rest // 1000)


_GET: Final[Mapping[int, Callable[[UnixSocket], bytes]]] = MappingProxyType(
    {
        so.SO_TYPE: lambda sock: _int(sock.type),
        so.SO_DOMAIN: lambda _sock: _int(so.AF_UNIX),
        so.SO_PROTOCOL: lambda _sock: _int(0),
        so.SO_ERROR: _take_error,
        so.SO_ACCEPTCONN: lambda sock: _int(sock.listening),
        so.SO_SNDBUF: lambda sock: _int(sock.send_buffer),
        so.SO_RCVBUF: lambda sock: _int(sock.receive_buffer),
        so.SO_SNDTIMEO: lambda sock: _timeval(sock.send_timeout_ns),
        so.SO_RCVTIMEO: lambda sock: _timeval(sock.receive_timeout_ns),
        so.SO_PASSCRED: lambda sock: _int(sock.passcred),
        so.SO_LOCK_FILTER: lambda sock: _int(sock.filter_locked),
        so.SO_PEERCRED: lambda sock: so.UCRED.pack(*(sock.peer_cred or _NOBODY)),
    }
)


@syscall(partial="SOL_SOCKET, without time stamps, filters and marks")
def getsockopt(
    t: Thread, file: Fd, level: SocketLevel, option: SocketOption, value: OutOption, size: OutU32
) -> None:
    """getsockopt(2)."""
    sock = as_socket(file)
    answer = get(sock, level, option, t.mm.read_i32(size))
    if option == so.SO_PEERCRED and sock.peer_cred is not None:
        answer = so.UCRED.pack(*shown_sender(t, sock.peer_cred))[: len(answer)]
    t.mm.write(value, answer)
    t.mm.write_u32(size, len(answer))


def get(sock: UnixSocket, level: int, option: int, room: int) -> bytes:
    """Return the value of an option, cut to ``room`` bytes."""
    if level != so.SOL_SOCKET:
        raise EOPNOTSUPP
    if room < 0:
        raise EINVAL
    if option in _GET:
        return _GET[option](sock)[:room]
    if option in _KEPT:
        return sock.kept_options.get(option, bytes(_KEPT[option]))[:room]
    raise ENOPROTOOPT


def _set_timeout(data: bytes) -> int | None:
    if len(data) < so.TIMEVAL.size:
        raise EINVAL
    seconds, microseconds = so.TIMEVAL.unpack_from(data)
    if not 0 <= microseconds < 1_000_000:
        raise EDOM
    if seconds < 0:
        return 0
    return seconds * _SECOND + microseconds * 1000 or None


def _set_send_buffer(sock: UnixSocket, data: bytes) -> None:
    sock.send_buffer = max(MIN_BUFFER, min(2 * _number(data), MAX_BUFFER))


def _set_receive_buffer(sock: UnixSocket, data: bytes) -> None:
    sock.receive_buffer = max(_LEAST_RECEIVE, min(2 * _number(data), MAX_BUFFER))


def _set_send_timeout(sock: UnixSocket, data: bytes) -> None:
    sock.send_timeout_ns = _set_timeout(data)


def _set_receive_timeout(sock: UnixSocket, data: bytes) -> None:
    sock.receive_timeout_ns = _set_timeout(data)


def _set_passcred(sock: UnixSocket, data: bytes) -> None:
    sock.passcred = bool(_number(data))


def _number(data: bytes) -> int:
    return int.from_bytes(data[:4], "little", signed=True)


_SET: Final[Mapping[int, Callable[[UnixSocket, bytes], None]]] = MappingProxyType(
    {
        so.SO_SNDBUF: _set_send_buffer,
        so.SO_RCVBUF: _set_receive_buffer,
        so.SO_SNDTIMEO: _set_send_timeout,
        so.SO_RCVTIMEO: _set_receive_timeout,
        so.SO_PASSCRED: _set_passcred,
    }
)
#: Options that mean nothing to AF_UNIX, as on Linux, which keeps them all the same: their size.
_KEPT: Final[Mapping[int, int]] = MappingProxyType(
    {
        so.SO_REUSEADDR: 4,
        so.SO_DONTROUTE: 4,
        so.SO_BROADCAST: 4,
        so.SO_KEEPALIVE: 4,
        so.SO_OOBINLINE: 4,
        so.SO_LINGER: 8,
    }
)


def _attach_filter(t: Thread, sock: UnixSocket, value: int, size: int) -> None:
    from ..bpf.packets import classic_filter  # few sockets have one

    if size != _FILTER_SIZE:
        raise EINVAL
    sock.set_filter(classic_filter(t, value))


def _attach_program(t: Thread, sock: UnixSocket, value: int, size: int) -> None:
    from ..bpf.packets import filter_of

    if size != 4:
        raise EINVAL
    sock.set_filter(filter_of(t, t.mm.read_i32(value)))


def _detach_filter(t: Thread, sock: UnixSocket, value: int, size: int) -> None:
    sock.set_filter(None)


def _lock_filter(t: Thread, sock: UnixSocket, value: int, size: int) -> None:
    sock.filter_locked = bool(t.mm.read_u32(value))


_FILTERS: Final[Mapping[int, Callable[[Thread, UnixSocket, int, int], None]]] = MappingProxyType(
    {
        so.SO_ATTACH_FILTER: _attach_filter,
        so.SO_ATTACH_BPF: _attach_program,
        so.SO_DETACH_FILTER: _detach_filter,
        so.SO_LOCK_FILTER: _lock_filter,
    }
)


@syscall(partial="SOL_SOCKET, without time stamps and marks")
def setsockopt(
    t: Thread, file: Fd, level: SocketLevel, option: SocketOption, value: InOption, size: Int
) -> None:
    """setsockopt(2)."""
    sock = as_socket(file)
    if size < 0:
        raise EINVAL
    if level != so.SOL_SOCKET:
        raise EOPNOTSUPP
    if size < 4:
        raise EINVAL
    if option in _FILTERS:
        if sock.filter_locked:
            raise EPERM
        _FILTERS[option](t, sock, value, size)
        return
    data = t.mm.read(value, min(size, so.TIMEVAL.size))
    if option in _SET:
        _SET[option](sock, data)
    elif option == so.SO_LINGER:
        if size < so.LINGER.size:
            raise EINVAL
        on, seconds = so.LINGER.unpack_from(data)
        sock.kept_options[option] = so.LINGER.pack(bool(on), seconds)
    elif option in _KEPT:
        sock.kept_options[option] = _int(bool(_number(data)))
    else:
        raise ENOPROTOOPT
