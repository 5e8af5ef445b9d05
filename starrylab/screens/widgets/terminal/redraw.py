"""The bytes that bring an empty terminal of the same size into a given state.

Whoever joins late gets them first and then what everybody gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from pyte import charsets
from pyte import modes as mo
from pyte.screens import Char, Cursor

from .cells import DIM, Runs, line_runs
from .page import Rows
from .screen import (
    ALTERNATE,
    BRACKETED_PASTE,
    CURSOR_KEYS,
    FOCUS_EVENTS,
    MOUSE_CLICKS,
    MOUSE_DRAG,
    MOUSE_MOVES,
    MOUSE_SGR,
    ORIGIN,
    REVERSE_VIDEO,
    TerminalScreen,
)
from .sgr import NAMES

_HISTORY: Final = 500  #: lines of scroll-back that go along
_MODES: Final = (
    CURSOR_KEYS, REVERSE_VIDEO, MOUSE_CLICKS, MOUSE_DRAG, MOUSE_MOVES, FOCUS_EVENTS, MOUSE_SGR,
    BRACKETED_PASTE,
)  # fmt: skip
_RESET: Final = "\x1b[m"
_FLAGS: Final = (
    (1, "bold"), (3, "italics"), (4, "underscore"), (5, "blink"), (7, "reverse"),
    (9, "strikethrough"),
)  # fmt: skip


def redraw(screen: TerminalScreen) -> bytes:
    """Return what makes an empty terminal look and behave like ``screen``."""
    parts = ["\x1bc"]
    rows, cursor = screen.main
    past = list(islice(screen.history, max(0, len(screen.history) - _HISTORY), None))
    below = max(0, len(past) - (screen.pushed - screen.floor))
    parts += _far_past([(line.runs, line.wrapped) for line in past[:below]], screen)
    lines = [(line.runs, line.wrapped) for line in past[below:]]
    lines += [(line_runs(row, screen.columns), row.wrapped) for row in rows]
    parts += _printed(lines, screen.columns)
    if screen.on_alternate:
        parts += [_at(cursor, rows, screen.columns), _alternate(screen)]
        for y, row in enumerate(screen.rows):
            parts += [f"\x1b[{y + 1}H", _text(line_runs(row, screen.columns))]
    parts += _settings(screen)
    parts += _cursor(screen)
    return "".join(parts).encode()


def _far_past(lines: list[tuple[Runs, bool]], screen: TerminalScreen) -> Iterator[str]:
    """Yield lines that a larger window shall not bring back: all was erased after them."""
    if lines:
        yield from _printed(lines, screen.columns)
        yield f"\x1b[{min(len(lines), screen.lines)}S\x1b[2J\x1b[H"


def _printed(lines: list[tuple[Runs, bool]], columns: int) -> Iterator[str]:
    """Yield the lines as a program would have printed them one after the other."""
    for index, (runs, wrapped) in enumerate(lines):
        yield _text(runs)
        if index + 1 < len(lines):
            full = sum(len(run.text) for run in runs) == columns
            # The terminal wraps by itself, and notes that it did, when more is printed.
            joined = wrapped and full and bool(lines[index + 1][0])
            yield "" if joined else "\r\n"


def _text(runs: Runs) -> str:
    return "".join(_sgr(run.style) + run.text + _RESET for run in runs)


def _sgr(style: Char) -> str:
    codes = [str(code) for code, field in _FLAGS if getattr(style, field)]
    if style.fg.startswith(DIM):
        codes.append("2")
    codes += _colour(style.fg.lstrip(DIM), 30) + _colour(style.bg, 40)
    return f"\x1b[{';'.join(codes)}m" if codes else ""


def _colour(name: str, base: int) -> list[str]:
    if name == "default":
        return []
    if name in NAMES:
        return [str(base + NAMES.index(name))]
    bright = name.removeprefix("bright")
    if bright != name and bright in NAMES:
        return [str(base + 60 + NAMES.index(bright))]
    return [str(base + 8), "2", *(str(int(name[i : i + 2], 16)) for i in (0, 2, 4))]


def _alternate(screen: TerminalScreen) -> str:
    return "".join(f"\x1b[?{mode}h" for mode in ALTERNATE if screen.has_mode(mode))


def _settings(screen: TerminalScreen) -> list[str]:
    """Return modes, margins, tabulators, character sets; they may move the cursor."""
    parts = []
    default_stops = set(range(8, screen.columns, 8))
    if screen.tabstops != default_stops:
        parts.append("\x1b[3g")
        parts += [f"\x1b[1;{stop + 1}H\x1bH" for stop in sorted(screen.tabstops)]
    if screen.margins is not None:
        parts.append(f"\x1b[{screen.margins.top + 1};{screen.margins.bottom + 1}r")
    parts += [f"\x1b[?{mode}h" for mode in _MODES if screen.has_mode(mode)]
    if screen.has_mode(ORIGIN):
        parts.append(f"\x1b[?{ORIGIN}h")
    if screen.cursor_style:
        parts.append(f"\x1b[{screen.cursor_style} q")
    if screen.keypad_is_application:
        parts.append("\x1b=")
    if screen.title:
        parts.append(f"\x1b]2;{screen.title}\x07")
    return parts


def _cursor(screen: TerminalScreen) -> list[str]:
    """Return what puts the cursor into its place, and all that would spoil earlier printing."""
    cursor = screen.cursor
    top = screen.margins.top if screen.margins is not None and screen.has_mode(ORIGIN) else 0
    parts = [_at(cursor, screen.rows, screen.columns, top)]
    if mo.DECAWM not in screen.mode:
        parts.append("\x1b[?7l")
    if mo.IRM in screen.mode:
        parts.append("\x1b[4h")
    if cursor.hidden:
        parts.append("\x1b[?25l")
    for number, table in (("(", screen.g0_charset), (")", screen.g1_charset)):
        if table is charsets.VT100_MAP:
            parts.append(f"\x1b{number}0")
    if screen.charset:
        parts.append("\x0e")
    parts.append(_sgr(cursor.attrs))
    return parts


def _at(cursor: Cursor, rows: Rows, columns: int, top: int = 0) -> str:
    """Return the way to a place on a screen, also to that behind its last column.

    ``top``: the line that counts as the first.
    """
    line = cursor.y - top + 1
    if cursor.x < columns:
        return f"\x1b[{line};{cursor.x + 1}H"
    # Only printing leads behind the last column, so its cell is printed once more.
    row = rows[cursor.y]
    column = columns - 1
    if not row[column].data and column:
        column -= 1
    cell = row[column]
    return f"\x1b[{line};{column + 1}H{_sgr(cell)}{cell.data}{_RESET}"
