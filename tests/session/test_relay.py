"""Sharing a lab: who joins sees the screen and what follows, and commands if permitted."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import time

import pytest

from starrylab.session.attached import AttachedClient
from starrylab.session.config import LabConfig
from starrylab.session.front_end import FrontEnd, LabState
from starrylab.session.inspection.model import AboutProcess, ProcessDetails
from starrylab.session.protocol import (
    Answered,
    Booted,
    Command,
    Crashed,
    Exited,
    Input,
    Joined,
    LineOpened,
    OpenLine,
    Output,
    WindowSize,
)
from starrylab.session.relay import _MOST_WAITING, Relay, running_labs
from starrylab.session.snapshot import Snapshot


class Owner(FrontEnd):
    """A lab that only notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.state = LabState.RUNNING
        self.config = LabConfig(argv=(b"sh",))
        self.size = (30, 100)
        self.snapshot = Snapshot(sequence=7)
        self.sent: list[Command] = []

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def ask(self, question, tell=None) -> None:
        assert tell is not None
        tell(ProcessDetails(question.pid))


class Screen:
    def __init__(self) -> None:
        self.text = b"\x1bcscreen"

    window = (24, 80)

    def redraw(self) -> bytes:
        return self.text


class Shared:
    def __init__(self, folder) -> None:
        self.owner = Owner()
        self.screen = Screen()
        self.relay = Relay(self.owner, self.screen, folder)
        self.clients: list[AttachedClient] = []

    async def join(self, *, control: bool = False) -> AttachedClient:
        assert self.relay.path is not None
        client = AttachedClient(self.relay.path, control=control)
        self.clients.append(client)
        await client.start(LabConfig())
        return client


@pytest.fixture
async def shared(tmp_path):
    shared = Shared(tmp_path / "run")
    await shared.relay.open()
    yield shared
    for client in shared.clients:
        await client.close()
    await shared.relay.close()


async def take(client: AttachedClient, count: int) -> list:
    found = []

    async def collect() -> None:
        async for event in client.events():
            found.append(event)
            if len(found) == count:
                return

    await asyncio.wait_for(collect(), 5)
    return found


async def test_a_late_comer_gets_the_screen_and_the_snapshot(shared) -> None:
    shared.owner._seen_ns = time.monotonic_ns() - 5_000_000_000
    client = await shared.join()
    joined, size, screen, snapshot = await take(client, 4)
    assert joined == Joined(shared.owner.config, "running", False)
    assert size == WindowSize(30, 100)
    assert screen == Output(b"\x1bcscreen")
    assert snapshot.sequence == 7
    assert 5_000_000_000 <= snapshot.uptime_ns <= shared.owner.uptime_ns
    assert client.state is LabState.RUNNING
    assert client.title == "riscv64 sh"
    assert client.size == (30, 100)
    assert shared.relay.watchers == 1


async def test_what_happens_is_passed_on(shared) -> None:
    first, second = await shared.join(), await shared.join()
    for client in (first, second):
        await take(client, 4)
    shared.relay.output(b"more")
    shared.relay.event(Booted())
    shared.relay.event(Output(b"not twice"))
    shared.relay.resized(24, 80)
    shared.relay.event(Exited(3))
    for client in (first, second):
        events = await take(client, 4)
        assert events == [Output(b"more"), Booted(), WindowSize(24, 80), Exited(3)]
        assert client.state is LabState.ENDED


async def test_a_watcher_cannot_command_and_may_ask(shared) -> None:
    client = await shared.join()
    await take(client, 4)
    client.send_input(b"rm -rf /\r")
    client.signal(1, 9)
    client.resize(5, 5)
    client.ask(AboutProcess(3))
    assert await take(client, 1) == [Answered(ProcessDetails(3))]
    assert shared.owner.sent == []


async def test_a_watcher_that_speaks_the_protocol_itself_cannot_either(shared) -> None:
    client = await shared.join()
    await take(client, 4)
    client.control = True  # a front end that lies about itself
    client.send_input(b"x")
    client.ask(AboutProcess(3))
    await take(client, 1)
    assert shared.owner.sent == []


async def test_who_has_control_types_and_signals(shared) -> None:
    client = await shared.join(control=True)
    await take(client, 4)
    client.send_input(b"ls\r")
    client.signal(7, 15)
    client.set_interval(0)  # the owner's own
    client.resize(5, 5)
    client.ask(AboutProcess(3))
    await take(client, 1)
    sent = [type(command).__name__ for command in shared.owner.sent]
    assert sent == ["Input", "Signal"]


async def test_one_that_lags_gets_the_screen_again(shared) -> None:
    slow = await shared.join()
    await take(slow, 4)
    (peer,) = [peer for peer in shared.relay._peers if peer.joined]
    chunk = b"y" * 65536
    for _ in range(64):  # the event loop does not turn: nothing leaves
        shared.relay.output(chunk)
    assert peer._lagging
    assert peer._writer.transport.get_write_buffer_size() < _MOST_WAITING + 2 * len(chunk)
    seen = 0
    async for event in slow.events():
        if isinstance(event, Output):
            seen += len(event.data)
            if event.data == shared.screen.text:
                break
        if not peer._writer.transport.get_write_buffer_size():
            shared.relay.output(b"after")
    assert seen < 64 * len(chunk)


async def test_a_second_line_is_shared_from_its_picture_on(shared) -> None:
    early = await shared.join(control=True)
    await take(early, 4)
    second = Screen()
    second.text = b"\x1bcsecond"
    shared.relay.event(LineOpened(1))
    shared.relay.add_line(1, second)
    shared.relay.output(b"login: ", 1)
    assert await take(early, 2) == [LineOpened(1), Output(b"login: ", 1)]
    late = await shared.join()
    events = await take(late, 7)
    assert events[1:6] == [
        WindowSize(30, 100), Output(shared.screen.text),
        LineOpened(1), WindowSize(24, 80, 1), Output(second.text, 1),
    ]  # fmt: skip
    for client in (late, early):
        client.send_input(b"root\r", 1)
        client.open_line(2)
        client.ask(AboutProcess(3))
        await take(client, 1)
    assert shared.owner.sent == [Input(b"root\r", 1), OpenLine(2)]


async def test_each_line_that_lags_gets_its_own_screen_again(shared) -> None:
    slow = await shared.join()
    await take(slow, 4)
    second = Screen()
    second.text = b"\x1bcsecond"
    shared.relay.add_line(1, second)
    (peer,) = [peer for peer in shared.relay._peers if peer.joined]
    for _ in range(64):
        shared.relay.output(b"y" * 65536, 1)
    assert peer._lagging == {1}
    pictures = []
    async for event in slow.events():
        if isinstance(event, Output) and event.data[:1] == b"\x1b":
            pictures.append(event)
        if len(pictures) == 2:
            break
        if not peer._writer.transport.get_write_buffer_size():
            shared.relay.output(b"after")
    assert pictures == [Output(shared.screen.text), Output(second.text, 1)]


async def test_another_machine_has_the_console_alone(shared) -> None:
    shared.relay.add_line(1, Screen())
    shared.relay.forget_lines()
    client = await shared.join()
    events = await take(client, 4)
    assert not [event for event in events if isinstance(event, LineOpened)]


async def test_the_end_of_the_owner_is_an_event(shared) -> None:
    client = await shared.join()
    await take(client, 4)
    await shared.relay.close()
    (event,) = await take(client, 1)
    assert isinstance(event, Crashed)
    assert "closed" in event.reason
    with pytest.raises(OSError):  # noqa: PT011  # which one is the host's business
        await client.start(LabConfig())


@pytest.mark.parametrize("data", [b"\0\0\0\x05hello", b"\xff" * 100, b"", b"\0\0\0\1\x80"])
async def test_garbage_ends_that_connection_only(shared, data) -> None:
    assert shared.relay.path is not None
    reader, writer = await asyncio.open_unix_connection(shared.relay.path)
    writer.write(data)
    writer.write_eof()
    await asyncio.wait_for(reader.read(), 5)
    writer.close()
    client = await shared.join()
    assert len(await take(client, 4)) == 4


async def test_the_socket_is_private_and_goes_with_the_console(shared, tmp_path) -> None:
    path = shared.relay.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert running_labs(path.parent) == [path]
    await shared.relay.close()
    assert running_labs(path.parent) == []


def test_sockets_of_consoles_that_died_are_removed(tmp_path) -> None:
    path = tmp_path / f"lab-{os.getpid()}.lab"  # the number is somebody else's by now
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen()
    assert running_labs(tmp_path) == [path]
    sock.close()
    assert running_labs(tmp_path) == []
    assert not path.exists()
