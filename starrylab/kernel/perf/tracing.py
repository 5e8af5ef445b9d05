"""Tracepoints as text: what /sys/kernel/tracing/trace shows (Documentation/trace/ftrace.rst)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from ...abi import perf
from ...abi.errno import EINVAL
from . import sampling, symbols
from .attr import PerfAttr
from .counter import FIRST_TRACEPOINT, Counter
from .moment import Moment
from .tracepoints import PRINT, SYS_ENTER, SYS_EXIT

if TYPE_CHECKING:
    from ..thread import Thread
    from .system import Perf
    from .tracepoints import Tracepoint

_WRITE: Final = 64  #: number of write(2)
_COMMON: Final = 8  #: bytes before a record's own fields
_SECOND: Final = 1_000_000_000  #: ns
_HEXADECIMAL: Final = frozenset("IQ")
_TRACEPOINT: Final = replace(PerfAttr(*[0] * len(perf.ATTR_FIELDS)), type=perf.TYPE_TRACEPOINT)


def _nowhere(_: bytes) -> None:
    """Drop a line: nobody has said where it goes."""


class EventTracer:
    """Which tracepoints are traced; lines go to `sink`."""

    def __init__(self, owner: Perf) -> None:
        self._perf = owner
        self._counters: dict[int, Counter] = {}
        self.sink: Callable[[bytes], object] = _nowhere
        self.on = True  #: tracing_on

    def is_traced(self, point: Tracepoint) -> bool:
        """Tell whether ``point`` is traced."""
        return point.id in self._counters

    def traced(self) -> list[Tracepoint]:
        """Return what is traced, by id."""
        return [self._perf.points[number] for number in sorted(self._counters)]

    def set(self, points: Iterable[Tracepoint], *, on: bool) -> None:
        """Trace ``points``, or do so no more."""
        for point in points:
            if on == self.is_traced(point):
                continue
            if on:
                self._begin(point)
            else:
                self._counters.pop(point.id).retire()

    def choose(self, words: bytes) -> None:
        """Do what is written to set_event: ``sched:sched_switch``, ``!signal:*``, ``sched``.

        Raises ``EINVAL`` for what there is not.
        """
        for word in words.decode("utf-8", "replace").split():
            off = word.startswith("!")
            system, _, name = word[off:].partition(":")
            found = [
                point
                for point in self._perf.points.values()
                if fnmatchcase(point.system, system) and fnmatchcase(point.name, name or "*")
            ]
            if not found:
                raise EINVAL
            self.set(found, on=not off)

    def clear(self) -> None:
        """Trace nothing any more."""
        self.set(self.traced(), on=False)

    def mark(self, thread: Thread, text: bytes) -> None:
        """Write a line of a program's own (trace_marker), and tell who counts ftrace:print."""
        ip = symbols.call_address(_WRITE)
        raw = PRINT.pack(thread.tid, ip, b"") + text.rstrip(b"\n") + b"\0"
        moment = Moment(thread, ip, user=False, raw=raw)
        if self.on:
            self.sink(self._line(PRINT, moment))
        for counter in self._perf.counting(thread, FIRST_TRACEPOINT + PRINT.id):
            if PRINT.id not in self._counters or counter is not self._counters[PRINT.id]:
                sampling.happened(counter, moment)

    def _begin(self, point: Tracepoint) -> None:
        context = self._perf.cpu
        counter = Counter(self._perf, replace(_TRACEPOINT, config=point.id), context)

        def tell(moment: Moment) -> bool:
            if self.on:
                self.sink(self._line(point, moment))
            return False  # nothing more has to be done with it

        counter.program = tell
        self._counters[point.id] = counter
        context.add(counter)

    def _line(self, point: Tracepoint, moment: Moment) -> bytes:
        seconds, ns = divmod(self._perf.kernel.clock.monotonic(), _SECOND)
        name = "<idle>" if moment.idle else moment.thread.comm[:15].decode("utf-8", "replace")
        who = f"{name:>16s}-{moment.ids[1]:<7d}"
        when = f"{seconds:5d}.{ns // 1000:06d}"
        return f"{who} [000] ..... {when}: {describe(point, moment.raw)}\n".encode()


def describe(point: Tracepoint, raw: bytes) -> str:
    """Return a record as text."""
    values = point.body.unpack_from(raw, _COMMON)
    if point is PRINT:
        text = raw[_COMMON + PRINT.body.size :].split(b"\0")[0]
        return f"tracing_mark_write: {text.decode('utf-8', 'replace')}"
    if point is SYS_ENTER:
        return f"sys_enter: NR {values[0]} ({', '.join(f'{value:x}' for value in values[1:])})"
    if point is SYS_EXIT:
        return f"sys_exit: NR {values[0]} = {values[1]}"
    call = point.name.partition("sys_enter_")[2]
    if call:
        words = zip(point.fields[1:], values[1:], strict=True)
        return f"sys_{call}({', '.join(f'{field.name}: {value:x}' for field, value in words)})"
    call = point.name.partition("sys_exit_")[2]
    if call:
        return f"sys_{call} -> {values[1]:#x}"
    return f"{point.name}: " + " ".join(
        f"{field.name}={_shown(field.declared, field.form, value, raw)}"
        for field, value in zip(point.fields, values, strict=True)
    )


def _shown(declared: str, form: str, value: int | bytes, raw: bytes) -> str:
    if isinstance(value, bytes):
        return value.split(b"\0")[0].decode("utf-8", "replace")
    if declared.startswith("__data_loc"):
        text = raw[value & 0xFFFF :][: value >> 16]
        return text.split(b"\0")[0].decode("utf-8", "replace")
    return f"{value:#x}" if form in _HEXADECIMAL and "runtime" not in declared else str(value)
