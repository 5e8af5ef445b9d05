"""The protocol: every message survives the wire, and garbage gives one clean error."""

from __future__ import annotations

import socket

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.session import leaks, protocol, tracing
from starrylab.session.channel import LabChannel
from starrylab.session.config import Bind, LabConfig
from starrylab.session.debugging import model as debugging
from starrylab.session.inspection import model
from starrylab.session.protocol import (
    WINDOW,
    Consumed,
    CountCalls,
    Hello,
    Input,
    Interval,
    Output,
    ProtocolError,
    Resize,
    Signal,
    SnapshotSeen,
    Start,
    Stop,
    command_reader,
    encode,
    event_reader,
)
from starrylab.session.snapshot import CallCount, MemoryKind, ProcessView, Snapshot

PROCESS = ProcessView(
    7, 1, 7, 1, "pts/0", True, "Z", "", "sh", "sh -c 'x'", 2, 10, 20, 4096, 8192, 1, 2, 3, -5
)
SNAPSHOT = Snapshot(
    3, 10**12, (PROCESS,), (MemoryKind("user", 5),), 5, (0.1, 0.2, 0.3), 4, 5, 6,
    (CallCount("read", 9),), 0.5,
)  # fmt: skip
FRAME = debugging.FrameInfo("user", 1 << 63, "/bin/x", "main", 4, "a.c", 3, 1, "", (("argc", "1"),))
COMMANDS = [
    Hello(),
    Start(LabConfig(argv=(b"sh", b"\xff"), binds=(Bind("/x", b"/y", "rw"),)), 40, 140),
    Input(bytes(range(256))),
    Resize(24, 80),
    protocol.OpenLine(1),
    Signal(2, 9),
    protocol.SetLimit(2, "nofile", 64, -1),
    Interval(0.5),
    CountCalls(True),
    *(
        protocol.Ask(question)
        for question in (
            model.AboutProcess(1),
            model.AboutMemory(7),
            model.AboutAddress(1, 1 << 63),
            model.AboutFiles(),
            model.AboutCalls(),
            model.AboutCall("read"),
            model.AboutFolder(b"/\xff"),
        )
    ),
    Consumed(100),
    SnapshotSeen(),
    tracing.Trace(True, 7, "file,!read", fds=True),
    tracing.TraceSeen(),
    tracing.AskWaits(),
    Stop(),
    protocol.Join(True),
    *(
        debugging.Debug(number, command)
        for number, command in enumerate(
            (
                debugging.Pause(),
                debugging.Step("next", 3, 2, alone=True),
                debugging.Break("a.c:3", condition="x > 1", temporary=True),
                debugging.Catch("syscall", ("read", "write")),
                debugging.SetMemory(1 << 63, b"\0\xff"),
                debugging.Handle(("SIGUSR1",), stop=False),
            )
        )
    ),
    *(
        leaks.Leaks(number, request)
        for number, request in enumerate(
            (
                leaks.StartTracking(),
                leaks.ReportLeaks(5),
                leaks.TakeStamp("x"),
                leaks.CompareStamps(1, 2),
                leaks.EndTracking(),
            )
        )
    ),
]
EVENTS = [
    Hello(),
    Output(b"\x00\xffabc"),
    SNAPSHOT,
    *(
        protocol.Answered(answer)
        for answer in (
            model.ProcessDetails(3, limits=(model.LimitView("cpu", -1, 5),)),
            model.AddressDetails(3, 1 << 63, data=b"\0\xff"),
            model.FolderDetails(b"/", entries=(model.EntryView("x", "file", 1, 2, 0, 0, False),)),
        )
    ),
    protocol.Joined(LabConfig(argv=(b"sh",)), "running", True),
    protocol.WindowSize(24, 80),
    protocol.LineOpened(1),
    tracing.Traced((tracing.TraceLine("call", 7, 8, 1, "read", (("fd", "3"),), "0"),), 5),
    tracing.TraceRefused("no"),
    tracing.WaitsFound(
        (
            tracing.WaitView(
                1, 1, "x", "S", "read", (tracing.NeedView("y", (2,), "", "", ""),), None, ""
            ),
        ),
        (tracing.DeadlockView((1, 2), ()),),
        "text",
    ),
    protocol.Booted(),
    protocol.Exited(9),
    protocol.Panic("x\ny"),
    protocol.Failed("no"),
    protocol.Log("read(0) = 1"),
    protocol.Crashed("killed", "oops"),
    debugging.DebugReply(1, error="no thread 9"),
    debugging.DebugReply(2, debugging.Stack((FRAME,))),
    debugging.DebugReply(3, debugging.Registers((("a0", 1 << 63), ("s1", None)))),
    debugging.DebugReply(4, debugging.Memory(1 << 63, b"\0\xff")),
    debugging.Stopped("breakpoint", 1, 2, "Breakpoint 1", FRAME, (1,)),
    debugging.Resumed(),
    leaks.LeakReply(1, error="no"),
    leaks.LeakReply(2, leaks.Tracking(1 << 40)),
    leaks.LeakReply(3, leaks.StampTaken(1, "x", 2, 3, {"dentry": (4, 5)})),
    leaks.LeakReply(4, leaks.StampsCompared((leaks.ChangeView("x", 1, 2, -3),))),
]


@given(st.integers(1, 200))
def test_every_message_survives_any_cutting(size: int) -> None:
    for messages, reader in ((COMMANDS, command_reader()), (EVENTS, event_reader())):
        data = b"".join(map(encode, messages))
        got: list[object] = []
        for start in range(0, len(data), size):
            got += reader.feed(data[start : start + size])
        reader.end()
        assert got == messages


def test_the_lists_above_cover_the_unions() -> None:
    assert {type(m) for m in COMMANDS} == set(protocol.Command.__args__)
    assert {type(m) for m in EVENTS} == set(protocol.Event.__args__)


@given(st.binary(max_size=300))
def test_garbage_gives_messages_or_a_protocol_error(data: bytes) -> None:
    reader = command_reader()
    try:
        reader.feed(data)
        reader.end()
    except ProtocolError:
        pass


@given(st.binary(max_size=100))
def test_a_garbage_body_is_refused(body: bytes) -> None:
    frame = len(body).to_bytes(4, "big") + body
    try:
        messages = event_reader().feed(frame)
    except ProtocolError:
        return
    assert len(messages) == 1  # it happened to be a message


def test_a_length_beyond_the_limit_is_refused_at_once() -> None:
    with pytest.raises(ProtocolError, match="limit"):
        event_reader().feed(b"\xff\xff\xff\xff")


@pytest.mark.parametrize("cut", [1, 3, 4, 6])
def test_a_truncated_stream_is_an_error(cut: int) -> None:
    reader = event_reader()
    assert reader.feed(encode(Output(b"hello"))[:-cut]) == []
    with pytest.raises(ProtocolError, match="inside a message"):
        reader.end()


def test_a_command_is_no_event() -> None:
    with pytest.raises(ProtocolError):
        event_reader().feed(encode(Input(b"x")))


def pair() -> tuple[LabChannel, socket.socket]:
    ours, theirs = socket.socketpair()
    return LabChannel(theirs), ours


def test_another_version_is_refused_with_advice() -> None:
    lab, ours = pair()
    ours.sendall(encode(Hello(version=999)))
    with pytest.raises(ProtocolError, match=r"version 999.*install the same"):
        lab.receive()
    lab.close()
    ours.close()


def test_a_peer_that_does_not_greet_is_refused() -> None:
    lab, ours = pair()
    ours.sendall(encode(Stop()))
    with pytest.raises(ProtocolError, match="expected Hello"):
        lab.receive()
    lab.close()
    ours.close()


def test_output_stops_at_the_window_and_goes_on_with_credit() -> None:
    lab, ours = pair()
    assert lab.send_output(b"x" * (WINDOW - 1)) == WINDOW - 1
    assert lab.send_output(b"abc") == 1
    assert lab.send_output(b"bc") == 0
    lab.give_back(2)
    assert lab.send_output(b"bc") == 2
    lab.give_back(10 * WINDOW)  # nobody can hand out more than the window
    assert lab.room() == WINDOW
    lab.close()
    ours.close()


def test_sending_to_a_front_end_that_left_is_no_error() -> None:
    lab, ours = pair()
    ours.close()
    lab.send(Output(b"x"))
    lab.send(Output(b"x"))
    assert lab.closed
    lab.close()


def test_a_snapshot_of_fifty_processes_is_small() -> None:
    big = msgspec.structs.replace(SNAPSHOT, processes=(PROCESS,) * 50)
    assert len(encode(big)) < 5000
