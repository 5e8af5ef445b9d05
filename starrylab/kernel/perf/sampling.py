"""Counting, and when a count becomes a sample (``perf_swevent_event`` of kernel/events/core.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import perf
from ..core.sched import TICK_NS
from . import records

if TYPE_CHECKING:
    from .counter import Counter
    from .moment import Moment

_SECOND: Final = 1_000_000_000  #: ns


def excluded(counter: Counter, moment: Moment) -> bool:
    """Tell whether a counter does not want what happens in this mode."""
    return counter.attr.has(perf.EXCLUDE_USER if moment.user else perf.EXCLUDE_KERNEL)


def happened(counter: Counter, moment: Moment, number: int = 1) -> None:
    """Count what happened ``number`` times; take the samples that are due."""
    if excluded(counter, moment) or (counter.paused and not _unthrottled(counter, moment)):
        return
    if counter.filter is not None and not counter.filter.passes(moment.raw):
        return
    asked = counter.program
    if asked is not None and counter.attr.type == perf.TYPE_TRACEPOINT and not asked(moment):
        return
    counter.count += number
    attr = counter.attr
    if not attr.sampling:
        return
    frequency = attr.has(perf.FREQ)
    if attr.sample_type & perf.SAMPLE_PERIOD and not frequency:
        _overflow(counter, moment, number)  # each is told, with its own weight
        return
    counter.period_left -= number
    times = 0
    while counter.period_left <= 0:
        _overflow(counter, moment, counter.period)
        times += 1
        if frequency:
            _adapt(counter)
        counter.period_left += counter.period
        if times >= most(counter):
            counter.period_left = counter.period
            throttle(counter, moment)
            return


def take(counter: Counter, moment: Moment, period: int) -> None:
    """Take a sample of a clock that stands for ``period`` ns."""
    if not excluded(counter, moment):
        _overflow(counter, moment, period)


def _overflow(counter: Counter, moment: Moment, period: int) -> None:
    """Write a sample, and tell who waits for it."""
    top = counter.top
    system = counter.perf
    asked = counter.program
    if asked is not None and counter.attr.type != perf.TYPE_TRACEPOINT and not asked(moment):
        return
    last = False
    if top.limit:
        top.limit -= 1
        last = not top.limit
    if top.ring is not None:
        write(counter, records.sample(counter, moment, period, system.time_of(counter)), moment)
        count_to_wakeup(counter)
    if counter.attr.has(perf.SIGTRAP):
        system.trap(counter, moment)
    if last:
        top.disable()
    if top.file is not None:
        top.file.overflowed(last=last)


def count_to_wakeup(counter: Counter) -> None:
    """Wake readers after every attr.wakeup_events samples."""
    ring, wanted = counter.top.ring, counter.attr.wakeup
    if ring is None or not wanted or counter.attr.has(perf.WATERMARK):
        return
    ring.events += 1
    if ring.events >= wanted:
        ring.events -= wanted
        counter.woken()


def write(counter: Counter, record: bytes, moment: Moment | None = None) -> bool:
    """Put a record into the buffer that the counter writes to; tell whether that was possible."""
    top = counter.top
    if top.ring is None:
        return False

    def lost(number: int) -> bytes:
        body = top.id.to_bytes(8, "little") + number.to_bytes(8, "little")
        thread = None if moment is None else moment.thread
        now = counter.perf.time_of(counter)
        return records.record(counter, perf.RECORD_LOST, 0, body, thread, now)

    return top.ring.write(top, record, backward=counter.attr.has(perf.WRITE_BACKWARD), lost=lost)


# -- how many ------------------------------------------------------------------------------------


def _adapt(counter: Counter) -> None:
    """Change the period so that samples come as often as wanted (``perf_adjust_period``)."""
    now = counter.perf.kernel.clock.monotonic()
    passed = now - counter.freq_stamp
    counter.freq_stamp = now
    if not 0 < passed < 2 * TICK_NS:
        return
    ideal = counter.period * _SECOND // (passed * counter.attr.sample_period)
    change = ideal - counter.period
    step = (change + 7) // 8 if change >= 0 else -((7 - change) // 8)
    counter.period = max(1, counter.period + step)


def most(counter: Counter) -> int:
    """Return how many samples at once, or in one tick, are too many."""
    return -(-counter.perf.settings.max_rate * TICK_NS // _SECOND)


def throttle(counter: Counter, moment: Moment) -> None:
    """Stop taking samples until the next tick, and say so."""
    counter.paused = True
    counter.tick = counter.perf.kernel.clock.monotonic() // TICK_NS
    _tell_throttle(counter, moment, perf.RECORD_THROTTLE)


def _unthrottled(counter: Counter, moment: Moment) -> bool:
    """Tell whether a counter that was stopped may go on."""
    if counter.perf.kernel.clock.monotonic() // TICK_NS == counter.tick:
        return False
    resume(counter, moment)
    return True


def resume(counter: Counter, moment: Moment) -> None:
    """Take samples again, and say so."""
    counter.paused = False
    _tell_throttle(counter, moment, perf.RECORD_UNTHROTTLE)


def _tell_throttle(counter: Counter, moment: Moment, kind: int) -> None:
    now = counter.perf.time_of(counter)
    body = b"".join(n.to_bytes(8, "little") for n in (now, counter.top.id, counter.id))
    write(counter, records.record(counter, kind, 0, body, moment.thread, now), moment)
