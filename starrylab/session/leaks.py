"""Leak tracking over the session protocol: requests, replies, and who serves them.

The replies have the fields of `debug.leaks`' reports, so a front end needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from ..debug.leaks.tracker import Tracker

T = TypeVar("T")

# -- requests -----------------------------------------------------------------------------


class StartTracking(msgspec.Struct, frozen=True, tag="leaks-start"):
    """Record allocations; reports begin here."""


class EndTracking(msgspec.Struct, frozen=True, tag="leaks-end"):
    """Report, and record no more."""


class ReportLeaks(msgspec.Struct, frozen=True, tag="leaks-report"):
    """Report what was allocated after a generation (default: since the start); go on."""

    since: int | None = None


class TakeStamp(msgspec.Struct, frozen=True, tag="leaks-stamp"):
    """Count everything now."""

    name: str = ""


class CompareStamps(msgspec.Struct, frozen=True, tag="leaks-compare"):
    """Tell what changed from one stamp to another."""

    first: int
    second: int


class FindGrowth(msgspec.Struct, frozen=True, tag="leaks-growth"):
    """Tell what grows from stamp to stamp."""


LeakRequest = StartTracking | EndTracking | ReportLeaks | TakeStamp | CompareStamps | FindGrowth


class Leaks(msgspec.Struct, frozen=True, tag="leaks"):
    """A request; one `LeakReply` with its number follows."""

    number: int
    request: LeakRequest


# -- replies ------------------------------------------------------------------------------


class CallView(msgspec.Struct, frozen=True):
    """One frame of the kernel."""

    function: str
    file: str
    line: int
    address: int


class LeakView(msgspec.Struct, frozen=True):
    """Allocations that are alike; see `debug.leaks.report.Leak`."""

    kind: str
    category: str
    count: int
    bytes: int
    retained: int
    retained_bytes: int
    first_size: int
    pids: tuple[int, ...]
    owner: int
    how: str
    name: str
    holder: tuple[str, ...]
    syscall: str
    pc: int
    stack: tuple[CallView, ...]
    program: tuple[CallView, ...]
    member: bool


class FramesView(msgspec.Struct, frozen=True):
    """Frames whose references do not add up; see `debug.leaks.report.WrongFrames`."""

    kind: str
    count: int
    references: int
    holders: tuple[str, ...]
    first: int
    pids: tuple[int, ...]
    text: str


class CycleView(msgspec.Struct, frozen=True):
    """Objects that only each other hold."""

    kinds: tuple[tuple[str, int], ...]
    steps: tuple[str, ...]


class LeaksFound(msgspec.Struct, frozen=True, tag="leaks-found"):
    """A report; see `debug.leaks.report.LeakReport`."""

    since: int
    until: int
    leaks: tuple[LeakView, ...]
    frames: tuple[FramesView, ...]
    heap_unaccounted: int
    cycles: tuple[CycleView, ...]
    left_out: tuple[tuple[str, int], ...]
    alive: tuple[str, ...]


class Tracking(msgspec.Struct, frozen=True, tag="leaks-tracking"):
    """Allocations are recorded from this generation on."""

    generation: int


class StampTaken(msgspec.Struct, frozen=True, tag="leaks-stamped"):
    """A stamp: what there was, how many of it, and its bytes."""

    number: int
    name: str
    generation: int
    time_ns: int
    amounts: dict[str, tuple[int, int]]


class ChangeView(msgspec.Struct, frozen=True):
    """How much more there is of something; bytes of the difference."""

    what: str
    before: int
    after: int
    bytes: int


class StampsCompared(msgspec.Struct, frozen=True, tag="leaks-compared"):
    """What changed, most bytes first."""

    changes: tuple[ChangeView, ...]


class GrowthView(msgspec.Struct, frozen=True):
    """See `debug.leaks.growth.Growth`."""

    what: str
    slope: float  #: more of it for each stamp
    bytes_slope: float
    first: int
    last: int
    exact: bool  #: every step was by the same number


class GrowthFound(msgspec.Struct, frozen=True, tag="leaks-grown"):
    """What grows, most bytes first."""

    rows: tuple[GrowthView, ...]


LeakAnswer = LeaksFound | Tracking | StampTaken | StampsCompared | GrowthFound


class LeakReply(msgspec.Struct, frozen=True, tag="leaks-reply"):
    """The answer to request ``number``, or why there is none."""

    number: int
    answer: LeakAnswer | None = None
    error: str = ""


# -- serving ------------------------------------------------------------------------------


class LeakServer:
    """Answers the requests of one session."""

    def __init__(self, tracker: Tracker, send: Callable[[LeakReply], object]) -> None:
        self._tracker = tracker
        self._send = send

    def serve(self, message: Leaks) -> None:
        """Do what is asked for, and reply."""
        from ..debug.leaks.growth import TooFewError
        from ..debug.leaks.recorder import AlreadyRecordingError
        from ..debug.leaks.tracker import NoSuchStampError

        try:
            answer = self._answer(message.request)
        except (AlreadyRecordingError, NoSuchStampError, TooFewError) as error:
            self._send(LeakReply(message.number, error=str(error.args[0])))
        else:
            self._send(_reply(message.number, answer))

    def _answer(self, request: LeakRequest) -> LeakAnswer | None:
        tracker = self._tracker
        match request:
            case StartTracking():
                return Tracking(tracker.start())
            case TakeStamp(name=name):
                return _convert(tracker.stamp(name), StampTaken)
            case CompareStamps(first=first, second=second):
                changes = tracker.compare(first, second)
                return StampsCompared(tuple(_convert(change, ChangeView) for change in changes))
            case FindGrowth():
                return GrowthFound(tuple(_convert(row, GrowthView) for row in tracker.growth()))
            case EndTracking() | ReportLeaks() if not tracker.recorder.on:
                return None
            case EndTracking():
                found = found_in(tracker.report())
                tracker.stop()
                return found
            case ReportLeaks(since=since):
                return found_in(tracker.report(since))


def _reply(number: int, answer: LeakAnswer | None) -> LeakReply:
    """Return the reply; without an answer, allocations are not recorded."""
    if answer is None:
        return LeakReply(number, error="allocations are not recorded; start first")
    return LeakReply(number, answer)


def found_in(report: object) -> LeaksFound:
    """Return a `debug.leaks` report as a message."""
    return _convert(report, LeaksFound)


def _convert(value: object, kind: type[T]) -> T:
    return msgspec.convert(value, kind, from_attributes=True)
