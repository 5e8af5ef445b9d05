"""The record of one failed goal, and its files in the student's folder.

``.failed/GOAL/`` holds ``events.jsonl`` (one JSON object a line: system calls, signals, ends,
and calls of the student's own functions), ``stack.txt`` and ``state.json``.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

import msgspec

FOLDER: Final = ".failed"  #: in the folder of a lab
EVENTS, STACK, STATE = "events.jsonl", "stack.txt", "state.json"


class Record(msgspec.Struct, frozen=True):
    """What was seen; all of it plain text, so that it can cross a pipe and lie in a file."""

    events: tuple[str, ...] = ()  #: JSON objects, oldest first
    dropped: int = 0  #: earlier events that there was no room for
    stack: str = ""
    state: str = "[]"  #: JSON: one object for each kernel that was built

    def joined(self, other: Record) -> Record:
        """Return this record with what a later scenario saw."""
        return Record(
            self.events + other.events,
            self.dropped + other.dropped,
            "\n".join(filter(None, (self.stack, other.stack))),
            json.dumps([*_list(self.state), *_list(other.state)]),
        )


def _list(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def write(folder: Path, goal: str, record: Record) -> Path:
    """Keep a record in a lab's folder; return where.  Raises ``OSError``."""
    target = folder / FOLDER / goal
    target.mkdir(parents=True, exist_ok=True)
    lines = list(record.events)
    if record.dropped:
        lines.insert(0, json.dumps({"type": "dropped", "count": record.dropped}))
    (target / EVENTS).write_text("".join(line + "\n" for line in lines))
    (target / STACK).write_text(record.stack)
    (target / STATE).write_text(json.dumps(_list(record.state), indent=1, ensure_ascii=False))
    return target


def forget(folder: Path, goal: str) -> None:
    """Remove what was kept of a goal, if anything was."""
    shutil.rmtree(folder / FOLDER / goal, ignore_errors=True)
    with contextlib.suppress(OSError):  # the last one
        (folder / FOLDER).rmdir()


def read(folder: Path, goal: str) -> Record | None:
    """Return what was kept of a goal; ``None``: nothing."""
    target = folder / FOLDER / goal
    try:
        events = (target / EVENTS).read_text(errors="replace").splitlines()
        stack = (target / STACK).read_text(errors="replace")
        state = (target / STATE).read_text(errors="replace")
    except OSError:
        return None
    return Record(tuple(events), 0, stack, state)
