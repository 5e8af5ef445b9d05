"""A lab that only a report comes out of."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import host_terminal as host
from .common import machine_config
from .errors import UserError
from .host_signals import signals_through_door

if TYPE_CHECKING:
    from ..session.assemble import Lab


@contextmanager
def quiet_lab(args: argparse.Namespace, argv: list[str]) -> Iterator[Lab]:
    """Assemble a lab without input, which prints only with ``--output``; Ctrl-C ends it."""
    from ..session.assemble import AssemblyError, HostIo, assemble

    def show(data: bytes) -> None:
        if args.output:
            host.draw(2, data)

    config = machine_config(args, argv)
    nothing = os.open(os.devnull, os.O_RDONLY)
    io = HostIo(
        stdin_tty=False,
        stdout_tty=False,
        stderr_tty=False,
        stdin_fd=nothing,
        emit_console=show,
        emit=(show, show),
    )
    try:
        lab = assemble(config, io)
    except AssemblyError as error:
        raise UserError(str(error), error.status) from None
    try:
        with signals_through_door(lab.door, (signal.SIGINT,), lambda _: lab.stop()):
            yield lab
    finally:
        os.close(nothing)
