"""`--backtrace`: where programs were when signals ended them."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from . import host_terminal as host

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--backtrace",
        action="store_true",
        help="print where a program was when a fault or another deadly signal ended it",
    )


def start(kernel: Kernel, args: argparse.Namespace) -> None:
    """Print the stack of every death from now on, if the option asks for it."""
    if not args.backtrace:
        return
    from ..debug.last_stacks import Death, LastStacks
    from ..debug.stack import Stacks

    end = "\r\n" if os.isatty(0) and os.isatty(2) else "\n"

    def show(death: Death) -> None:
        host.draw(2, death.text().replace("\n", end).encode())

    LastStacks(Stacks(kernel)).on_death = show
