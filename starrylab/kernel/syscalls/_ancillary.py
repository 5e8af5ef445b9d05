"""What travels beside the bytes of a message: descriptors and credentials (cmsg(3), unix(7))."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi import socket as so
from ...abi.capability import CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN
from ...abi.errno import EINVAL, EMFILE, ENOTSOCK, EPERM, ETOOMANYREFS
from ..files.file import File
from ..net.unix.message import Received, Sender
from ..net.unix.socket import UnixSocket
from ..task.namespaces import pid_namespace
from ..uring.ring import Ring

if TYPE_CHECKING:
    from ..thread import Thread

_HEADER: Final = so.CMSGHDR.size
_CONTROL_MAX: Final = 1 << 17  #: bytes of ancillary data: net.core.optmem_max


def credentials(t: Thread) -> Sender:
    return Sender(t.process.pid, t.cred.euid, t.cred.egid)


def as_socket(file: File) -> UnixSocket:
    if not isinstance(file, UnixSocket):
        raise ENOTSOCK
    return file


def read_control(t: Thread, addr: int, size: int) -> tuple[Sender, tuple[File, ...]]:
    """Return the sender and the files that the ancillary data name."""
    if size > _CONTROL_MAX:
        raise EINVAL
    data = t.mm.read(addr, size)
    sender = credentials(t)
    files: list[File] = []
    at = 0
    while at + _HEADER <= size:
        length, level, kind = so.CMSGHDR.unpack_from(data, at)
        if length < _HEADER or length > size - at:
            raise EINVAL
        if level == so.SOL_SOCKET:
            body = data[at + _HEADER : at + length]
            if kind == so.SCM_RIGHTS:
                numbers = Struct(f"<{len(body) // 4}i").unpack(body[: len(body) // 4 * 4])
                files += [t.fds[fd] for fd in numbers]
                if any(isinstance(file, Ring) for file in files):
                    raise EINVAL  # it could hold the very socket that it travels through
            elif kind == so.SCM_CREDENTIALS:
                sender = _checked_sender(t, body)
            else:
                raise EINVAL
        at += length + 7 & ~7
    if len(files) > so.SCM_MAX_FD:
        raise EINVAL if len(files) <= 2 * so.SCM_MAX_FD else ETOOMANYREFS
    return sender, tuple(files)


def _checked_sender(t: Thread, body: bytes) -> Sender:
    """Raise ``EPERM`` for a lie that the sender has no capability for (unix(7))."""
    if len(body) != so.UCRED.size:
        raise EINVAL
    pid, uid, gid = so.UCRED.unpack(body)
    cred = t.cred
    if pid != t.process.shown(t.process.pid) and not cred.capable_in(
        pid_namespace(t).user_ns, CAP_SYS_ADMIN
    ):
        raise EPERM
    if uid not in map(cred.shown_uid, (cred.uid, cred.euid, cred.suid)) and not cred.capable_here(
        CAP_SETUID
    ):
        raise EPERM
    if gid not in map(cred.shown_gid, (cred.gid, cred.egid, cred.sgid)) and not cred.capable_here(
        CAP_SETGID
    ):
        raise EPERM
    known = t.process.meant(pid), cred.meant_uid(uid), cred.meant_gid(gid)
    if None in known:
        raise EINVAL
    return Sender(*known)  # type: ignore[arg-type]


def shown_sender(t: Thread, sender: Sender) -> Sender:
    """Return a sender's numbers as the receiver knows them."""
    if not t.process.nested:
        return sender
    cred = t.cred
    return Sender(
        t.process.shown(sender.pid), cred.shown_uid(sender.uid), cred.shown_gid(sender.gid)
    )


def write_control(
    t: Thread, sock: UnixSocket, addr: int, room: int, flags: int, received: Received
) -> tuple[int, bool]:
    """Store ancillary data at ``addr``; return their size, and whether some were cut off.

    Descriptors that do not fit, or find the table full, are closed.
    """
    used, cut = 0, False
    if sock.passcred and received.sender is not None:
        body = so.UCRED.pack(*shown_sender(t, received.sender))
        if room >= _HEADER + len(body):
            header = so.CMSGHDR.pack(_HEADER + len(body), so.SOL_SOCKET, so.SCM_CREDENTIALS)
            t.mm.write(addr, header + body)
            used = min(room, _HEADER + len(body) + 7 & ~7)
        else:
            cut = True
    if not received.files:
        return used, cut
    numbers: list[int] = []
    fitting = max(0, room - used - _HEADER) // 4
    for file in received.files[:fitting]:
        try:
            numbers.append(t.install(file, cloexec=bool(flags & so.MSG_CMSG_CLOEXEC)))
        except EMFILE:
            break
    for file in received.files:
        file.release()
    if numbers:
        body = Struct(f"<{len(numbers)}i").pack(*numbers)
        header = so.CMSGHDR.pack(_HEADER + len(body), so.SOL_SOCKET, so.SCM_RIGHTS)
        t.mm.write(addr + used, header + body)
        used += min(room - used, _HEADER + len(body) + 7 & ~7)
    return used, cut or len(numbers) < len(received.files)
