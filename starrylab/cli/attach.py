"""`starrylab attach`: join a running lab from another terminal, to watch or to work along."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import require_terminal
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
            print(lab_number(path))
        return 0
    path = find_lab(labs, args.lab)
    require_terminal("use `starrylab attach --list` in a script")
    from ..app import main as open_console
    from ..session.attached import AttachedClient

    return open_console(client=AttachedClient(path, control=not args.watch))


def lab_number(path: Path) -> str:
    """Return what the user calls the lab with this socket."""
    return path.stem.rpartition("-")[2]


def find_lab(labs: list[Path], wanted: str | None) -> Path:
    """Return the socket of a lab; raise `UserError`."""
    if not labs:
        raise UserError("no lab is running; start one with `starrylab` in another terminal")
    if wanted is None:
        return labs[-1]
    for path in labs:
        if lab_number(path) == wanted:
            return path
    numbers = ", ".join(map(lab_number, labs))
    raise UserError(f"there is no lab {wanted}; running: {numbers}")
