"""Frames, breakpoints and the like as lines of text, in gdb's shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...session.debugging.model import (
    CodeRow,
    FrameInfo,
    PointInfo,
    Registers,
    Signals,
    Source,
    Threads,
)


def frame_line(frame: FrameInfo, number: int, *, short: bool = False) -> str:
    """Return the line of a backtrace; ``short`` without an address that a line makes needless."""
    head = f"#{number:<2} " if number >= 0 else ""
    return head + _BY_KIND.get(frame.kind, _user)(frame, short)


def _user(frame: FrameInfo, short: bool) -> str:
    name = frame.function or "??"
    arguments = ", ".join(f"{name}={text}" for name, text in frame.arguments)
    where = f" at {frame.file}:{frame.line}" if frame.line else ""
    if not where and frame.module:
        where = f" from {frame.module}"
    address = "" if (short or frame.kind == "inlined") and frame.line else f"{frame.pc:#018x} in "
    note = f" <{frame.text}>" if frame.text and not frame.function else ""
    return f"{address}{name} ({arguments}){where}{note}"


def _kernel(frame: FrameInfo, _short: bool) -> str:
    return f"<kernel> {frame.function} at {frame.file}:{frame.line}"


def _call(frame: FrameInfo, _short: bool) -> str:
    where = f" at {frame.file}:{frame.line}" if frame.file else ""
    return f"<system call> {frame.text or frame.function}{where}"


def _signal(frame: FrameInfo, _short: bool) -> str:
    return f"<signal handler called> {frame.text}"


_BY_KIND: Final = {"kernel": _kernel, "syscall": _call, "signal": _signal}


def point_lines(point: PointInfo) -> Iterator[str]:
    """Yield the lines of ``info breakpoints`` for one of them."""
    kept = "del" if point.temporary else "keep"
    enabled = "y" if point.enabled else "n"
    places = point.places if point.what == "breakpoint" else ()
    what = f"{point.number:<7} {point.what:<14} {kept:<4} {enabled:<3} "
    if len(places) == 1:
        yield what + places[0]
    elif places:
        yield what + f"<{len(places)} places>"
        yield from (f"        {place}" for place in places)
    else:
        yield what + (point.location or "")
    if point.problem:
        yield f"        {point.problem}"
    if point.condition:
        yield f"        stop only if {point.condition}"
    if point.hits:
        times = "time" if point.hits == 1 else "times"
        yield f"        breakpoint already hit {point.hits} {times}"
    if point.ignore:
        yield f"        ignore next {point.ignore} hits"


def new_point(point: PointInfo) -> str:
    """Return what is said of a breakpoint that was just set."""
    if point.what == "breakpoint":
        title = "Temporary breakpoint" if point.temporary else "Breakpoint"
        if not point.places:
            return f"{title} {point.number} ({point.location}) {point.problem or 'pending'}"
        if len(point.places) > 1:
            return f"{title} {point.number} at {point.location}: {len(point.places)} places"
        return f"{title} {point.number} at {point.places[0]}"
    title = point.what[:1].upper() + point.what[1:]
    if point.what.startswith("catch"):
        return (
            f"Catchpoint {point.number} ({point.what.partition(' ')[2]} {point.location})".replace(
                " )", ")"
            )
        )
    return f"{title} {point.number}: {point.location}"


def thread_lines(threads: Threads, current: int) -> Iterator[str]:
    """Yield the lines of ``info threads``."""
    for thread in threads.threads:
        mark = "*" if thread.tid == current else " "
        where = frame_line(thread.frame, -1) if thread.frame is not None else "running"
        name = f'process {thread.pid} "{thread.name}" ({thread.state})'
        yield f"{mark} {thread.tid:<5} {name} {where}"


def process_lines(threads: Threads, current: int) -> Iterator[str]:
    """Yield the lines of ``info processes``."""
    seen: dict[int, list[str]] = {}
    mine = {t.pid for t in threads.threads if t.tid == current}
    for thread in threads.threads:
        seen.setdefault(thread.pid, []).append(thread.name)
    for pid, names in seen.items():
        mark = "*" if pid in mine else " "
        many = f", {len(names)} threads" if len(names) > 1 else ""
        yield f"{mark} {pid:<5} {names[0]}{many}"


def register_lines(registers: Registers, wanted: list[str]) -> Iterator[str]:
    """Yield the lines of ``info registers``; general ones unless others are wanted."""
    for name, value in registers.registers:
        if wanted and name not in wanted:
            continue
        if not wanted and (name == "zero" or (name.startswith("f") and name != "fp")):
            continue
        if value is None:
            yield f"{name:<15}<not saved>"
        else:
            signed = value - (value >> 63 << 64)
            yield f"{name:<15}{value:<#19x}{signed}"


def code_lines(rows: tuple[CodeRow, ...], pc: int, *, form: str) -> Iterator[str]:
    """Yield a disassembly; ``r`` in ``form`` adds the bytes, ``s`` lines, ``e`` explanations."""
    for row in rows:
        if "s" in form and row.starts_line:
            yield f"{row.file}:{row.line}"
        mark = "=>" if row.address == pc else "  "
        data = f"{row.data.hex(' '):<13}" if "r" in form else ""
        text = f"{row.text} {row.target}".rstrip()
        note = f"  # {row.explanation}" if "e" in form and row.explanation else ""
        yield f"{mark} {row.address:#018x}:  {data}{text}{note}"


def source_lines(source: Source) -> Iterator[str]:
    """Yield numbered lines of a source file."""
    for offset, line in enumerate(source.lines):
        yield f"{source.first + offset}\t{line}"


def signal_lines(signals: Signals) -> Iterator[str]:
    """Yield the table of ``info signals``."""
    yield "Signal        Stop  Print  Pass to program"
    word = {True: "Yes", False: "No"}
    for s in signals.signals:
        yield f"{s.name:<14}{word[s.stop]:<6}{word[s.show]:<7}{word[s.passed]}"
