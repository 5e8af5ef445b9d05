"""The table of commands, and the parser that finds the one that was asked for.

Each command is a module with `add_arguments` and `main`, imported only when it is used, so
that `starrylab run` does not pay for the screens.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from typing import Any, Final, NoReturn

from .errors import UserError

#: command -> (module, one line of help)
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("run", "run a Linux program in a lab, on this terminal"),
    "debug": ("debug", "run a program under a debugger, with gdb's commands"),
    "attach": ("attach", "join a running lab from another terminal"),
    "serve": ("serve", "show a running lab in a browser"),
    "leaks": ("leaks", "run a program many times, and name what the kernel keeps each time"),
    "symbolize": ("symbolize", "explain the addresses in a kernel's log"),
    "rootfs": ("rootfs", "make root file systems from Debian's packages, and keep them by name"),
    "syscalls": ("syscalls", "list the system calls and how complete each one is"),
    "doctor": ("doctor", "check this host, and say how to get what is missing"),
}
_UNKNOWN_COMMAND: Final = re.compile(r"argument COMMAND: invalid choice: (\S+) ")


def run_command(args: list[str]) -> int:
    """Run the command that ``args`` ask for; return its exit status; raise `UserError`."""
    name = args[0] if args and args[0] in COMMANDS else None
    parser = _Parser(
        prog="starrylab",
        usage="starrylab [OPTION]...\n       starrylab COMMAND [OPTION]... [ARG]...",
        description="An operating-system lab: a Linux-compatible kernel in Python, and a console "
        "in which everything it does can be seen.  Without a command it opens the console.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.help_command = f"starrylab {name} --help" if name else "starrylab --help"
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", prog="starrylab", parser_class=_Parser
    )
    for command, (module, summary) in COMMANDS.items():
        sub = commands.add_parser(
            command, help=summary, description=_sentence(summary), allow_abbrev=False
        )
        if command == name:
            importlib.import_module(f".{module}", __package__).add_arguments(sub)
    if name is None:
        importlib.import_module(".console", __package__).add_arguments(parser)
    parsed = parser.parse_args(args)
    module = COMMANDS[name][0] if name else "console"
    status: int = importlib.import_module(f".{module}", __package__).main(parsed)
    if sys.stdout is not None:  # as it is when standard output is closed
        sys.stdout.flush()
    return status


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all of StarryLab does."""

    help_command = ""  #: what to try; empty: this parser's own help

    def error(self, message: str) -> NoReturn:
        """Raise `UserError`."""
        found = _UNKNOWN_COMMAND.match(message)
        if found is not None:
            message = f"there is no command {found[1]}"
        raise UserError(f"{message}; see {self.help_command or f'{self.prog} --help'}")


class _Version(argparse.Action):
    """Prints the version of the installed package, which takes a moment to find out."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """See ``argparse.Action``."""
        from importlib.metadata import version

        print(f"starrylab {version('starrylab')}")
        parser.exit()
