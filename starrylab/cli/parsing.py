"""The parser of the command line: every command's options, help, and errors in one line."""

from __future__ import annotations

import argparse
import importlib
import re
from typing import Any, Final, NoReturn

from .errors import UserError

_UNKNOWN_COMMAND: Final = re.compile(r"argument COMMAND: invalid choice: (\S+) ")


def parse(
    args: list[str], name: str | None, commands: dict[str, tuple[str, str]]
) -> argparse.Namespace:
    """Return what ``args`` say for the command ``name`` (None: the console); raise `UserError`."""
    parser = _Parser(
        prog="starrylab",
        usage="starrylab [OPTION]...\n       starrylab COMMAND [OPTION]... [ARG]...",
        description="An operating-system lab: a Linux-compatible kernel in Python, and a console "
        "in which everything it does can be seen.  Without a command it opens the console.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.help_command = f"starrylab {name} --help" if name else "starrylab --help"
    subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", prog="starrylab", parser_class=_Parser
    )
    for command, (module, summary) in commands.items():
        sub = subparsers.add_parser(
            command, help=summary, description=_sentence(summary), allow_abbrev=False
        )
        if command == name:
            importlib.import_module(f".{module}", __package__).add_arguments(sub)
    if name is None:
        importlib.import_module(".console", __package__).add_arguments(parser)
    return parser.parse_args(args)


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
