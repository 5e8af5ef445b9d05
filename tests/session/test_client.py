"""A client against a lab process that speaks the protocol but has no machine."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from starrylab.session.client import LabClient, LabState
from starrylab.session.config import LabConfig
from starrylab.session.protocol import (
    WINDOW,
    Booted,
    Crashed,
    Event,
    Exited,
    Failed,
    Output,
    Panic,
)
from starrylab.session.snapshot import Snapshot

FAKE = (sys.executable, str(Path(__file__).with_name("fake_lab.py")))


@pytest.fixture
async def client(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    client = LabClient(command=FAKE, transcript_folder=tmp_path)
    yield client
    await client.close()


async def until(client: LabClient, kind: type[Event]) -> list[Event]:
    seen: list[Event] = []

    async def collect() -> None:
        async for event in client.events():
            seen.append(event)
            if isinstance(event, Output):
                client.consumed(len(event.data))
            if isinstance(event, kind):
                return

    await asyncio.wait_for(collect(), 60)
    return seen


async def text_until(client: LabClient, wanted: bytes) -> bytes:
    text = b""

    async def collect() -> None:
        nonlocal text
        async for event in client.events():
            if isinstance(event, Output):
                client.consumed(len(event.data))
                text += event.data
                if wanted in text:
                    return

    await asyncio.wait_for(collect(), 60)
    return text


async def test_boot_gives_a_snapshot_and_output(client) -> None:
    await client.start(LabConfig())
    seen = await until(client, Output)
    assert [type(event) for event in seen] == [Booted, Snapshot, Output]
    assert client.state is LabState.RUNNING
    assert client.snapshot.processes[0].comm == "init"


async def test_input_resize_and_signal_reach_the_lab(client) -> None:
    await client.start(LabConfig())
    await text_until(client, b"login: ")
    client.send_input("你好\r".encode())
    await text_until(client, "你好\r\n".encode())
    client.resize(30, 100)
    client.resize(30, 100)  # no news
    client.signal(7, 15)
    assert await text_until(client, b"]") == b"[100x30]"
    assert await text_until(client, b"]") == b"[kill -15 7]"


async def test_a_crash_is_an_event_and_the_last_state_stays(client) -> None:
    await client.start(LabConfig(argv=(b"crash",)))
    crashed = (await until(client, Crashed))[-1]
    assert isinstance(crashed, Crashed)
    assert "SIGSEGV" in crashed.reason
    assert "native trouble" in crashed.stderr
    assert client.state is LabState.CRASHED
    assert client.snapshot.processes  # the last picture stays
    lines = client.transcript_path.read_text().splitlines()
    assert json.loads(lines[0])["version"] == 2
    assert any(json.loads(line)[2] == "login: " for line in lines[1:])


async def test_restart_after_a_crash_gives_a_fresh_machine(client) -> None:
    await client.start(LabConfig(argv=(b"crash",)))
    await until(client, Crashed)
    client.config = LabConfig()
    await client.restart()
    await until(client, Booted)
    assert client.state is LabState.RUNNING
    await text_until(client, b"login: ")


@pytest.mark.parametrize(
    ("mode", "kind", "state"),
    [
        (b"panic", Panic, LabState.PANIC),
        (b"exit", Exited, LabState.ENDED),
        (b"fail", Failed, LabState.ENDED),
        (b"garbage", Crashed, LabState.CRASHED),
    ],
)
async def test_ends(client, mode, kind, state) -> None:
    await client.start(LabConfig(argv=(mode,)))
    await until(client, kind)
    assert client.state is state


async def test_a_program_that_is_no_lab_crashes_cleanly(tmp_path) -> None:
    client = LabClient(
        command=(sys.executable, "-c", "raise SystemExit('no lab here')"),
        transcript_folder=tmp_path,
    )
    await client.start(LabConfig())
    crashed = (await until(client, Crashed))[-1]
    assert "no lab here" in crashed.stderr
    await client.close()


async def test_what_is_typed_before_the_lab_is_there_waits_for_it(client) -> None:
    client.send_input(b"early ")
    starting = asyncio.create_task(client.start(LabConfig()))
    await asyncio.sleep(0)
    client.send_input(b"bird")
    assert b"early bird" in await text_until(client, b"bird")
    await starting


async def test_a_flood_is_held_by_credit_and_ctrl_c_gets_through(client) -> None:
    await client.start(LabConfig(argv=(b"flood",)))
    held = 0
    while held < WINDOW:
        event = await asyncio.wait_for(client._queue.get(), 60)
        held += len(event.data) if isinstance(event, Output) else 0
    await asyncio.sleep(0.3)  # nobody gives credit back: the lab must stand still
    while not client._queue.empty():
        assert not isinstance(client._queue.get_nowait(), Output)
    assert held == WINDOW
    client.send_input(b"\x03")
    assert await text_until(client, b"^C")


async def test_close_ends_the_process(client) -> None:
    await client.start(LabConfig())
    await until(client, Booted)
    process = client._process._process
    await client.close()
    assert process.returncode == 0
