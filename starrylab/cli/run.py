"""`starrylab run`: run a program in a lab on this terminal, as `docker run -it` would.

Standard input, output and error pass through; where they are terminals the guest gets a
terminal of the same size, and the host's is in raw mode, so that Ctrl-C, Ctrl-Z and window
changes reach the guest.  The exit status is the program's, 128 + N when signal N ended it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .common import add_machine_arguments, machine_config
from .errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `run`."""
    add_machine_arguments(parser)
    parser.add_argument(
        "--strace",
        nargs="?",
        const="all",
        metavar="FILTER",
        help="print system calls to standard error; FILTER like read,write or !futex",
    )
    parser.add_argument("--stats", action="store_true", help="print counters at the end")
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD ...", help="the program")


def main(args: argparse.Namespace) -> int:
    """Run the program; return its exit status."""
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    config = machine_config(args, argv)
    from ..session.assemble import AssemblyError, HostIo, assemble

    io = HostIo(
        stdin_tty=os.isatty(0),
        stdout_tty=os.isatty(1),
        stderr_tty=os.isatty(2),
        size=_window_size(),
        emit_console=lambda data: _write_all(1 if os.isatty(1) else 2, data),
        emit=(lambda data: _write_all(1, data), lambda data: _write_all(2, data)),
    )
    try:
        lab = assemble(config, io)
    except AssemblyError as error:
        raise UserError(str(error), error.status) from None
    if args.strace:
        from ..debug.strace import FilterError, Strace

        try:
            Strace(lab.kernel, args.strace, lambda text: _write_all(2, text.encode()))
        except FilterError as error:
            raise UserError(f"--strace: {error}") from None
    with _host_terminal(lab):
        status = lab.run()
    if args.stats:
        from ..debug.statistics import report

        sys.stderr.write(report(lab.kernel))
    if lab.kernel.panic_text is not None:
        sys.stderr.write(f"starrylab: kernel panic\n{lab.kernel.panic_text}")
        return 70
    return status


def _window_size() -> tuple[int, int]:
    for fd in (0, 1, 2):
        try:
            size = os.get_terminal_size(fd)
        except OSError:
            continue
        return size.lines or 24, size.columns or 80
    return 24, 80


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


@contextmanager
def _host_terminal(lab: Any) -> Iterator[None]:
    """Put the host's terminal into raw mode while the guest owns it."""
    previous = None
    if os.isatty(0):
        previous = termios.tcgetattr(0)
        tty.setraw(0, termios.TCSANOW)
        signal.signal(signal.SIGWINCH, lambda *_: lab.resize(*_window_size()))
    else:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: lab.stop())
    signal.signal(signal.SIGHUP, lambda *_: lab.stop())
    try:
        yield
    finally:
        if previous is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, previous)
