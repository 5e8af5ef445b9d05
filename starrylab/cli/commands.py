"""The table of commands.

Each command is a module with `add_arguments` and `main`, imported only when it is used, so
that `starrylab run` does not pay for the screens.
"""

from __future__ import annotations

import gc
import importlib
import io
import sys
from typing import Final

#: command -> (module, one line of help)
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("run", "run a Linux program in a lab, on this terminal"),
    "debug": ("debug", "run a program under a debugger, with gdb's commands"),
    "attach": ("attach", "join a running lab from another terminal"),
    "serve": ("serve", "show a running lab in a browser"),
    "leaks": ("leaks", "run a program many times, and name what the kernel keeps each time"),
    "symbolize": ("symbolize", "explain the addresses in a kernel's log"),
    "rootfs": ("rootfs", "make root file systems from Debian's packages, and keep them by name"),
    "image": ("image", "make what a board's boot loader starts, and explain such files"),
    "syscalls": ("syscalls", "list the system calls and how complete each one is"),
    "flash": ("flash", "bring an image onto a board over its serial line, and start it"),
    "console": ("serial_console", "a serial terminal that explains a kernel's backtraces"),
    "lab": ("lab", "work through the course: labs that check themselves"),
    "doctor": ("doctor", "check this host, and say how to get what is missing"),
}
#: commands with a way for arguments without options: a parser would take as long as the answer
_QUICK: Final = frozenset({"symbolize"})


def run_command(args: list[str]) -> int:
    """Run the command that ``args`` ask for; return its exit status; raise `UserError`."""
    _write_all_of_it()
    name = args[0] if args and args[0] in COMMANDS else None
    gc.disable()  # modules are no garbage, and to look for some takes a tenth of the time
    try:
        name_of = COMMANDS[name][0] if name else "console"
        module = importlib.import_module(f".{name_of}", __package__)
        status: int | None = module.quick(args[1:]) if name in _QUICK else None
    finally:
        gc.enable()
    if status is None:
        from .parsing import parse

        status = module.main(parse(args, name, COMMANDS))
    if sys.stdout is not None:  # as it is when standard output is closed
        sys.stdout.flush()
    return status


def _write_all_of_it() -> None:
    """Put a buffer before standard output where it has none (PYTHONUNBUFFERED).

    A signal, such as a lab's ticks, ends a long write to a pipe early, and without a buffer
    nobody writes the rest. A stream that somebody else put there is theirs.
    """
    out = sys.__stdout__
    if out is None or out is not sys.stdout or not isinstance(out.buffer, io.RawIOBase):
        return
    sys.stdout = open(  # noqa: SIM115  it lives as long as the process
        out.fileno(), "w", buffering=1, encoding=out.encoding, errors=out.errors, closefd=False
    )
