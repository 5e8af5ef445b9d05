"""`--backtrace` and `--core`: what is left of programs that a deadly signal ended."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from . import host_terminal as host
from .errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..kernel.kernel import Kernel
    from ..kernel.signal.deaths import DeathReport

    Say = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--backtrace",
        action="store_true",
        help="print where a program was when a fault or another deadly signal ended it",
    )
    parser.add_argument(
        "--core",
        metavar="FOLDER",
        help="write an ELF core file of such a program into FOLDER, for gdb: core.NAME.PID",
    )


def start(kernel: Kernel, args: argparse.Namespace) -> None:
    """Do from now on what the options ask for; raise `UserError` for a folder that is none."""
    if args.backtrace:
        _print_stacks(kernel)
    if args.core is not None:
        _write_cores(kernel, Path(args.core))


def _say(text: str) -> None:
    end = "\r\n" if os.isatty(0) and os.isatty(2) else "\n"
    host.draw(2, text.replace("\n", end).encode())


def _print_stacks(kernel: Kernel) -> None:
    from ..debug.last_stacks import LastStacks
    from ..debug.stack import Stacks

    LastStacks(Stacks(kernel)).on_death = lambda death: _say(death.text())


def _write_cores(kernel: Kernel, folder: Path) -> None:
    from ..debug.core_file import write_core
    from ..kernel.signal.info import SignalInfo

    if not folder.is_dir():
        raise UserError(f"--core: {folder} is not a folder")

    def write(report: DeathReport) -> None:
        thread = kernel.threads.get(report.tid)
        if thread is None:
            return
        name = report.comm.replace("/", "_").replace("\0", "")
        path = folder / f"core.{name}.{report.pid}"
        info = SignalInfo(report.signo, report.code, report.sender, addr=report.addr)
        try:
            with path.open("wb") as file:
                write_core(thread.process, file, current=thread, info=info)
        except OSError as error:
            _say(f"starrylab: --core: {path}: {error.strerror}\n")
        else:
            _say(f"starrylab: core file: {path}\n")

    kernel.events.subscribe("death", write)
