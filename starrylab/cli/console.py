"""`starrylab`: open the console."""

from __future__ import annotations

import argparse

from .common import add_machine_arguments, machine_config, require_terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the console."""
    add_machine_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Open the console on this terminal."""
    require_terminal("use `starrylab run -- COMMAND` in a script")
    from ..app import main as open_console

    return open_console(machine_config(args))
