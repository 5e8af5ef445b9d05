"""Sockets and what waits for files: addresses, messages, poll sets, epoll events."""

from __future__ import annotations

from struct import Struct
from typing import Final

from ...abi import layouts
from ...abi import socket as so
from ...kernel.files.epoll import EVENT
from .constants import FLAGS, choice
from .quoting import quoted
from .structures import vector
from .view import View, pointer

_ADDRESS: Final = 128  #: bytes of a sockaddr, sizeof(struct sockaddr_storage)
_SHORT: Final = Struct("<H")
_MOST: Final = 32  #: entries of an array
_CONTROL: Final = 4096  #: bytes of ancillary data


def sockaddr_in(view: View, value: int, index: int) -> str:
    """Show the address that a call takes; its length is the next argument."""
    return _address(view, value, view.registers[index + 1] & 0xFFFFFFFF)


def sockaddr_out(view: View, value: int, index: int) -> str:
    """Show the address that a call has stored; the next argument points to its length."""
    length = view.read(view.registers[index + 1], 4)
    return _address(view, value, int.from_bytes(length, "little"))


def _address(view: View, addr: int, length: int) -> str:
    found = view.read(addr, min(length, _ADDRESS)) if addr else b""
    if len(found) < 2:
        return pointer(addr)
    family = _SHORT.unpack_from(found)[0]
    words = f"sa_family={choice('family', family)}"
    if family == so.AF_UNIX and len(found) > 2:
        path = found[2:]
        abstract = path.startswith(b"\0")
        text = "@" + quoted(path[1:]) if abstract else quoted(path.split(b"\0", 1)[0])
        words += f", sun_path={text}"
    elif len(found) > 2:
        words += f", sa_data={quoted(found[2:])}"
    return f"{{{words}}}"


def msghdr_in(view: View, value: int, index: int) -> str:
    """Show a message to be sent."""
    return _message(view, value, None)


def msghdr_out(view: View, value: int, index: int) -> str:
    """Show a message that was received."""
    return _message(view, value, view.result)


def _message(view: View, addr: int, size: int | None) -> str:
    fields = view.unpack(so.MSGHDR, addr) if addr else None
    if fields is None:
        return pointer(addr)
    name, namelen, iov, iovlen, control, controllen, flags = fields
    words = [f"msg_name={_address(view, name, namelen)}", f"msg_namelen={namelen}"]
    words += [f"msg_iov={vector(view, iov, iovlen, size)}", f"msg_iovlen={iovlen}"]
    if control and controllen:
        words.append(f"msg_control=[{', '.join(_control(view, control, controllen))}]")
    words += [
        f"msg_controllen={controllen}",
        f"msg_flags={FLAGS['message'].text(flags & 0xFFFFFFFF)}",
    ]
    return f"{{{', '.join(words)}}}"


def _control(view: View, addr: int, size: int) -> list[str]:
    found = view.read(addr, min(size, _CONTROL))
    shown = []
    at = 0
    while at + so.CMSGHDR.size <= len(found):
        length, level, kind = so.CMSGHDR.unpack_from(found, at)
        if length < so.CMSGHDR.size:
            break
        body = found[at + so.CMSGHDR.size : at + length]
        words = f"cmsg_len={length}, cmsg_level={choice('socket_level', level)}"
        words += f", cmsg_type={choice('cmsg', kind)}"
        if kind == so.SCM_RIGHTS and level == so.SOL_SOCKET:
            fds = Struct(f"<{len(body) // 4}i").unpack(body[: len(body) // 4 * 4])
            words += f", cmsg_data=[{', '.join(view.fd(fd) for fd in fds)}]"
        elif kind == so.SCM_CREDENTIALS and len(body) >= so.UCRED.size:
            pid, uid, gid = so.UCRED.unpack_from(body)
            words += f", cmsg_data={{pid={pid}, uid={uid}, gid={gid}}}"
        shown.append(f"{{{words}}}")
        at += length + 7 & ~7
    return shown


def option_in(view: View, value: int, index: int) -> str:
    """Show the value of a socket option that is set."""
    return _option(view, value, view.registers[index + 1] & 0xFFFFFFFF)


def option_out(view: View, value: int, index: int) -> str:
    """Show the value of a socket option that was asked for."""
    length = view.read(view.registers[index + 1], 4)
    return _option(view, value, int.from_bytes(length, "little"))


def _option(view: View, addr: int, length: int) -> str:
    found = view.read(addr, min(length, 64)) if addr else b""
    if len(found) == 4:
        return f"[{int.from_bytes(found, 'little', signed=True)}]"
    if len(found) == so.UCRED.size and view.registers[2] == so.SO_PEERCRED:
        pid, uid, gid = so.UCRED.unpack(found)
        return f"{{pid={pid}, uid={uid}, gid={gid}}}"
    return quoted(found) if found else pointer(addr)


# -- readiness ------------------------------------------------------------------------------


def pollfds(view: View, value: int, index: int) -> str:
    """Show what is asked of poll(2)."""
    shown = [
        f"{{fd={view.fd(fd)}, events={FLAGS['poll'].text(events & 0xFFFF)}}}"
        for fd, events, _ in _pollfds(view, value, index)
    ]
    count = view.registers[index + 1]
    more = ", ..." if count > _MOST else ""
    return f"[{', '.join(shown)}{more}]" if shown or (value and not count) else pointer(value)


def poll_note(view: View, value: int, index: int) -> str:
    """Return what poll(2) has found, for behind the result."""
    shown = [
        f"{{fd={view.fd(fd)}, revents={FLAGS['poll'].text(revents)}}}"
        for fd, _, revents in _pollfds(view, value, index)
        if revents
    ]
    return f"[{', '.join(shown)}]" if shown else ("Timeout" if view.result == 0 else "")


def _pollfds(view: View, value: int, index: int) -> list[tuple[int, int, int]]:
    count = min(view.registers[index + 1] & 0xFFFFFFFF, _MOST)
    found = view.read(value, count * layouts.POLLFD.size) if value else b""
    whole = len(found) // layouts.POLLFD.size * layouts.POLLFD.size
    return list(layouts.POLLFD.iter_unpack(found[:whole]))


def fdset(view: View, value: int, index: int) -> str:
    """Show a set of select(2)."""
    fds = _members(view, value)
    return pointer(value) if fds is None else f"[{' '.join(view.fd(fd) for fd in fds)}]"


def set_note(view: View, value: int, index: int) -> str:
    """Return what select(2) has found in one set."""
    fds = _members(view, value)
    if view.result == 0:
        return "Timeout" if index == 1 or not view.registers[1] else ""
    return f"{('in', 'out', 'except')[index - 1]} [{' '.join(map(view.fd, fds))}]" if fds else ""


def _members(view: View, addr: int) -> list[int] | None:
    count = min(max(view.registers[0] & 0xFFFFFFFF, 0), 1024)
    found = view.read(addr, (count + 63) // 64 * 8) if addr else b""
    if not addr or (count and not found):
        return None
    mask = int.from_bytes(found, "little")
    return [fd for fd in range(count) if mask >> fd & 1]


def epoll_event(view: View, value: int, index: int) -> str:
    """Show a struct epoll_event."""
    fields = view.unpack(EVENT, value) if value else None
    return _event(*fields) if fields is not None else pointer(value)


def epoll_events(view: View, value: int, index: int) -> str:
    """Show the events that were found."""
    count = min(view.result or 0, _MOST)
    found = view.read(value, count * EVENT.size)
    whole = len(found) // EVENT.size * EVENT.size
    shown = [_event(*fields) for fields in EVENT.iter_unpack(found[:whole])]
    return f"[{', '.join(shown)}{', ...' if (view.result or 0) > _MOST else ''}]"


def _event(events: int, value: int) -> str:
    low = value & 0xFFFFFFFF
    return f"{{events={FLAGS['epoll'].text(events)}, data={{u32={low}, u64={value}}}}}"
