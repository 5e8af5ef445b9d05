"""`starrylab leaks`: run a program many times in one lab, and name what grows with each time.

What is named is the kernel's: objects by kind, entries of its tables, physical frames.  The
exit status is 0 when nothing grows, 1 when something does.  With ``--heap`` the program runs once,
and what is named are the blocks of malloc(3) and ``operator new`` that it loses (see `heap`).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from .common import add_machine_arguments
from .errors import UserError
from .quiet_lab import quiet_lab

if TYPE_CHECKING:
    from ..debug.leaks.report import Leak
    from ..session.leak_run import RunReport

_MOST: Final = 1_000_000
_DEFAULT: Final = 20
_FRAMES: Final = 6  #: of a stack that are shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `leaks`."""
    add_machine_arguments(parser)
    parser.add_argument(
        "--iterations", default=str(_DEFAULT), metavar="N", help=f"how often (default: {_DEFAULT})"
    )
    parser.add_argument(
        "--heap", action="store_true", help="run once, and look at the program's own heap instead"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--output", action="store_true", help="show what the program prints, on standard error"
    )
    parser.usage = "starrylab leaks [OPTION]... [--] CMD [ARG]..."
    parser.add_argument(
        "argv", nargs=argparse.REMAINDER, metavar="CMD ...", help="the program and its arguments"
    )


def main(args: argparse.Namespace) -> int:
    """Run the program as often as asked; return 1 if something grows."""
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    if not argv:
        raise UserError("leaks: name a program: starrylab leaks [OPTION]... -- CMD [ARG]...")
    if args.heap:
        from .heap import show_heaps

        return show_heaps(args, argv)
    iterations = _count(args.iterations)
    report = _run(args, argv, iterations)
    if args.json:
        print(json.dumps(asdict(report), indent=2))
    else:
        print("\n".join(_lines(report, argv)))
    return 0 if report.clean else 1


def _count(text: str) -> int:
    from ..session.leak_run import LEAST_ITERATIONS

    if not text.isdecimal() or not LEAST_ITERATIONS <= int(text) <= _MOST:
        raise UserError(f"--iterations {text}: give {LEAST_ITERATIONS} to {_MOST}")
    return int(text)


def _run(args: argparse.Namespace, argv: list[str], iterations: int) -> RunReport:
    from ..session.leak_run import LeakRun, LeakRunError

    with quiet_lab(args, argv) as lab:
        try:
            return LeakRun(lab, _progress(iterations)).run(iterations)
        except LeakRunError as error:
            raise UserError(f"leaks: {error}") from None


def _progress(iterations: int) -> Any:
    if not os.isatty(2):
        return lambda _done: None

    def tell(done: int) -> None:
        sys.stderr.write(f"\rstarrylab: {done} of {iterations} iterations")
        if done >= iterations:
            sys.stderr.write("\r\033[K")
        sys.stderr.flush()

    return tell


# -- the report as text ----------------------------------------------------------------------


def _lines(report: RunReport, argv: list[str]) -> list[str]:
    lines = [f"{report.iterations} iterations of {' '.join(argv)}"]
    if report.status:
        lines.append(f"note: the program ended with {_status(report.status)}")
    shown = [g for g in report.growth if g.bytes_slope] or report.growth  # tables follow objects
    if shown:
        lines.append("grows by    bytes  what (each iteration)")
    lines += [f"{g.slope:+8.2f} {g.bytes_slope:+8.0f}  {g.what}" for g in shown]
    for leak in [leak for leak in report.leaks if not leak.member] or report.leaks:
        lines += _leak(leak)
    for frames in report.audit.frames:
        lines.append(f"{frames.count} {frames.kind} frames from {frames.first:#x}: {frames.text}")
    if report.audit.heap_unaccounted:
        lines.append(f"{report.audit.heap_unaccounted} bytes of kernel heap belong to no buffer")
    if report.clean:
        lines.append("nothing grows, and all memory adds up")
    return lines


def _leak(leak: Leak) -> list[str]:
    from ..debug.leaks.text import who

    syscall = f" in {leak.syscall}()" if leak.syscall else ""
    lines = ["", f"{leak.count} {leak.kind}, {leak.bytes} bytes, made{syscall}: {leak.name}"]
    lines.append(f"    {who(leak)}")
    if leak.retained:
        lines.append(f"    and {leak.retained} more, {leak.retained_bytes} bytes, through it")
    for call in (*leak.stack[:_FRAMES], *leak.program[:_FRAMES]):
        place = f"{call.file}:{call.line}" if call.line else call.file or f"{call.address:#x}"
        lines.append(f"      {call.function} at {place}")
    return lines


def _status(status: int) -> str:
    return f"signal {status & 0x7F}" if status & 0x7F else f"status {status >> 8 & 0xFF}"
