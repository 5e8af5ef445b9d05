"""The last argument of ioctl(2) and fcntl(2): what it is depends on the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...abi import fcntl, ioctl, layouts, termios
from .constants import FLAGS, choice
from .structures import u32
from .view import View, pointer, signed


def _termios(view: View, addr: int, index: int) -> str:
    found = view.read(addr, termios.TERMIOS_SIZE) if addr else b""
    if len(found) < termios.TERMIOS_SIZE:
        return pointer(addr)
    settings = termios.Termios().unpack(found)
    words = [
        f"c_{name}={getattr(settings, name):#x}" for name in ("iflag", "oflag", "cflag", "lflag")
    ]
    return f"{{{', '.join(words)}, c_line={settings.line}, ...}}"


def _winsize(view: View, addr: int, index: int) -> str:
    fields = view.unpack(termios.WINSIZE, addr) if addr else None
    if fields is None:
        return pointer(addr)
    names = ("ws_row", "ws_col", "ws_xpixel", "ws_ypixel")
    return f"{{{', '.join(f'{n}={v}' for n, v in zip(names, fields, strict=True))}}}"


def _number(view: View, value: int, index: int) -> str:
    return str(signed(value))


Shower = Callable[[View, int, int], str]

#: request -> how its argument is shown, before the call
_IOCTL_IN: Final[dict[int, Shower]] = {
    ioctl.TCSETS: _termios, ioctl.TCSETSW: _termios, ioctl.TCSETSF: _termios,
    ioctl.TIOCSWINSZ: _winsize, ioctl.TIOCSPGRP: u32, ioctl.TIOCSPTLCK: u32,
    ioctl.FIONBIO: u32, ioctl.FIOASYNC: u32, ioctl.TIOCPKT: u32, ioctl.TIOCSETD: u32,
    ioctl.TCSBRK: _number, ioctl.TCXONC: _number, ioctl.TCFLSH: _number,
    ioctl.TIOCSCTTY: _number,
}  # fmt: skip
#: ... and after it
_IOCTL_OUT: Final[dict[int, Shower]] = {
    ioctl.TCGETS: _termios, ioctl.TIOCGWINSZ: _winsize, ioctl.TIOCGPGRP: u32,
    ioctl.TIOCGSID: u32, ioctl.FIONREAD: u32, ioctl.TIOCOUTQ: u32, ioctl.TIOCGPTN: u32,
    ioctl.TIOCGPTLCK: u32, ioctl.TIOCGETD: u32,
}  # fmt: skip
_IOCTL_NONE: Final = frozenset({ioctl.FIOCLEX, ioctl.FIONCLEX, ioctl.TIOCNOTTY, ioctl.TIOCEXCL,
                                ioctl.TIOCNXCL, ioctl.TIOCVHANGUP})  # fmt: skip


def is_out(view: View, index: int) -> bool:
    """Tell whether the call fills in what its last argument points to."""
    request = view.registers[1] & 0xFFFFFFFF
    return request in (_IOCTL_OUT if view.entry and view.entry.name == "ioctl" else _FCNTL_OUT)


def ioctl_arg(view: View, value: int, index: int) -> str | None:
    """Show the argument of ioctl(2)."""
    request = view.registers[1] & 0xFFFFFFFF
    if request in _IOCTL_NONE:
        return None
    shower = _IOCTL_IN.get(request) or _IOCTL_OUT.get(request)
    return shower(view, value, index) if shower is not None else pointer(value)


def _lock(view: View, addr: int, index: int) -> str:
    fields = view.unpack(layouts.FLOCK, addr) if addr else None
    if fields is None:
        return pointer(addr)
    kind, whence, start, length, pid = fields
    text = f"{{l_type={choice('lock', kind)}, l_whence={choice('whence', whence)}"
    text += f", l_start={start}, l_len={length}"
    taken = view.registers[1] in _FCNTL_OUT and kind != fcntl.F_UNLCK
    return text + (f", l_pid={pid}}}" if taken else "}")


def _status_flags(view: View, value: int, index: int) -> str:
    from .scalars import open_text

    return open_text(value & 0xFFFFFFFF)


def _fd_flags(view: View, value: int, index: int) -> str:
    return "FD_CLOEXEC" if value == fcntl.FD_CLOEXEC else hex(value) if value else "0"


def _seals(view: View, value: int, index: int) -> str:
    return FLAGS["seals"].text(value)


_FCNTL: Final[dict[int, Shower]] = {
    fcntl.F_DUPFD: _number, fcntl.F_DUPFD_CLOEXEC: _number, fcntl.F_SETFD: _fd_flags,
    fcntl.F_SETFL: _status_flags, fcntl.F_SETLK: _lock, fcntl.F_SETLKW: _lock,
    fcntl.F_GETLK: _lock, fcntl.F_OFD_SETLK: _lock, fcntl.F_OFD_SETLKW: _lock,
    fcntl.F_OFD_GETLK: _lock, fcntl.F_SETOWN: _number, fcntl.F_SETPIPE_SZ: _number,
    fcntl.F_SETSIG: _number, fcntl.F_ADD_SEALS: _seals,
}  # fmt: skip
_FCNTL_OUT: Final = frozenset({fcntl.F_GETLK, fcntl.F_OFD_GETLK})
_FCNTL_NONE: Final = frozenset({fcntl.F_GETFD, fcntl.F_GETFL, fcntl.F_GETOWN, fcntl.F_GETSIG,
                                fcntl.F_GETPIPE_SZ, fcntl.F_GET_SEALS})  # fmt: skip

_DUPLICATES: Final = (fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC)


def fcntl_arg(view: View, value: int, index: int) -> str | None:
    """Show the argument of fcntl(2)."""
    command = view.registers[1] & 0xFFFFFFFF
    if command in _FCNTL_NONE:
        return None
    shower = _FCNTL.get(command)
    return shower(view, value, index) if shower is not None else hex(value)


def fcntl_result(view: View, result: int) -> str:
    """Return what fcntl(2) gives back; flags are named."""
    command = view.registers[1] & 0xFFFFFFFF
    if command == fcntl.F_GETFL:
        return f"{result:#x} (flags {_status_flags(view, result, 0)})"
    if command == fcntl.F_GETFD and result:
        return f"{result:#x} (flags {_fd_flags(view, result, 0)})"
    if command == fcntl.F_GET_SEALS and result:
        return f"{result:#x} (seals {_seals(view, result, 0)})"
    return view.fd(result) if command in _DUPLICATES else str(result)
