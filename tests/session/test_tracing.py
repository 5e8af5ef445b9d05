"""Traces and the wait graph over the protocol."""

from __future__ import annotations

import pytest

from starrylab.debug.waits.model import Deadlock, Need, Wait, Waits
from starrylab.session import protocol
from starrylab.session.tracing import (
    KEPT,
    AskWaits,
    Trace,
    Traced,
    TraceRefused,
    TraceSeen,
    TraceServer,
    WaitsFound,
    waits_found,
)
from tests.kernel.conftest import ScriptedLab

BATCH_NS = 200_000_000


def conversation(lab: ScriptedLab, *commands, calls: int = 3, rest=()) -> list:
    """Run a program of some calls after ``commands``; return what was sent."""
    sent: list = []
    server = TraceServer(lab.kernel, sent.append)

    def program(m):
        for command in commands:
            server.serve(command)
        for _ in range(calls):
            yield m.call("getppid")
        m.store(m.scratch, (0).to_bytes(8, "little")
                + BATCH_NS.to_bytes(8, "little"))  # fmt: skip
        yield m.call("nanosleep", m.scratch, 0)
        for command in rest:
            server.serve(command)
        yield m.call("exit_group", 3)

    lab.run(program)
    server.finish()
    for event in sent:  # what goes over the wire comes back as it was
        (copy,) = protocol.event_reader().feed(protocol.encode(event))
        assert copy == event
    return sent


def test_a_trace_comes_in_batches() -> None:
    sent = conversation(ScriptedLab(), Trace(on=True, pid=1), rest=(TraceSeen(),))
    assert all(isinstance(event, Traced) for event in sent)
    lines = [line for event in sent for line in event.lines]
    assert [line.name for line in lines] == [
        "getppid", "getppid", "getppid", "nanosleep", "exit_group", "+++ exited with 3 +++",
    ]  # fmt: skip
    assert lines[0].result == "0"
    assert lines[3].args[0] == ("duration", "{tv_sec=0, tv_nsec=200000000}")


def test_a_flood_is_cut_and_counted() -> None:
    more = 500
    sent = conversation(ScriptedLab(), Trace(on=True, filter="getppid"), calls=KEPT + more)
    assert sum(len(event.lines) + event.dropped for event in sent) == KEPT + more + 1
    assert max(len(event.lines) for event in sent) <= KEPT
    assert sum(event.dropped for event in sent) >= more


def test_it_is_switched_off() -> None:
    assert conversation(ScriptedLab(), Trace(on=True), Trace(on=False)) == []


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (Trace(on=True, filter="bogus"), "bogus is no system call"),
        (Trace(on=True, pid=99), "there is no process 99"),
    ],
)
def test_what_is_wrong_is_told(command: Trace, text: str) -> None:
    (refused,) = conversation(ScriptedLab(), command)
    assert isinstance(refused, TraceRefused)
    assert text in refused.text


def test_the_wait_graph() -> None:
    (found,) = conversation(ScriptedLab(), AskWaits())
    assert isinstance(found, WaitsFound)
    assert [(wait.tid, wait.state) for wait in found.threads] == [(1, "R")]
    assert found.deadlocks == ()
    assert "no deadlock" in found.text


def test_a_wait_with_its_wakers() -> None:
    need = Need("to read pipe:[3]", (2,), "its write end")
    waits = (Wait(1, 1, "cat", "S", "read", (need,), None), Wait(2, 2, "x", "S", "", (need,), 5))
    found = waits_found(Waits(waits, (Deadlock((1,), (2,)),)))
    assert found.threads[0].needs[0].wakers == (2,)
    assert found.threads[1].left_ns == 5
    assert found.deadlocks[0].victims == (2,)
    assert protocol.event_reader().feed(protocol.encode(found)) == [found]


@pytest.mark.parametrize("command", [Trace(on=True, pid=3), TraceSeen(), AskWaits()])
def test_commands_survive_the_wire(command) -> None:
    assert protocol.command_reader().feed(protocol.encode(command)) == [command]
