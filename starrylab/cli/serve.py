"""`starrylab serve`: a running lab in a browser, or a new one for each visitor."""

from __future__ import annotations

import argparse
import errno
import shlex
import socket
import sys

from .attach import find_lab, lab_number
from .errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `serve`."""
    parser.add_argument(
        "lab", nargs="?", metavar="LAB", help="a lab of `attach --list` (default: the newest)"
    )
    parser.add_argument("--control", action="store_true", help="visitors may type, not only watch")
    parser.add_argument("--new", action="store_true", help="a new lab for each visitor")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
    parser.add_argument("--token", help="what visitors must know (default: made when --host is "
                        "not the loopback address)")  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    command = [sys.executable, "-m", "starrylab"]
    if not args.new:
        from ..session.relay import running_labs

        command += ["attach", lab_number(find_lab(running_labs(), args.lab))]
        if not args.control:
            command.append("--watch")
    elif args.lab is not None or args.control:
        raise UserError("--new makes labs of its own: give no LAB and no --control")
    _check_address(args.host, args.port)
    from ..serving import ConsoleServer

    ConsoleServer(shlex.join(command), args.host, args.port, token=args.token).serve()
    return 0


def _check_address(host: str, port: int) -> None:
    """Raise `UserError` if nobody can listen there."""
    if not 0 < port < 65536:
        raise UserError(f"--port {port}: give 1 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        advice = "; choose another --port" if error.errno == errno.EADDRINUSE else ""
        raise UserError(f"cannot listen on {host} port {port}: {error.strerror}{advice}") from None
