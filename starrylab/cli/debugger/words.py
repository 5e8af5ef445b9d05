"""The debugger's commands by name: unique prefixes, gdb's abbreviations, arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .link import CommandError

#: What gdb takes for these, although longer names begin so, too.
ABBREVIATIONS: Final = {
    "b": "break", "br": "break", "tb": "tbreak", "c": "continue", "s": "step", "n": "next",
    "si": "stepi", "ni": "nexti", "fin": "finish", "u": "until", "bt": "backtrace",
    "where": "backtrace", "f": "frame", "dis": "disable", "d": "delete", "i": "info",
    "p": "print", "inspect": "print", "l": "list", "disas": "disassemble", "h": "help",
    "q": "quit", "t": "thread", "k": "kill", "cont": "continue", "fg": "continue", "r": "run",
    "adv": "advance",
}  # fmt: skip
_WORD: Final = re.compile(r"\s*([A-Za-z][\w-]*|!)")
_CONDITION: Final = re.compile(r"(?:^|\s)if\b\s*(.*)$", re.DOTALL)
_THREAD: Final = re.compile(r"(?:^|\s)thread\s+(\d+)\s*$")


def split(line: str) -> tuple[str, str, str]:
    """Return the command word, what follows a slash at it, and the rest; raise `CommandError`."""
    match = _WORD.match(line)
    if match is None:
        raise CommandError(f"not a command: {line.strip()}")
    rest = line[match.end() :]
    form = ""
    if rest.startswith("/"):
        form, _, rest = rest[1:].partition(" ")
    return match[1], form, rest.strip()


def resolve(word: str, names: list[str], what: str = "command") -> str:
    """Return the name that ``word`` is short for; raise `CommandError`."""
    if word in names:
        return word
    if what == "command" and word in ABBREVIATIONS:
        return ABBREVIATIONS[word]
    found = sorted(name for name in names if name.startswith(word))
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f'ambiguous {what} "{word}": {", ".join(found)}')
    raise CommandError(f'undefined {what}: "{word}"; try "help"')


def place_and_condition(text: str) -> tuple[str, int, str]:
    """Split ``LOCATION [thread N] [if CONDITION]``."""
    condition = ""
    match = _CONDITION.search(text)
    if match is not None:
        text, condition = text[: match.start()], match[1].strip()
        if not condition:
            raise CommandError("argument required (expression to compute)")
    thread = 0
    match = _THREAD.search(text)
    if match is not None:
        text, thread = text[: match.start()], int(match[1])
    return text.strip(), thread, condition


def number(text: str, what: str, default: int | None = None) -> int:
    """Return an integer argument; raise `CommandError`."""
    if not text and default is not None:
        return default
    try:
        value = int(text, 0)
        if not -1 << 31 <= value < 1 << 31:
            raise CommandError(f"{what}: {text} is out of range")
        return value
    except ValueError:
        raise CommandError(
            f"{what}: not a number: {text!r}" if text else f"{what} is needed"
        ) from None


def numbers(text: str) -> list[int]:
    """Return breakpoint numbers, ranges like ``2-5`` included; raise `CommandError`."""
    found: list[int] = []
    for word in text.split():
        low, dash, high = word.partition("-")
        first = number(low, "breakpoint number")
        found += range(first, number(high, "breakpoint number") + 1) if dash else [first]
    return found


Rule = Callable[[str, str], object]
