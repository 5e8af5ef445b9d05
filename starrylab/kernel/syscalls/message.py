"""Sending and receiving on sockets: sendto(2), sendmsg(2), recvfrom(2), recvmsg(2).

sendmmsg(2) and recvmmsg(2) are the same, several times.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...abi import socket as so
from ...abi.errno import EAGAIN, EINTR, EINVAL, EISCONN, EMSGSIZE, EOPNOTSUPP, EPIPE, LinuxError
from ...abi.fcntl import O_NONBLOCK
from ...abi.poll import POLLIN, POLLOUT
from ..files.file import File
from ..net.unix import naming
from ..net.unix.datagram import SendingTo
from ..net.unix.message import Received, Sender
from ..net.unix.socket import UnixSocket
from ._address import read_address, write_address
from ._ancillary import as_socket, credentials, read_control, write_control
from ._declare import Restart, syscall
from ._shown import (
    InAddress,
    InData,
    InMessage,
    InTime,
    MessageFlags,
    OutAddress,
    OutData,
    OutMessage,
)
from ._timespec import read_timespec
from ._types import Fd, Int, Ptr, Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_MAX_MESSAGE: Final = 0x7FFFF000  #: bytes
_MAX_MESSAGES: Final = 1024  #: UIO_MAXIOV
Result = int | Coroutine[Any, Any, int]


# -- sending -------------------------------------------------------------------------------


class _Load(NamedTuple):
    """What is to be sent, and how."""

    data: bytes
    sender: Sender
    files: tuple[File, ...]
    target: UnixSocket | None  #: None: the peer
    nonblocking: bool
    quiet: bool  #: no SIGPIPE


@syscall(restart=Restart.SA_RESTART)
def sendto(
    t: Thread,
    file: Fd,
    buf: InData,
    size: Size,
    flags: MessageFlags,
    addr: InAddress,
    addrlen: Int,
) -> Result:
    """sendto(2)."""
    sock = as_socket(file)
    address = read_address(t, addr, addrlen) if addr else b""
    target = _target(t, sock, address, flags)
    data = t.mm.read(buf, min(size, _MAX_MESSAGE))
    return _send(t, sock, _load(sock, data, flags, credentials(t), (), target))


@syscall(restart=Restart.SA_RESTART)
def sendmsg(t: Thread, file: Fd, msg: InMessage, flags: MessageFlags) -> Result:
    """sendmsg(2), with SCM_RIGHTS and SCM_CREDENTIALS."""
    return send_message(t, as_socket(file), msg, flags)


def send_message(t: Thread, sock: UnixSocket, msg: int, flags: int) -> Result:
    """Send the message whose msghdr is at ``msg``."""
    return send_outgoing(t, sock, read_outgoing(t, msg), flags)


class Outgoing(NamedTuple):
    """What a msghdr says of a message to send."""

    address: bytes
    pieces: list[tuple[int, int]]
    control: int  #: where the ancillary data are
    control_size: int


def read_outgoing(t: Thread, msg: int) -> Outgoing:
    """Read the msghdr at ``msg``, and what it points to but for the data."""
    name, name_size, vec, count, control, control_size, _ = _read_msghdr(t, msg)
    size = min(name_size if name_size < 1 << 31 else -1, so.ADDRESS_MAX)
    address = read_address(t, name, size) if name else b""
    pieces = t.mm.read_vector(vec, count)
    return Outgoing(address, pieces, control, control_size if control else 0)


def send_outgoing(t: Thread, sock: UnixSocket, message: Outgoing, flags: int) -> Result:
    """Send what `read_outgoing` returned."""
    sender, files = read_control(t, message.control, message.control_size)
    target = _target(t, sock, message.address, flags)
    data = b"".join(t.mm.read(base, length) for base, length in message.pieces)
    return _send(t, sock, _load(sock, data, flags, sender, files, target))


def _target(t: Thread, sock: UnixSocket, address: bytes, flags: int) -> UnixSocket | None:
    """Return the socket that a message goes to, if it has an address."""
    if flags & so.MSG_OOB:
        raise EOPNOTSUPP
    naming.bind_automatically(t, sock)
    if not address or sock.type == so.SOCK_SEQPACKET:  # unix_seqpacket_sendmsg() ignores it
        return None
    if sock.type == so.SOCK_STREAM:
        raise EOPNOTSUPP if sock.peer is None else EISCONN
    return naming.find(t, sock, address)


def _read_msghdr(t: Thread, addr: int) -> tuple[int, int, int, int, int, int, int]:
    fields: tuple[int, int, int, int, int, int, int] = so.MSGHDR.unpack(
        t.mm.read(addr, so.MSGHDR.size)
    )
    if fields[3] > 1024:
        raise EMSGSIZE
    return fields


def _load(
    sock: UnixSocket,
    data: bytes,
    flags: int,
    sender: Sender,
    files: tuple[File, ...],
    target: UnixSocket | None,
) -> _Load:
    nonblocking = bool(flags & so.MSG_DONTWAIT or sock.flags & O_NONBLOCK)
    quiet = bool(flags & so.MSG_NOSIGNAL or not sock.sigpipe)
    return _Load(data, sender, files, target, nonblocking, quiet)


def _send(t: Thread, sock: UnixSocket, load: _Load) -> Result:
    try:
        done = sock.send(load.data, load.sender, load.files, load.target)
    except EPIPE:
        if not load.quiet:
            t.send_sigpipe()
        raise
    except EAGAIN:
        if load.nonblocking:
            raise
        for file in load.files:
            file.acquire()  # until the wait is over, whatever happens to the descriptors
        return _send_rest(t, sock, load, 0)
    if done == len(load.data) or load.nonblocking:
        return done
    return _send_rest(t, sock, load._replace(files=()), done)


async def _send_rest(t: Thread, sock: UnixSocket, load: _Load, done: int) -> int:
    held, sent, data = load.files, load.files, load.data
    room: UnixSocket | SendingTo = sock
    if load.target is not None:
        room = SendingTo(sock, load.target)
    timeout = sock.timeout_ns(POLLOUT)
    sock.acquire()
    try:
        while True:
            attempt = partial(sock.send, data[done:], load.sender, sent, load.target)
            done += await t.wait_io(room, POLLOUT, attempt, timeout, nonblocking=False)
            sent = ()
            if done == len(data):
                break
    except (EINTR, EAGAIN):
        if not done:
            raise
    except EPIPE:
        if not load.quiet:
            t.send_sigpipe()
        if not done:
            raise
    finally:
        for file in held:
            file.release()
        sock.release()
    return done


@syscall(restart=Restart.SA_RESTART)
async def sendmmsg(t: Thread, file: Fd, msgs: Ptr, count: UInt, flags: MessageFlags) -> int:
    """sendmmsg(2)."""
    sock = as_socket(file)
    done = 0
    try:
        while done < min(count, _MAX_MESSAGES):
            at = msgs + done * so.MMSGHDR_SIZE
            size = send_message(t, sock, at, flags)
            t.mm.write_u32(at + so.MSGHDR.size, size if isinstance(size, int) else await size)
            done += 1
    except LinuxError:
        if not done:
            raise
    return done


# -- receiving -----------------------------------------------------------------------------


class Target(NamedTuple):
    """Where a received message goes."""

    pieces: list[tuple[int, int]]
    size: int
    name: int = 0  #: address for the sender's name
    name_size_at: int = 0  #: where its room is, and its length goes
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
    """recvfrom(2)."""
    sock = as_socket(file)
    size = min(size, _MAX_MESSAGE)
    return receive_into(t, sock, Target([(buf, size)], size, addr, addrlen), flags)


@syscall(restart=Restart.SA_RESTART)
def recvmsg(t: Thread, file: Fd, msg: OutMessage, flags: MessageFlags) -> Result:
    """recvmsg(2), with SCM_RIGHTS and SCM_CREDENTIALS."""
    return receive_message(t, as_socket(file), msg, flags)


def receive_message(t: Thread, sock: UnixSocket, msg: int, flags: int) -> Result:
    """Receive into what the msghdr at ``msg`` says."""
    return receive_into(t, sock, read_target(t, msg), flags)


def read_target(t: Thread, msg: int) -> Target:
    """Read where the msghdr at ``msg`` wants a message."""
    name, name_size, vec, count, control, control_size, _ = _read_msghdr(t, msg)
    if name_size >> 31:
        raise EINVAL
    pieces = t.mm.read_vector(vec, count)
    size = sum(length for _, length in pieces)
    return Target(pieces, size, name, msg + 8, msg, control, control_size if control else 0)


@syscall(restart=Restart.SA_RESTART)
async def recvmmsg(
    t: Thread, file: Fd, msgs: Ptr, count: UInt, flags: MessageFlags, timeout: InTime
) -> int:
    """recvmmsg(2); as on Linux the time is looked at between messages only."""
    sock = as_socket(file)
    deadline = None
    if timeout:
        deadline = t.executor.now + read_timespec(t.mm, timeout)
    done = 0
    try:
        while done < min(count, _MAX_MESSAGES):
            at = msgs + done * so.MMSGHDR_SIZE
            size = receive_message(t, sock, at, flags & ~so.MSG_WAITFORONE)
            t.mm.write_u32(at + so.MSGHDR.size, size if isinstance(size, int) else await size)
            done += 1
            if flags & so.MSG_WAITFORONE:
                flags |= so.MSG_DONTWAIT
            if deadline is not None and t.executor.now >= deadline:
                break
    except LinuxError:
        if not done:
            raise
    return done


def receive_into(t: Thread, sock: UnixSocket, target: Target, flags: int) -> Result:
    """Receive one message, or a stream's next bytes."""
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


def _incomplete(received: Received, target: Target) -> bool:
    return received.sender is not None and len(received.data) < target.size and not received.files


async def _receive_later(
    t: Thread,
    sock: UnixSocket,
    target: Target,
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
            except (EINTR, EAGAIN):
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


def _deliver(t: Thread, sock: UnixSocket, target: Target, flags: int, received: Received) -> int:
    """Store data, ancillary data and flags; return the call's result."""
    mm = t.mm
    at = 0
    for base, length in target.pieces:
        if at >= len(received.data):
            break
        mm.write(base, received.data[at : at + length])
        at += length
    truncated = received.size > len(received.data)
    if target.name:
        name = naming.to_address(received.name) if received.name else b""
        write_address(t, name, target.name, target.name_size_at)
    if target.header:
        out = so.MSG_TRUNC if truncated else 0
        if sock.type == so.SOCK_SEQPACKET and received.sender is not None:
            out |= so.MSG_EOR
        control, cut = write_control(t, sock, target.control, target.control_size, flags, received)
        if cut:
            out |= so.MSG_CTRUNC
        out |= flags & so.MSG_CMSG_CLOEXEC
        mm.write_u64(target.header + 40, control)
        mm.write_u32(target.header + 48, out)
    else:
        for file in received.files:
            file.release()
    return received.size if flags & so.MSG_TRUNC and truncated else len(received.data)
