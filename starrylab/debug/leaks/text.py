"""Starry Mix's report of allocations (`api/src/vfs/dev/memtrack.rs`), word for word.

A category is a known name where Starry Mix lists one for what was allocated, else the backtrace
in `axbacktrace`'s form.  A Python frame has no frame pointer and no instruction pointer: ``ip``
is the address of the instruction in the lab process, and there is no ``fp``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .report import Leak, LeakReport
    from .stacks import Call

_RULE: Final = "==========================="
_ALIGN: Final = 8  #: bytes: of every allocation of a Rust object


def stamped(generation: int) -> str:
    """Return what "start" prints."""
    return f"Memory allocation generation stamped: {generation}\n"


def starry_report(report: LeakReport) -> str:
    """Return what "end" prints: groups by category or backtrace, most bytes first."""
    lines = [f"Alive tasks: [{', '.join(report.alive)}]", _RULE, "Memory usage:"]
    groups: dict[object, list[Leak]] = {}
    for leak in report.leaks:
        groups.setdefault(leak.category or leak.stack, []).append(leak)
    for leaks in sorted(groups.values(), key=lambda g: -sum(leak.bytes for leak in g)):
        lines += _group(leaks)
    lines += [_RULE[:-1], *_findings(report)]
    return "\n".join(lines) + "\n"


def _group(leaks: list[Leak]) -> Iterator[str]:
    first = leaks[0]
    size = sum(leak.bytes for leak in leaks)
    count = sum(leak.count for leak in leaks)
    layout = f"Layout {{ size: {first.first_size}, align: {_ALIGN} (1 << 3) }}"
    head = f" {size} bytes, {count} allocations, {layout}, "
    if first.category:
        yield f"{head}[{first.category}]"
        return
    yield f"{head}Backtrace:"
    yield from backtrace(first.stack)


def backtrace(stack: tuple[Call, ...]) -> Iterator[str]:
    """Yield the lines of a backtrace, two a frame."""
    for index, call in enumerate(stack):
        yield f"{index:>4}: {call.function}"
        yield f"            at {call.file}:{call.line} with ip={call.address:#x}"
    if not stack:
        yield "   <backtrace disabled>"


def _findings(report: LeakReport) -> Iterator[str]:
    """Yield what Starry Mix cannot tell: who holds what is left, and what does not add up."""
    for leak in report.roots:
        yield f"{leak.count} {leak.kind} ({leak.bytes + leak.retained_bytes} bytes): {who(leak)}"
    for frames in report.frames:
        yield f"{frames.count} {frames.kind} frames from {frames.first:#x}: {frames.text}"
    if report.heap_unaccounted:
        yield f"{report.heap_unaccounted} bytes of the kernel's heap belong to no buffer"
    for cycle in report.cycles:
        yield f"cycle held by itself alone: {' -> '.join(cycle.steps)}"
    for what, count in report.left_out:
        yield f"left out: {count} {what}"


def who(leak: Leak) -> str:
    """Return who holds a leak, in one line."""
    if leak.how == "held":
        return " -> ".join(leak.holder)
    if leak.how == "lost":
        return "held by nobody"
    return f"held by {leak.holder[0]}" if leak.holder else "held outside of the kernel"
