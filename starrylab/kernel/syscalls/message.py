"""Sending and receiving on sockets: sendto(2), sendmsg(2), recvfrom(2), recvmsg(2)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...abi import socket as so
from ...abi.errno import EAGAIN, EINTR, EISCONN, EMSGSIZE, EOPNOTSUPP, EPIPE
from ...abi.fcntl import O_NONBLOCK
from ...abi.poll import POLLIN, POLLOUT
from ..files.file import File
from ..files.unix_socket import Received, Sender, UnixSocket
from ._ancillary import as_socket, credentials, read_control, write_control
from ._declare import Restart, syscall
from ._shown import InAddress, InData, InMessage, MessageFlags, OutAddress, OutData, OutMessage
from ._types import Fd, Ptr, Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_MAX_MESSAGE: Final = 0x7FFFF000  #: bytes
Result = int | Coroutine[Any, Any, int]


# -- sending -------------------------------------------------------------------------------


@syscall(restart=Restart.SA_RESTART)
def sendto(
    t: Thread,
    file: Fd,
    buf: InData,
    size: Size,
    flags: MessageFlags,
    addr: InAddress,
    addrlen: UInt,
) -> Result:
    """sendto(2); these sockets are connected, so there can be no address."""
    sock = as_socket(file)
    if addr and addrlen:
        raise EISCONN if sock.type != so.SOCK_STREAM else EOPNOTSUPP
    return _send(t, sock, t.mm.read(buf, min(size, _MAX_MESSAGE)), flags, credentials(t), ())


@syscall(restart=Restart.SA_RESTART)
def sendmsg(t: Thread, file: Fd, msg: InMessage, flags: MessageFlags) -> Result:
    """sendmsg(2), with SCM_RIGHTS and SCM_CREDENTIALS."""
    sock = as_socket(file)
    name, _, vec, count, control, control_size, _ = _read_msghdr(t, msg)
    if name:
        raise EISCONN if sock.type != so.SOCK_STREAM else EOPNOTSUPP
    data = b"".join(t.mm.read(base, length) for base, length in t.mm.read_vector(vec, count))
    sender, files = read_control(t, control, control_size if control else 0)
    return _send(t, sock, data, flags, sender, files)


def _read_msghdr(t: Thread, addr: int) -> tuple[int, int, int, int, int, int, int]:
    fields: tuple[int, int, int, int, int, int, int] = so.MSGHDR.unpack(
        t.mm.read(addr, so.MSGHDR.size)
    )
    if fields[3] > 1024:
        raise EMSGSIZE
    return fields


def _send(
    t: Thread, sock: UnixSocket, data: bytes, flags: int, sender: Sender, files: tuple[File, ...]
) -> Result:
    if flags & so.MSG_OOB:
        raise EOPNOTSUPP
    nonblocking = bool(flags & so.MSG_DONTWAIT or sock.flags & O_NONBLOCK)
    quiet = bool(flags & so.MSG_NOSIGNAL or sock.type != so.SOCK_STREAM)
    try:
        done = sock.send(data, sender, files)
    except EPIPE:
        if not quiet:
            t.send_sigpipe()
        raise
    except EAGAIN:
        if nonblocking:
            raise
        for file in files:
            file.acquire()  # until the wait is over, whatever happens to the descriptors
        return _send_rest(t, sock, data, 0, sender, files, quiet)
    if done == len(data) or nonblocking:
        return done
    return _send_rest(t, sock, data, done, sender, (), quiet)


async def _send_rest(
    t: Thread,
    sock: UnixSocket,
    data: bytes,
    done: int,
    sender: Sender,
    files: tuple[File, ...],
    quiet: bool,
) -> int:
    held, sent = files, files
    sock.acquire()
    try:
        while done < len(data) or not data:
            attempt = _attempt(sock, data[done:], sender, sent)
            done += await t.wait_io(sock, POLLOUT, attempt, nonblocking=False)
            sent = ()
            if not data:
                break
    except EINTR:
        if not done:
            raise
    except EPIPE:
        if not quiet:
            t.send_sigpipe()
        if not done:
            raise
    finally:
        for file in held:
            file.release()
        sock.release()
    return done


def _attempt(
    sock: UnixSocket, data: bytes, sender: Sender, files: tuple[File, ...]
) -> Callable[[], int]:
    return lambda: sock.send(data, sender, files)


# -- receiving -----------------------------------------------------------------------------


class _Target(NamedTuple):
    """Where a received message goes."""

    pieces: list[tuple[int, int]]
    size: int
    header: int = 0  #: address of the msghdr; 0 for recvfrom
    control: int = 0
    control_size: int = 0


@syscall(restart=Restart.SA_RESTART)
def recvfrom(
    t: Thread,
    file: Fd,
    buf: OutData,
    size: Size,
    flags: MessageFlags,
    addr: OutAddress,
    addrlen: Ptr,
) -> Result:
    """recvfrom(2); the sender has no name, so the address is empty."""
    sock = as_socket(file)
    size = min(size, _MAX_MESSAGE)
    if addr and addrlen:
        t.mm.write_u32(addrlen, 0)
    return _receive(t, sock, _Target([(buf, size)], size), flags)


@syscall(restart=Restart.SA_RESTART)
def recvmsg(t: Thread, file: Fd, msg: OutMessage, flags: MessageFlags) -> Result:
    """recvmsg(2), with SCM_RIGHTS and SCM_CREDENTIALS."""
    sock = as_socket(file)
    _, _, vec, count, control, control_size, _ = _read_msghdr(t, msg)
    pieces = t.mm.read_vector(vec, count)
    size = sum(length for _, length in pieces)
    return _receive(
        t, sock, _Target(pieces, size, msg, control, control_size if control else 0), flags
    )


def _receive(t: Thread, sock: UnixSocket, target: _Target, flags: int) -> Result:
    if flags & so.MSG_OOB:
        raise EOPNOTSUPP
    peek = bool(flags & so.MSG_PEEK)
    nonblocking = bool(flags & so.MSG_DONTWAIT or sock.flags & O_NONBLOCK)
    wait_all = bool(flags & so.MSG_WAITALL and sock.type == so.SOCK_STREAM and not peek)
    try:
        received = sock.receive(target.size, peek=peek)
    except EAGAIN:
        if nonblocking:
            raise
        return _receive_later(t, sock, target, flags, None, wait_all)
    if wait_all and not nonblocking and _incomplete(received, target):
        return _receive_later(t, sock, target, flags, received, wait_all)
    return _deliver(t, sock, target, flags, received)


def _incomplete(received: Received, target: _Target) -> bool:
    return received.sender is not None and len(received.data) < target.size and not received.files


async def _receive_later(
    t: Thread,
    sock: UnixSocket,
    target: _Target,
    flags: int,
    received: Received | None,
    wait_all: bool,
) -> int:
    sock.acquire()
    try:
        while received is None or (wait_all and _incomplete(received, target)):
            left = target.size - (len(received.data) if received else 0)

            def attempt(left: int = left) -> Received:
                return sock.receive(left, peek=bool(flags & so.MSG_PEEK))

            try:
                more = await t.wait_io(sock, POLLIN, attempt, nonblocking=False)
            except EINTR:
                if received is None:
                    raise
                break
            if received is not None:
                if more.sender is None:
                    break
                data = received.data + more.data
                more = Received(data, len(data), received.sender, more.files)
            received = more
        return _deliver(t, sock, target, flags, received)
    finally:
        sock.release()


def _deliver(t: Thread, sock: UnixSocket, target: _Target, flags: int, received: Received) -> int:
    """Store data, ancillary data and flags; return the call's result."""
    mm = t.mm
    at = 0
    for base, length in target.pieces:
        if at >= len(received.data):
            break
        mm.write(base, received.data[at : at + length])
        at += length
    truncated = received.size > len(received.data)
    if target.header:
        out = so.MSG_TRUNC if truncated else 0
        if sock.type == so.SOCK_SEQPACKET and received.sender is not None:
            out |= so.MSG_EOR
        control, cut = write_control(t, sock, target.control, target.control_size, flags, received)
        if cut:
            out |= so.MSG_CTRUNC
        out |= flags & so.MSG_CMSG_CLOEXEC
        mm.write_u32(target.header + 8, 0)  # msg_namelen
        mm.write_u64(target.header + 40, control)
        mm.write_u32(target.header + 48, out)
    else:
        for file in received.files:
            file.release()
    return received.size if flags & so.MSG_TRUNC and truncated else len(received.data)
