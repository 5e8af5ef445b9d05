"""The command line: `starrylab` opens the console, `starrylab COMMAND` does one thing.

Each command is a module with `add_arguments` and `main`, imported only when it is used, so
that `starrylab run` does not pay for the screens.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

from .errors import UserError

#: command -> (module, one line of help)
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("run", "run a Linux program in a lab, on this terminal"),
    "syscalls": ("syscalls", "list the system calls and how complete each one is"),
    "doctor": ("doctor", "check this host, and say how to get what is missing"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    args = sys.argv[1:] if argv is None else argv
    name = args[0] if args and args[0] in COMMANDS else None
    parser = argparse.ArgumentParser(
        prog="starrylab",
        description="An operating-system lab: a Linux-compatible kernel in Python, and a console "
        "in which everything it does can be seen.  Without a command it opens the console.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command, (module, summary) in COMMANDS.items():
        sub = commands.add_parser(command, help=summary, description=summary)
        if command == name:
            importlib.import_module(f".{module}", __name__).add_arguments(sub)
    if name is None:
        importlib.import_module(".console", __name__).add_arguments(parser)
    parsed = parser.parse_args(args)
    module = COMMANDS[name][0] if name else "console"
    try:
        status: int = importlib.import_module(f".{module}", __name__).main(parsed)
    except UserError as error:
        print(f"starrylab: {error}", file=sys.stderr)
        return error.status
    except BrokenPipeError:
        return 141  # as a program that SIGPIPE ended
    return status
