"""The host's terminal and signals while a guest has them (termios(3), signal(7)).

Signals of the host enter the machine through its door, like all that comes from outside: a
handler alone could not end the door's wait, which Python takes up again (PEP 475).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import termios
import tty
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from .host_signals import SOURCE, signals_through_door

if TYPE_CHECKING:
    from ..session.assemble import Lab

#: passed on to the guest's first program, as docker run does
_PASSED: Final = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


def open_missing_streams() -> None:
    """Put /dev/null where standard input, output or error is closed.

    Otherwise the next file that is opened would take the place.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def console_descriptor() -> int:
    """Return where the guest's terminal is drawn: a terminal of ours, or standard error."""
    return next((fd for fd in (1, 2, 0) if os.isatty(fd)), 2)


def window_size() -> tuple[int, int]:
    """Return rows and columns of the terminal; 24 and 80 when it has no size or is none."""
    for fd in range(3):
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(fd)
            return size.lines or 24, size.columns or 80
    return 24, 80


def write_all(fd: int, data: bytes) -> None:
    """Write everything, also to a descriptor that somebody made non-blocking."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            select.select((), (fd,), ())


def emitter(fd: int) -> Callable[[bytes], int | None]:
    """Return what writes to a descriptor: only what fits at once, if it is a pipe."""
    mode = os.fstat(fd).st_mode
    waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    return partial(_write_some if waits else write_all, fd)


def _write_some(fd: int, data: bytes) -> int:
    done = 0
    with contextlib.suppress(BlockingIOError):
        while done < len(data) and select.select((), (fd,), (), 0)[1]:
            done += os.write(fd, data[done : done + select.PIPE_BUF])
    return done


def draw(fd: int, data: bytes) -> None:
    """Write to the terminal; what a terminal that is gone would have shown is lost."""
    with contextlib.suppress(OSError):
        write_all(fd, data)


@contextlib.contextmanager
def lent_to(lab: Lab) -> Iterator[None]:
    """Lend terminal and signals to the guest."""
    raw = _RawMode() if os.isatty(0) else None
    try:
        with _signals(lab, raw):
            if raw is not None:
                raw.enter()
            yield
    finally:
        if raw is not None:
            raw.leave()


class _RawMode:
    """Raw mode of standard input's terminal."""

    def __init__(self) -> None:
        self._before = termios.tcgetattr(0)
        # Where not all output passes through the guest's terminal, the host's goes on
        # ending lines for those who share it (`starrylab run -- ls | cat`).
        self._shared = not (os.isatty(1) and os.isatty(2))

    def enter(self) -> None:
        """Switch to it; nothing to do when the terminal is gone."""
        with contextlib.suppress(termios.error):
            tty.setraw(0, termios.TCSANOW)
            if self._shared:
                now = termios.tcgetattr(0)
                now[1] |= termios.OPOST
                termios.tcsetattr(0, termios.TCSANOW, now)

    def leave(self) -> None:
        """Bring back what was before; nothing to do when the terminal is gone."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, self._before)


@contextlib.contextmanager
def _signals(lab: Lab, raw: _RawMode | None) -> Iterator[None]:
    """Let the host's signals enter through the door."""
    seen: set[int] = set()

    def serve(signo: int) -> None:
        if signo == signal.SIGCONT and raw is not None:
            raw.enter()  # the shell that stopped us had the terminal in between
        if signo in (signal.SIGCONT, signal.SIGWINCH):
            lab.resize(*window_size())
        elif signo == signal.SIGTERM and signo in seen:
            lab.stop()  # asked twice: no matter what the guest thinks of it
        else:
            seen.add(signo)
            lab.signal(signo)

    if lab.debugger is not None:
        lab.debugger.wake_sources().add(SOURCE)
    with signals_through_door(lab.door, (*_PASSED, signal.SIGWINCH, signal.SIGCONT), serve):
        yield
