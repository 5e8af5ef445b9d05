"""A record as lines for a person: calls as strace(1) prints them, stacks, the state."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from .record import Record

_AREAS: Final = 12  #: shown of each process
_LATEST: Final = 40  #: lines of each part where all parts are shown

Event = Mapping[str, Any]


def event_lines(record: Record) -> list[str]:
    """Return one line for each event, oldest first; a line that is no event stays as it is."""
    return [_line(text) for text in record.events]


def _line(text: str) -> str:
    try:
        found = json.loads(text)
        return _SHOWN[found["type"]](found)
    except (ValueError, KeyError, TypeError, AttributeError):
        return text


def _call(event: Event) -> str:
    arguments = ", ".join(event["args"].values())
    return f"[{event['tid']}] {event['name']}({arguments}) = {event['text']}"


def _python(event: Event) -> str:
    arguments = ", ".join(f"{name}={value}" for name, value in event["args"].items())
    indent = "  " * min(int(event["depth"]), 8)
    return f"    {indent}{event['name']}({arguments}) -> {event['text']}    {event['where']}"


def _exit(event: Event) -> str:
    how = f"killed by {event['signal']}" if "signal" in event else f"exited with {event['status']}"
    return f"[{event['tid']}] +++ {how} +++"


def _fault(event: Event) -> str:
    return f"[{event['tid']}] page fault at {event['addr']} ({event['access']}): {event['text']}"


_SHOWN: Final[Mapping[str, Callable[[Event], str]]] = {
    "call": _call,
    "python": _python,
    "exit": _exit,
    "fault": _fault,
    "signal": lambda event: f"[{event['tid']}] --- {event['signal']} ---",
    "scenario": lambda event: f"=== {event['name']}",
    "dropped": lambda event: f"... {event['count']} earlier events are not here",
}


def state_lines(record: Record) -> list[str]:
    """Return the state of each kernel, newest last."""
    try:
        found = json.loads(record.state)
        return [line for number, kernel in enumerate(found, 1) for line in _kernel(number, kernel)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return record.state.splitlines()


def _kernel(number: int, kernel: Event) -> list[str]:
    lines = [f"kernel {number}: {kernel['clock']:.6f} s, {kernel['switches']} switches"]
    if kernel["panic"]:
        lines.append(f"  {kernel['panic']}")
    used = ", ".join(f"{name} {size >> 10} KiB" for name, size in kernel["memory"].items())
    lines.append(f"  memory: {used}")
    for process in kernel["processes"]:
        lines += _process(process)
    return lines


def _process(process: Event) -> list[str]:
    head = f"  process {process['pid']} ({process['name']}), child of {process['ppid']}"
    if process["zombie"]:
        return [f"{head}: zombie, status {process['exit_status']:#x}"]
    lines = [head]
    for thread in process["threads"]:
        doing = f"in {thread['call']}" if thread["call"] else f"at {thread['pc']}"
        lines.append(f"    thread {thread['tid']}: {thread['state']}, {doing}")
    files = ", ".join(f"{fd} {path}" for fd, path in process.get("files", {}).items())
    lines += [f"    files: {files}"] if files else []
    lines += [f"    {area}" for area in process.get("areas", [])[:_AREAS]]
    return lines


def show(record: Record, part: str | None = None) -> list[str]:
    """Return one part of a record (events, stack or state), or all with a heading each."""
    parts = {
        "events": event_lines(record),
        "stack": record.stack.splitlines(),
        "state": state_lines(record),
    }
    if part is not None:
        return parts[part] or [f"no {part}"]
    return [
        line
        for name, lines in parts.items()
        if lines
        for line in (f"--- {name}", *lines[-_LATEST:])
    ]
