"""`starrylab debug`: run a program under a debugger that speaks gdb's words.

The program has a terminal of its own; what it prints appears between the debugger's lines, and it
reads what ``--input`` holds or the command ``type`` types.  Commands come from ``-ex``, ``-x``, and
then from standard input: a terminal with line editing, or a script.  Ctrl-C pauses the program.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..session.protocol import Failed
from .common import add_machine_arguments, machine_config
from .debugger.link import CommandError, Link
from .debugger.shell import Quit, Shell, terminal_lines
from .debugger.state import State
from .errors import UserError


@dataclass(frozen=True, slots=True)
class _Source:
    """A command of ``-ex``, or a file of ``-x``."""

    text: str
    is_file: bool


class _Collect(argparse.Action):
    """Keeps ``-ex`` and ``-x`` in their common order."""

    def __call__(
        self,
        _parser: object,
        namespace: argparse.Namespace,
        value: object,
        option: str | None = None,
    ) -> None:
        namespace.commands = [
            *namespace.commands,
            _Source(str(value), option in ("-x", "--command")),
        ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `debug`."""
    add_machine_arguments(parser)
    parser.add_argument(
        "-x", "--command", dest="commands", action=_Collect, default=[], metavar="FILE",
        help="do the debugger commands of a file",
    )  # fmt: skip
    parser.add_argument(
        "-ex", "--eval-command", dest="commands", action=_Collect, metavar="CMD",
        help="do one debugger command",
    )  # fmt: skip
    parser.add_argument(
        "--batch", action="store_true",
        help="leave after -x and -ex; the exit status is the program's, or 1 if it did not end "
        "and the last command failed",
    )  # fmt: skip
    parser.add_argument("--input", metavar="FILE", help="what the program reads from its terminal")
    parser.usage = "starrylab debug [OPTION]... [--] CMD [ARG]..."
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="CMD ...", help="the program")


def main(args: argparse.Namespace) -> int:
    """Debug the program; return the exit status."""
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    if args.gdb:
        raise UserError("--gdb is for `starrylab run`: here is a debugger already")
    config = msgspec.structs.replace(machine_config(args, argv), debug=True)
    data = _input(args.input)
    console = sys.stdout.isatty()

    def show(output: bytes) -> None:
        sys.stdout.flush()
        sys.stdout.buffer.write(output if console else output.replace(b"\r\n", b"\n"))
        sys.stdout.buffer.flush()

    link = Link(show, lambda text: _complain(text))
    try:
        link.start(config, data)
        return _converse(State(link, _write, " ".join(argv)), args)
    finally:
        link.close()


def _converse(state: State, args: argparse.Namespace) -> int:
    shell = Shell(state)
    try:
        ending = state.wait()
        if isinstance(ending, Failed):
            raise UserError(ending.text, ending.status)
        if state.link.ending is not None:
            return _status(shell)
        _do(shell, args.commands)
        if not args.batch:
            is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
            lines = terminal_lines("(starrylab) ") if is_terminal else _piped_lines()
            shell.interact(lines, _complain)
            return 0 if is_terminal else _status(shell)
    except Quit:
        pass
    return _status(shell)


def _status(shell: Shell) -> int:
    """Return the program's exit status; if it has not ended, 1 where the last command failed."""
    status = shell.state.status
    return int(shell.failed) if status is None else status


def _piped_lines() -> Iterator[str]:
    """Yield the lines of a script; `Shell.do` complains of bytes that are no text."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    return map(str.rstrip, sys.stdin)


def _do(shell: Shell, sources: list[_Source]) -> None:
    for source in sources:
        try:
            if source.is_file:
                shell.script(_script(source.text), source.text)
            else:
                shell.script([source.text])
        except CommandError as error:
            _complain(str(error))


def _script(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise UserError(f"-x {path}: {reason}") from None


def _input(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(os.devnull if path == "" else path).read_bytes()
    except OSError as error:
        raise UserError(f"--input {path}: {error.strerror}") from None


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
