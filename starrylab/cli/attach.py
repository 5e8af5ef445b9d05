"""`starrylab attach`: join a running lab from another terminal, to watch or to work along."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `attach`."""
    parser.add_argument(
        "lab", nargs="?", metavar="LAB", help="a number of --list (default: the newest lab)"
    )
    parser.add_argument("--watch", action="store_true", help="only watch")
    parser.add_argument("--list", action="store_true", help="list the running labs, newest last")


def main(args: argparse.Namespace) -> int:
    """Join a lab, or list them."""
    from ..session.relay import running_labs

    labs = running_labs()
    if args.list:
        for path in labs:
            print(_number(path))
        return 0
    path = _find(labs, args.lab)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("attach needs a terminal")
    from ..app import main as open_console
    from ..session.attached import AttachedClient

    return open_console(client=AttachedClient(path, control=not args.watch))


def _number(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def _find(labs: list[Path], wanted: str | None) -> Path:
    """Return the socket of a lab; raise `UserError`."""
    if not labs:
        raise UserError("no lab is running; start one with `starrylab` in another terminal")
    if wanted is None:
        return labs[-1]
    for path in labs:
        if _number(path) == wanted:
            return path
    numbers = ", ".join(map(_number, labs))
    raise UserError(f"there is no lab {wanted}; running: {numbers}")
