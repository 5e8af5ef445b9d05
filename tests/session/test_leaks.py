"""Leak tracking over the protocol, and /dev/memtrack in a whole lab."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from starrylab.debug.leaks.growth import LEAST, WARM_UP
from starrylab.debug.leaks.tracker import Tracker
from starrylab.session.leaks import (
    CompareStamps,
    EndTracking,
    FindGrowth,
    GrowthFound,
    LeakReply,
    Leaks,
    LeakServer,
    LeaksFound,
    ReportLeaks,
    StampsCompared,
    StampTaken,
    StartTracking,
    TakeStamp,
    Tracking,
)
from starrylab.session.protocol import command_reader, encode, event_reader
from tests.guest import run
from tests.kernel.conftest import ScriptedLab

pytestmark = pytest.mark.usefixtures("few_objects")


class Front:
    """Sends requests through the wire format to a server, and takes the replies the same way."""

    def __init__(self, tracker: Tracker) -> None:
        self._replies: list[LeakReply] = []
        self._server = LeakServer(tracker, self._replies.append)
        self._number = 0

    def ask(self, request) -> LeakReply:
        self._number += 1
        (message,) = command_reader().feed(encode(Leaks(self._number, request)))
        self._server.serve(message)
        (reply,) = event_reader().feed(encode(self._replies.pop()))
        assert reply.number == self._number
        return reply


def test_growth_needs_stamps_and_finds_what_grows() -> None:
    lab = ScriptedLab()
    front = Front(Tracker(lab.kernel))
    replies = []

    def program(m):
        replies.append(front.ask(FindGrowth()))
        for _ in range(WARM_UP + LEAST):
            yield m.call("eventfd2", 0, 0)
            front.ask(TakeStamp())
        replies.append(front.ask(FindGrowth()))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert replies[0].answer is None
    assert "too few" in replies[0].error
    assert isinstance(replies[-1].answer, GrowthFound)
    (row,) = [row for row in replies[-1].answer.rows if row.what == "eventfd"]
    assert (row.slope, row.last - row.first, row.exact) == (1.0, LEAST - 1, True)


def test_a_conversation() -> None:
    lab = ScriptedLab()
    tracker = Tracker(lab.kernel)
    front = Front(tracker)
    got = SimpleNamespace()

    def program(m):
        got.start = front.ask(StartTracking())
        got.one = front.ask(TakeStamp("one"))
        yield m.call("eventfd2", 0, 0)
        got.middle = front.ask(ReportLeaks())
        got.two = front.ask(TakeStamp())
        got.difference = front.ask(CompareStamps(1, 2))
        yield m.call("epoll_create1", 0)
        got.late = front.ask(ReportLeaks(since=got.two.answer.generation))
        got.end = front.ask(EndTracking())
        got.after = front.ask(ReportLeaks())
        yield m.call("exit_group", 0)

    try:
        lab.run(program)
    finally:
        tracker.stop()
    assert got.start.answer == Tracking(0)
    assert isinstance(got.one.answer, StampTaken)
    assert got.one.answer.name == "one"
    assert isinstance(got.middle.answer, LeaksFound)
    (event,) = [leak for leak in got.middle.answer.leaks if leak.kind == "eventfd"]
    assert event.syscall == "eventfd2"
    assert "fd table" in " ".join(event.holder)
    assert event.stack[0].file == "kernel/syscalls/event.py"
    assert isinstance(got.difference.answer, StampsCompared)
    assert {c.what: c.after - c.before for c in got.difference.answer.changes}["eventfd"] == 1
    late = {leak.kind for leak in got.late.answer.leaks}
    assert "epoll" in late
    assert "eventfd" not in late
    assert {leak.kind for leak in got.end.answer.leaks} >= {"epoll", "eventfd"}
    assert got.after == LeakReply(8, error="allocations are not recorded; start first")


@pytest.mark.parametrize("request_", [EndTracking(), ReportLeaks(), CompareStamps(1, 2)])
def test_what_makes_no_sense_is_refused_in_one_line(request_) -> None:
    reply = Front(Tracker(ScriptedLab().kernel)).ask(request_)
    assert reply.answer is None
    assert reply.error
    assert "\n" not in reply.error


def test_two_kernels_are_not_recorded_at_once() -> None:
    first, second = Tracker(ScriptedLab().kernel), Tracker(ScriptedLab().kernel)
    first.start()
    try:
        assert "another kernel" in Front(second).ask(StartTracking()).error
    finally:
        first.stop()


def test_replies_are_plain_values() -> None:
    assert msgspec.json.decode(msgspec.json.encode(LeakReply(1, Tracking(5))))["answer"] == {
        "type": "leaks-tracking", "generation": 5}  # fmt: skip


def test_memtrack_in_a_lab() -> None:
    script = (
        "echo start >/dev/memtrack; sleep 100 & sleep 0.1; "
        "/bin/echo nonsense >/dev/memtrack || echo refused; "
        "echo end >/dev/memtrack; cat /dev/memtrack; kill %1"
    )
    done = run(["sh", "-c", script])
    text = done.stdout.decode()
    assert "Memory usage:" in text
    assert ", [process]" in text
    assert "(sleep)" in text
    assert text.startswith("refused\n")
