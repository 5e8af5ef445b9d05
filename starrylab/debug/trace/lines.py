"""A trace as text, as strace(1) prints it; interleaved calls are unfinished and resumed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from .records import CallRecord, EventRecord


class TraceLines:
    """Makes lines without their ends.  ``times``: time of day before, duration behind."""

    def __init__(self, emit: Callable[[str], object], *, times: bool = False) -> None:
        self._emit = emit
        self._times = times
        self._open: CallRecord | None = None  #: begun, not printed yet
        self._broken: set[int] = set()  #: threads whose call was printed as unfinished

    def begun(self, call: CallRecord) -> None:
        """See `Sink.begun`."""
        self._break()
        self._open = call

    def ended(self, call: CallRecord) -> None:
        """See `Sink.ended`."""
        if call is self._open:
            self._open = None
            text = f"{call.name}({call.arguments()})"
        else:
            self._break()
            self._broken.discard(call.tid)
            rest = ", ".join(shown for _, shown in call.args[call.ready :])
            text = f"<... {call.name} resumed>{rest})"
        result = call.result_text
        if call.result is None and not call.endless:
            result = "? <unfinished ...>"
        duration = f" <{call.duration_ns / 1e9:.6f}>" if self._times and not call.endless else ""
        self._line(call, f"{text} = {result}{duration}")
        for frame in call.stack:
            self._emit(f" > {frame}")

    def event(self, event: EventRecord) -> None:
        """See `Sink.event`."""
        self._break()
        self._line(event, event.text)

    def _break(self) -> None:
        """Print what has begun, because something else comes in between."""
        call, self._open = self._open, None
        if call is not None:
            ready = ", ".join(shown for _, shown in call.args[: call.ready])
            self._broken.add(call.tid)
            more = ", " if ready and call.ready < len(call.args) else ""
            self._line(call, f"{call.name}({ready}{more} <unfinished ...>")

    def _line(self, record: CallRecord | EventRecord, text: str) -> None:
        when = ""
        if self._times:
            moment = datetime.fromtimestamp(record.time_ns / 1e9, UTC)
            when = f"{moment:%H:%M:%S.%f} "
        self._emit(f"[{record.tid}] {when}{text}")
