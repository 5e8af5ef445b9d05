"""Times: timespec, timeval and what is made of them."""

from __future__ import annotations

from struct import Struct
from typing import Final

from ...abi import signal as sig
from ...abi.stat import UTIME_NOW, UTIME_OMIT
from ...abi.time import ITIMERSPEC, SIGEVENT, TIMESPEC
from .constants import choice
from .view import View, pointer

_SPECIAL: Final = {UTIME_NOW: "UTIME_NOW", UTIME_OMIT: "UTIME_OMIT"}
_TWO: Final = Struct("<qqqq")


def spec(seconds: int, nanoseconds: int) -> str:
    """Return a struct timespec."""
    return f"{{tv_sec={seconds}, tv_nsec={nanoseconds}}}"


def val(seconds: int, microseconds: int) -> str:
    """Return a struct timeval."""
    return f"{{tv_sec={seconds}, tv_usec={microseconds}}}"


def timespec(view: View, value: int, index: int) -> str:
    """Show a struct timespec."""
    fields = view.unpack(TIMESPEC, value) if value else None
    return spec(*fields) if fields is not None else pointer(value)


def timeval(view: View, value: int, index: int) -> str:
    """Show a struct timeval."""
    fields = view.unpack(TIMESPEC, value) if value else None
    return val(*fields) if fields is not None else pointer(value)


def timespecs(view: View, value: int, index: int) -> str:
    """Show the two times of utimensat(2)."""
    fields = view.unpack(_TWO, value) if value else None
    if fields is None:
        return pointer(value)
    pairs = (fields[:2], fields[2:])
    return "[" + ", ".join(_SPECIAL.get(pair[1]) or spec(*pair) for pair in pairs) + "]"


def itimerspec(view: View, value: int, index: int) -> str:
    """Show a struct itimerspec."""
    fields = view.unpack(ITIMERSPEC, value) if value else None
    if fields is None:
        return pointer(value)
    return f"{{it_interval={spec(*fields[:2])}, it_value={spec(*fields[2:])}}}"


def itimerval(view: View, value: int, index: int) -> str:
    """Show a struct itimerval."""
    fields = view.unpack(ITIMERSPEC, value) if value else None
    if fields is None:
        return pointer(value)
    return f"{{it_interval={val(*fields[:2])}, it_value={val(*fields[2:])}}}"


def sigevent(view: View, value: int, index: int) -> str:
    """Show a struct sigevent."""
    fields = view.unpack(SIGEVENT, value) if value else None
    if fields is None:
        return pointer(value)
    what, signo, notify, tid = fields
    text = f"{{sigev_value={what:#x}, sigev_signo={sig.name(signo)}"
    text += f", sigev_notify={choice('sigev', notify)}"
    return text + (f", sigev_notify_thread_id={tid}}}" if notify == sig.SIGEV_THREAD_ID else "}")
