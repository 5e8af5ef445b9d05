"""``monitor COMMAND`` of gdb (qRcmd): what the lab can tell beyond the protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..inspect import namer
from ..stack import one_stack
from ..stack_text import format_stack
from ..statistics import report
from ..waits import text as waits_text
from ..waits.graph import look
from .threads import descriptions
from .values import GdbError, from_hex

if TYPE_CHECKING:
    from ...kernel.thread import Thread
    from .stub import Handler, Stub


def _help(stub: Stub, words: list[str]) -> str:
    """List these commands."""
    rows = [f"{name:16} {command.__doc__}" for name, command in COMMANDS.items()]
    return "\n".join(rows) + "\n"


def _ps(stub: Stub, words: list[str]) -> str:
    """Show all processes of the lab, attached (*) or not."""
    rows = ["    PID   PPID THREADS NAME"]
    for pid, process in sorted(stub.kernel.processes.items()):
        mark = "*" if pid in stub.client.traced else " "
        parent = process.parent.pid if process.parent is not None else 0
        name = process.comm.decode(errors="replace") + (" (ended)" if process.zombie else "")
        rows.append(f"{mark} {pid:5} {parent:6} {len(process.threads):7} {name}")
    return "\n".join(rows) + "\n"


def _stack(stub: Stub, words: list[str]) -> str:
    """Show a thread's one stack, kernel frames too: stack [TID]; default: the selected thread."""
    thread = _thread(stub, words[0]) if words else stub.found.current()
    name = thread.comm.decode(errors="replace")
    head = f"thread {thread.tid} {name} ({descriptions(stub.kernel).get(thread.tid, '')})\n"
    return head + format_stack(one_stack(thread, stub.stacks))


def _waits(stub: Stub, words: list[str]) -> str:
    """Show what every thread waits for, who could wake it, and deadlocks."""
    return waits_text.report(look(stub.kernel, namer(stub.stacks)))


def _stats(stub: Stub, words: list[str]) -> str:
    """Show time, task switches and memory by kind."""
    return report(stub.kernel).lstrip("\n")


Command = Callable[["Stub", list[str]], str]

COMMANDS: Final[dict[str, Command]] = {
    "help": _help,
    "ps": _ps,
    "stack": _stack,
    "stats": _stats,
    "waits": _waits,
}


def _thread(stub: Stub, word: str) -> Thread:
    thread = stub.kernel.threads.get(int(word)) if word.isdecimal() else None
    if thread is None or thread.exited:
        raise GdbError(f"there is no thread {word}")
    return thread


def run(stub: Stub, line: str) -> str:
    """Return what a command prints; what goes wrong is printed as well."""
    name, *words = line.split() or ["help"]
    found = [full for full in COMMANDS if full.startswith(name)]
    if len(found) != 1:
        return f"{name}: no such command; try: monitor help\n"
    try:
        return COMMANDS[found[0]](stub, words)
    except GdbError as error:
        return f"{error}\n"


def _command(stub: Stub, text: bytes) -> bytes:
    line = from_hex(text.removeprefix(b",")).decode(errors="replace")
    stub.print(run(stub, line))
    return b"OK"


PACKETS: Final[dict[str, Handler]] = {"qRcmd": _command}
