"""Calls, errors and time by name: the table of strace -c.

The time is from a call's entry to its exit by the clock, with what it waited.
"""

from __future__ import annotations

from dataclasses import dataclass

from .records import CallRecord, EventRecord


@dataclass(slots=True)
class Count:
    """One row."""

    calls: int = 0
    errors: int = 0
    time_ns: int = 0


class Counts:
    """Counts what has ended."""

    def __init__(self) -> None:
        self.rows: dict[str, Count] = {}

    def begun(self, call: CallRecord) -> None:
        """See `Sink.begun`: only what has ended is counted."""

    def ended(self, call: CallRecord) -> None:
        """See `Sink.ended`."""
        row = self.rows.get(call.name)
        if row is None:
            row = self.rows[call.name] = Count()
        row.calls += 1
        row.errors += bool(call.errno)
        row.time_ns += call.duration_ns

    def event(self, event: EventRecord) -> None:
        """See `Sink.event`."""

    def table(self) -> str:
        """Return the table, most time first, then most calls."""
        rule = "------ ----------- ----------- --------- --------- ----------------"
        lines = ["% time     seconds  usecs/call     calls    errors syscall", rule]
        ordered = sorted(
            self.rows.items(), key=lambda item: (-item[1].time_ns, -item[1].calls, item[0])
        )
        total = Count()
        for _, row in ordered:
            total.calls += row.calls
            total.errors += row.errors
            total.time_ns += row.time_ns
        lines += [_row(name, row, total) for name, row in ordered]
        lines += [rule, _row("total", total, total)]
        return "".join(f"{line}\n" for line in lines)


def _row(name: str, row: Count, total: Count) -> str:
    share = 100 * row.time_ns / total.time_ns if total.time_ns else 0.0
    each = row.time_ns // 1000 // row.calls if row.calls else 0
    errors = row.errors or ""
    return f"{share:6.2f} {row.time_ns / 1e9:11.6f} {each:11d} {row.calls:9d} {errors:>9} {name}"
