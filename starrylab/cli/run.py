"""`starrylab run`: run a program in a lab on this terminal, as `docker run -it` would.

Standard input, output and error pass through; where they are terminals the guest gets a
terminal of the same size, and the host's is in raw mode, so that Ctrl-C, Ctrl-Z and window
changes reach the guest.  The exit status is the program's, 128 + N when signal N ended it.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from . import deaths, tracing
from . import host_terminal as host
from .common import add_machine_arguments, machine_config
from .errors import UserError

if TYPE_CHECKING:
    from ..session.assemble import HostIo, Lab

_LOST: Final = 74  #: exit status: EX_IOERR of <sysexits.h>
_PANIC: Final = 70  #: exit status: EX_SOFTWARE of <sysexits.h>


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `run`."""
    add_machine_arguments(parser)
    tracing.add_arguments(parser)
    deaths.add_arguments(parser)
    parser.add_argument("--stats", action="store_true", help="print counters at the end")
    parser.usage = "starrylab run [OPTION]... [--] [CMD [ARG]...]"
    parser.add_argument(
        "argv",
        nargs=argparse.REMAINDER,
        metavar="CMD ...",
        help="the program and its arguments (default: the root's init, or its shell)",
    )


def main(args: argparse.Namespace) -> int:
    """Run the program; return its exit status."""
    host.open_missing_streams()
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    config = machine_config(args, argv)
    from ..session.assemble import AssemblyError, assemble

    try:
        lab = assemble(config, _host_io())
    except AssemblyError as error:
        raise UserError(str(error), error.status) from None
    trace = tracing.start(lab.kernel, args)
    deaths.start(lab.kernel, args)
    if lab.gdb is not None:
        lab.gdb.wait()
    with host.lent_to(lab):
        status = _run(lab)
    if config.board is not None:
        lab.hart.close()
    lab.finish_output()
    if trace is not None:
        trace.close()
    if args.stats:
        from ..debug.statistics import report

        sys.stderr.write(report(lab.kernel))
    if lab.kernel.hart_lost is not None:
        raise UserError(lab.kernel.hart_lost, _LOST)
    if lab.kernel.panic_text is not None:
        sys.stderr.write(f"starrylab: kernel panic\n{lab.kernel.panic_text}")
        if config.keep:
            sys.stderr.write("starrylab: what changed in the root since the last sync is lost\n")
        return _PANIC
    return status


def _host_io() -> HostIo:
    from ..session.assemble import HostIo

    console = host.console_descriptor()
    return HostIo(
        stdin_tty=os.isatty(0),
        stdout_tty=os.isatty(1),
        stderr_tty=os.isatty(2),
        size=host.window_size(),
        emit_console=lambda data: host.draw(console, data),
        emit=(host.emitter(1), host.emitter(2)),
        progress=_progress,
        warn=_say,
        tell=_say,
    )


def _run(lab: Lab) -> int:
    try:
        return lab.run()
    except BrokenPipeError:
        raise
    except (Exception, SystemExit) as bug:  # the kernel's, or a student's: its panic
        lab.kernel.panic(bug)
        return _PANIC


def _say(text: str) -> None:
    """Write lines to standard error, also when the terminal is in raw mode."""
    lines = f"starrylab: {text}\n"
    host.draw(2, (lines.replace("\n", "\r\n") if os.isatty(2) else lines).encode())


def _progress(text: str) -> None:
    """Tell a person what takes long; a script is not disturbed."""
    if os.isatty(2):
        sys.stderr.write(f"starrylab: {text}\n")
