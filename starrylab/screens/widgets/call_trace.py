"""A live trace of system calls, and what every thread waits for."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from ...session.tracing import Traced, TraceLine, WaitsFound
from .sections import table

KEPT: Final = 5000  #: lines
_LONG_NS: Final = 100_000_000  #: a call that took longer stands out


@dataclass(slots=True)
class Latency:
    """How long the traced calls of one name took."""

    calls: int = 0
    errors: int = 0
    total_ns: int = 0
    least_ns: int = 0
    most_ns: int = 0

    def add(self, line: TraceLine) -> None:
        """Take a call."""
        taken = line.duration_ns
        self.least_ns = min(self.least_ns, taken) if self.calls else taken
        self.most_ns = max(self.most_ns, taken)
        self.calls += 1
        self.errors += bool(line.errno)
        self.total_ns += taken


class TraceLog:
    """The latest lines, as they are drawn, and the times of all calls."""

    def __init__(self) -> None:
        self.lines: deque[Text] = deque(maxlen=KEPT)
        self.latencies: dict[str, Latency] = {}
        self.dropped = 0  #: records that the lab had no room for

    def add(self, batch: Traced) -> None:
        """Take a batch."""
        for line in batch.lines:
            self.lines.append(trace_line(line))
            if line.kind == "call":
                self.latencies.setdefault(line.name, Latency()).add(line)
        if batch.dropped:
            self.dropped += batch.dropped
            self.lines.append(Text(f"... {batch.dropped} calls were not shown", "yellow"))

    def clear(self) -> None:
        """Forget all lines."""
        self.lines.clear()
        self.latencies.clear()
        self.dropped = 0


def latency_lines(log: TraceLog) -> tuple[list[str], list[Text]]:
    """Return names of calls and a table, the call with most time first."""
    found = sorted(log.latencies.items(), key=lambda item: -item[1].total_ns)
    rows = [
        (
            str(one.calls), str(one.errors or ""), *map(
                _duration, (one.total_ns, one.total_ns // one.calls, one.least_ns, one.most_ns)
            ), name,
        )
        for name, one in found
    ]  # fmt: skip
    heading = ("CALLS", "ERRORS", "TOTAL", "MEAN", "LEAST", "MOST", "NAME")
    lines = table(heading, rows, frozenset(range(6)))
    if log.dropped:
        lines.append(Text(f"... {log.dropped} calls are not in here", "yellow"))
    return ["", *(name for name, _ in found)], lines


def _duration(nanoseconds: int) -> str:
    for limit, unit in ((1_000_000_000, "s"), (1_000_000, "ms"), (1000, "µs")):
        if nanoseconds >= limit:
            return f"{nanoseconds / limit:.3g} {unit}"
    return f"{nanoseconds} ns"


def trace_line(line: TraceLine) -> Text:
    """Draw one line as strace(1) prints it, with the time that the call took in front."""
    text = Text(f"{line.tid:>5} ", "dim", no_wrap=True)
    if line.kind != "call":
        return text.append(line.name, "not dim bold magenta")
    seconds = line.duration_ns / 1e9
    text.append(f"{seconds:>9.6f} ", "yellow" if line.duration_ns > _LONG_NS else "dim")
    text.append(line.name, "not dim bold")
    text.append("(" + ", ".join(value for _, value in line.args) + ")", "not dim")
    return text.append(f" = {line.result}", "red" if line.errno else "green not dim")


def wait_lines(found: WaitsFound | None) -> list[Text]:
    """Draw the wait graph: deadlocks first, then each thread with what it waits for."""
    if found is None:
        return [Text("no answer from the lab yet", "dim")]
    members = {tid for deadlock in found.deadlocks for tid in deadlock.tids}
    lines = []
    for deadlock in found.deadlocks:
        names = ", ".join(map(str, deadlock.tids))
        line = Text(f"deadlock: threads {names} wait for each other", "bold red", no_wrap=True)
        if deadlock.victims:
            line.append("; behind them " + ", ".join(map(str, deadlock.victims)), "red")
        lines.append(line)
    for thread in found.threads:
        style = "bold red" if thread.tid in members else "bold"
        lines.append(
            Text.assemble(
                (f"{thread.tid:>5} {thread.comm} ", style),
                (thread.call or thread.state, "cyan"),
                "" if thread.left_ns is None else f"  {thread.left_ns / 1e9:.1f} s left",
                no_wrap=True,
            )
        )
        for need in thread.needs:
            reason = need.because or need.outside or need.unknown
            line = Text(f"        {need.what}", no_wrap=True)
            if need.wakers:
                line.append("  ← " + ", ".join(map(str, need.wakers)), "green")
            lines.append(line.append(f"  {reason}" if reason else "", "dim"))
    return lines or [Text("no thread waits", "dim")]
