"""`lab.toml`: what a lab is called, teaches, replaces and may use.

Every mistake in a file is told as ``FILE:LINE: what``; tomllib keeps no positions, so the line
is that of the key's first occurrence.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from .texts import LANGUAGES, Text

_SIZE: Final = re.compile(r"(\d+)([KMG])")
_UNITS: Final = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_KEYS: Final = frozenset(
    {"title", "learn", "requires", "hours", "files", "replaces", "limits", "reading", "arguments"}
)
_LIMITS: Final = frozenset({"instructions", "guest_seconds", "work_seconds", "memory", "ram"})


class DescriptionError(Exception):
    """A `lab.toml` is wrong: ``FILE:LINE: what``."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One kernel component that a file of the student replaces."""

    component: str  #: a name of `components.SEAMS`
    file: str
    name: str  #: of the class in it; empty: the whole file counts


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run of the student's code may use.  Guest terms are the same on every host."""

    instructions: int = 200_000_000  #: of the guest
    guest_seconds: float = 60.0  #: of the guest's clock
    work_seconds: float = 10.0  #: CPU time of Python code, on the reference host (see `pace`)
    memory: int = 768 << 20  #: bytes of the checking process
    ram: int = 64 << 20  #: bytes of the guest


@dataclass(frozen=True, slots=True)
class Description:
    """A `lab.toml`."""

    title: Text
    learn: Text
    requires: tuple[str, ...]  #: names of labs
    hours: float
    files: tuple[str, ...]  #: that the student edits
    replaces: tuple[Replacement, ...]
    limits: Limits
    reading: tuple[str, ...]  #: sections of the design document, as "5.2"
    arguments: tuple[str, ...]  #: the program that `starrylab lab run` starts


def load(path: Path) -> Description:
    """Read a `lab.toml`; raise `DescriptionError`."""
    try:
        text = path.read_text()
        found = tomllib.loads(text)
    except OSError as error:
        raise DescriptionError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DescriptionError(f"{path}: {error}") from None
    return _Reader(path, text).description(found)


class _Reader:
    """Takes a document apart, and knows where a complaint belongs."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def description(self, found: dict[str, Any]) -> Description:
        self._only(found, _KEYS)
        files = self._strings(found, "files")
        replaces = tuple(self._replacement(item, files) for item in found.get("replaces", ()))
        return Description(
            title=self._text(found, "title"),
            learn=self._text(found, "learn"),
            requires=self._strings(found, "requires"),
            hours=float(self._number(found, "hours", 1.5)),
            files=files,
            replaces=replaces,
            limits=self._limits(found.get("limits", {})),
            reading=self._strings(found, "reading"),
            arguments=self._strings(found, "arguments"),
        )

    def _replacement(self, item: dict[str, Any], files: tuple[str, ...]) -> Replacement:
        self._only(item, frozenset({"component", "file", "name"}))
        for key in ("component", "file"):
            if not isinstance(item.get(key), str):
                self._fail(f'[[replaces]] needs {key} = "..."', "replaces")
        if item["file"] not in files:
            self._fail(f"{item['file']} is not one of files", "file")
        return Replacement(item["component"], item["file"], str(item.get("name", "")))

    def _limits(self, found: dict[str, Any]) -> Limits:
        self._only(found, _LIMITS)
        usual = Limits()
        return Limits(
            instructions=int(self._number(found, "instructions", usual.instructions)),
            guest_seconds=float(self._number(found, "guest_seconds", usual.guest_seconds)),
            work_seconds=float(self._number(found, "work_seconds", usual.work_seconds)),
            memory=self._size(found, "memory", usual.memory),
            ram=self._size(found, "ram", usual.ram),
        )

    def _text(self, found: dict[str, Any], key: str) -> Text:
        table = found.get(key)
        if not isinstance(table, dict) or set(table) != set(LANGUAGES):
            self._fail(f"{key} needs a text in each language: {key}.en and {key}.zh", key)
        return Text(str(table["en"]), str(table["zh"]))

    def _strings(self, found: dict[str, Any], key: str) -> tuple[str, ...]:
        value = found.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._fail(f"{key} must be a list of strings", key)
        return tuple(value)

    def _number(self, found: dict[str, Any], key: str, usual: float) -> float:
        value = found.get(key, usual)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value <= 0:
            self._fail(f"{key} must be a number above 0", key)
        return float(value)

    def _size(self, found: dict[str, Any], key: str, usual: int) -> int:
        if key not in found:
            return usual
        parsed = _SIZE.fullmatch(str(found[key]))
        if parsed is None:
            self._fail(f'{key} must be a size such as "64M"', key)
        return int(parsed[1]) * _UNITS[parsed[2]]

    def _only(self, found: dict[str, Any], known: frozenset[str]) -> None:
        for key in found:
            if key not in known:
                self._fail(f"unknown key {key}; known: {', '.join(sorted(known))}", key)

    def _fail(self, what: str, key: str) -> NoReturn:
        word = re.compile(rf"(^|[\s.\[]){re.escape(key)}\b")
        line = next((n for n, text in enumerate(self._lines, 1) if word.search(text)), 1)
        raise DescriptionError(f"{self._path}:{line}: {what}")
