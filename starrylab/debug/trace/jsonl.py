"""A trace as JSON lines: one object a line, for programs to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .records import CallRecord, EventRecord


class JsonLines:
    """Makes one JSON object for each call that ended, each signal and each end."""

    def __init__(self, emit: Callable[[str], object]) -> None:
        self._emit = emit

    def begun(self, call: CallRecord) -> None:
        """See `Sink.begun`: a call is one object, when it has ended."""

    def ended(self, call: CallRecord) -> None:
        """See `Sink.ended`."""
        self._emit(json.dumps(call_object(call), ensure_ascii=False))

    def event(self, event: EventRecord) -> None:
        """See `Sink.event`."""
        found = {"type": event.kind, "pid": event.pid, "tid": event.tid}
        self._emit(json.dumps(found | {"time": event.time_ns / 1e9} | event.details))


def call_object(call: CallRecord) -> dict[str, Any]:
    """Return a call as what JSON can hold; times in seconds, ``result`` null without one."""
    found: dict[str, Any] = {
        "type": "call",
        "pid": call.pid,
        "tid": call.tid,
        "time": call.time_ns / 1e9,
        "name": call.name,
        "args": dict(call.args),
        "raw": [hex(value) for value in call.raw],
        "result": call.result,
        "text": call.result_text,
        "duration": call.duration_ns / 1e9,
    }
    if call.errno:
        found["errno"] = call.errno
    if call.stack:
        found["stack"] = list(call.stack)
    return found
