"""Which memory a system call is about to read: it comes along with the stop.

Without this a `write` costs two round trips, one for its registers and one for its bytes.
The table need not be complete, and a length may be wrong: what did not come is read.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ...abi import numbers
from ...abi.numbers import Arch

STRING: Final = 0  #: as a unit: bytes up to a NUL
STRING_GRAIN: Final = 32  #: a string comes with what follows it, up to a multiple of this address
LIMIT: Final = 256  #: most bytes that come along for one argument


class Follow(NamedTuple):
    """Send ``unit`` times argument ``times`` bytes from where argument ``pointer`` points."""

    pointer: int
    unit: int
    times: int = -1  #: -1: ``unit`` bytes
    vector: bool = False  #: these are struct iovec; what they point to comes as well


def _path(pointer: int) -> tuple[Follow, ...]:
    return (Follow(pointer, STRING),)


def _two_paths(first: int, second: int) -> tuple[Follow, ...]:
    return Follow(first, STRING), Follow(second, STRING)


_BUFFER: Final = (Follow(1, 1, 2),)
_PATH_AT: Final = _path(1)

_BY_NAME: Final[dict[str, tuple[Follow, ...]]] = {
    "write": _BUFFER,
    "pwrite64": _BUFFER,
    "sendto": _BUFFER,
    "writev": (Follow(1, 16, 2, vector=True),),
    "sendmsg": (Follow(1, 56),),
    "recvmsg": (Follow(1, 56),),
    "openat": _PATH_AT,
    "newfstatat": _PATH_AT,
    "statx": _PATH_AT,
    "faccessat": _PATH_AT,
    "faccessat2": _PATH_AT,
    "readlinkat": _PATH_AT,
    "mkdirat": _PATH_AT,
    "unlinkat": _PATH_AT,
    "fchmodat": _PATH_AT,
    "fchownat": _PATH_AT,
    "symlinkat": _two_paths(0, 2),
    "linkat": _two_paths(1, 3),
    "renameat2": _two_paths(1, 3),
    "chdir": _path(0),
    "execve": (Follow(0, STRING), Follow(1, 64), Follow(2, 64)),
    "rt_sigaction": (Follow(1, 24),),
    "rt_sigprocmask": (Follow(1, 8),),
    "rt_sigsuspend": (Follow(0, 8),),
    "ppoll": (Follow(0, 8, 1), Follow(2, 16)),
    "pselect6": (Follow(4, 16),),
    "prctl": (Follow(1, 16),),
    "riscv_hwprobe": (Follow(0, 16, 1),),
    "futex": (Follow(0, 4),),
    "nanosleep": (Follow(0, 16),),
    "clock_nanosleep": (Follow(2, 16),),
    "connect": (Follow(1, 1, 2),),
    "bind": (Follow(1, 1, 2),),
    "epoll_ctl": (Follow(3, 16),),
}


def table(arch: Arch) -> dict[int, tuple[Follow, ...]]:
    """Return what to send along, by number of the system call."""
    names = numbers.names(arch)
    return {number: _BY_NAME[name] for number, name in names.items() if name in _BY_NAME}
