"""A system call with its arguments, as one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .peek import Peek

if TYPE_CHECKING:
    from ..kernel.syscalls import Entry
    from ..kernel.thread import Thread

_SHOWN = 32  #: bytes of a string


def call_text(thread: Thread, entry: Entry | None, registers: tuple[int, ...]) -> str:
    """Return ``name(arguments)``; memory is only looked at."""
    if entry is None:
        return f"syscall_{registers[7]}({', '.join(hex(value) for value in registers[:6])})"
    shown = (
        _argument(thread, kind.show, value)
        for (_, kind), value in zip(entry.args, registers, strict=False)
    )
    return f"{entry.name}({', '.join(shown)})"


def _argument(thread: Thread, kind: str, value: int) -> str:
    if kind == "path":
        return _string(Peek(thread.mm), value)
    if kind == "fd":
        number = (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
        return "AT_FDCWD" if number == -100 else str(number)
    if kind == "oct":
        return f"0{value & 0xFFFFFFFF:o}"
    if kind == "dec":
        return str(value - (1 << 64) if value >> 63 else value)
    if value:
        return hex(value)
    return "NULL" if kind == "ptr" else "0"


def _string(peek: Peek, addr: int) -> str:
    if not addr:
        return "NULL"
    data = peek.read(addr, 4 * _SHOWN).split(b"\0", 1)[0]
    text = repr(data[:_SHOWN])[2:-1].replace('"', '\\"')
    return f'"{text}"' + ("..." if len(data) > _SHOWN else "")
