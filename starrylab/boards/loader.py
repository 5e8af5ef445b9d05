"""Find and read descriptions of boards, and refuse what cannot be right with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from .board import Board, Range
from .errors import BoardError
from .lines import key_lines, line_of

FILE: Final = "board.toml"
_IN_A_WHEEL: Final = Path(__file__).parent / "data"
_IN_A_CHECKOUT: Final = Path(__file__).parents[2] / "boards"
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.+?)`")
_MISSING: Final = re.compile(r"Object missing required field `(.+?)`")
_PLACE: Final = re.compile(r" - at `\$\.?(.*?)`$")
_TOML_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")

#: what is wrong, by the path of the key
Fault = tuple[str, str]


def boards_folder() -> Path:
    """Return the folder with a folder for each board: of the checkout, or of the wheel."""
    return _IN_A_CHECKOUT if (_IN_A_CHECKOUT / "visionfive2" / FILE).exists() else _IN_A_WHEEL


def names() -> list[str]:
    """Return the names of the boards that come with StarryLab."""
    return sorted(path.parent.name for path in boards_folder().glob(f"*/{FILE}"))


def load(name_or_path: str | Path) -> Board:
    """Return a board by its name, or by the path of its folder or file.

    Raises:
        BoardError: there is none, or its description is wrong; the message has file and line.

    """
    path = _find(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BoardError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    return parse(text, _shown(path))


def parse(text: str, file: str) -> Board:
    """Return the board that `text` describes; `file` is its name in messages.

    Raises:
        BoardError: as `load`.

    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.search(str(error))
        line = found[1] if found else len(text.splitlines())
        raise BoardError(f"{file}:{line}: {_TOML_LINE.sub('', str(error))}") from error
    lines = key_lines(text)
    try:
        board = msgspec.convert(raw, Board)
    except msgspec.ValidationError as error:
        key, what = _explain(str(error))
        raise BoardError(f"{file}:{line_of(lines, key)}: {what}") from error
    for key, what in _faults(board):
        raise BoardError(f"{file}:{line_of(lines, key)}: {what}")
    return board


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if "/" in str(name_or_path) or path.suffix:
        return path / FILE if path.is_dir() else path
    path = boards_folder() / path / FILE
    if not path.exists():
        raise BoardError(f"there is no board {name_or_path}; known: {', '.join(names())}")
    return path


def _shown(path: Path) -> str:
    folder = boards_folder()
    return f"boards/{path.relative_to(folder)}" if path.is_relative_to(folder) else str(path)


def _explain(message: str) -> Fault:
    """Turn msgspec's message into the path of a key and a sentence."""
    place = _PLACE.search(message)
    key = place[1] if place else ""
    what = _PLACE.sub("", message)
    if unknown := _UNKNOWN.search(what):
        return f"{key}.{unknown[1]}".lstrip("."), f"unknown key {unknown[1]!r}"
    if missing := _MISSING.search(what):
        return key, f"{'[' + key + ']' if key else 'the board'} lacks the key {missing[1]!r}"
    what = re.sub(r"`(\w+)`", lambda found: _TOML_NAMES.get(found[1], found[1]), what)
    return key, f"{key}: {what[:1].lower()}{what[1:]}"


_TOML_NAMES: Final = {
    "int": "a number",
    "str": "a string",
    "array": "an array",
    "object": "a table",
    "float": "a fraction",
    "bool": "true or false",
    "null": "nothing",
}


def _faults(board: Board) -> Iterator[Fault]:
    """Yield what a type cannot say."""
    yield from _overlaps("memory", board.memory)
    yield from _overlaps("reserved", board.reserved)
    yield from _overlaps("device", board.device)
    for number, reserved in enumerate(board.reserved):
        if not any(memory.contains(reserved) for memory in board.memory):
            yield f"reserved[{number}].size", f"{_span(reserved)} is not in one range of memory"
    for number, device in enumerate(board.device):
        if any(memory.overlaps(device) for memory in board.memory):
            yield f"device[{number}].start", f"{device.name}, {_span(device)}, overlaps memory"
    yield from _loader_faults(board)
    yield from _uart_faults(board)


def _overlaps(table: str, ranges: tuple[Range, ...]) -> Iterator[Fault]:
    for number, one in enumerate(ranges):
        if one.start < 0 or one.size <= 0 or one.end > 1 << 64:
            yield f"{table}[{number}].size", f"{_span(one)} is not a range of 64-bit addresses"
        for other in ranges[:number]:
            if one.overlaps(other):
                yield f"{table}[{number}].start", f"{_span(one)} overlaps {_span(other)}"


def _loader_faults(board: Board) -> Iterator[Fault]:
    if not board.loader:
        yield "loader", "a board has at least one [[loader]]"
    places = [("run_address", board.run_address)]
    for number, boot in enumerate(board.loader):
        here = f"loader[{number}]"
        places.append((f"{here}.load_address", boot.load_address))
        patterns = [("prompts", prompt) for prompt in boot.prompts]
        patterns += [("banner", boot.banner), ("stop_when", boot.stop_when)]
        patterns += [("crc_result", boot.crc_result or ""), ("baud_prompt", boot.baud_prompt or "")]
        for key, pattern in patterns:
            yield from _pattern_fault(f"{here}.{key}", pattern)
        templates = {"load": boot.load, "load_baud": boot.load_baud, "crc": boot.crc}
        templates |= {f"start.{key}": value for key, value in _fields(boot.start)}
        for key, template in templates.items():
            yield from _template_fault(f"{here}.{key}", template)
    for number, medium in enumerate(board.storage):
        for key in ("write", "read"):
            yield from _template_fault(f"storage[{number}].{key}", getattr(medium, key))
    for key, address in places:
        if why := board.in_the_way(Range(start=address, size=1)):
            yield key, why


def _fields(table: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    for field in table.__struct_fields__:
        yield field, getattr(table, field)


def _pattern_fault(key: str, pattern: str) -> Iterator[Fault]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield key, f"{pattern!r} is no regular expression: {error}"


def _template_fault(key: str, template: str | None) -> Iterator[Fault]:
    try:
        (template or "").format(address=0, baud=0, size=0, at=0, count=0)
    except (LookupError, ValueError) as error:
        yield key, f"{template!r} is no template of address, baud, size, at and count: {error}"


def _uart_faults(board: Board) -> Iterator[Fault]:
    uart = board.uart
    if uart.baud not in uart.bauds or list(uart.bauds) != sorted(uart.bauds, reverse=True):
        yield "uart.bauds", f"the rates begin with the fastest, and {uart.baud} is one of them"
    for baud in uart.bauds:
        divisor = max(1, round(uart.clock_hz / (16 * baud))) if baud > 0 else 1
        real = uart.clock_hz / (16 * divisor)
        if abs(real - baud) > 0.025 * abs(baud):
            yield "uart.bauds", f"{baud} baud cannot be made of {uart.clock_hz} Hz: {real:.0f}"
    if not board.timer.frequency_hz and not board.timer.probe:
        yield "timer", "a timer has a frequency_hz, or a way to probe it"


def _span(one: Range) -> str:
    return f"{one.start:#x}..{one.end - 1:#x}"
