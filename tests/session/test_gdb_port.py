"""The console's lab lets gdb in as well."""

from __future__ import annotations

import asyncio
import re

import pytest

from starrylab.session.client import LabClient
from starrylab.session.config import GdbPort, LabConfig
from starrylab.session.protocol import Exited, Failed, Log
from tests.debug.gdb.sessions import RawClient
from tests.session.test_lab import Console


@pytest.fixture
async def console(tmp_path):
    client = LabClient(transcript_folder=tmp_path)
    console = Console(client)
    yield console
    console.task.cancel()
    await client.close()


def lab(**options) -> LabConfig:
    return LabConfig(argv=(b"/bin/sh",), gdb=GdbPort(0, **options))


def port(console: Console) -> int | None:
    texts = [event.text for event in console.events if isinstance(event, Log)]
    found = [m for text in texts if (m := re.search(r"target remote :(\d+)", text))]
    return int(found[0][1]) if found else None


async def connected(console: Console) -> RawClient:
    await console.until(lambda: port(console))
    client = await asyncio.to_thread(RawClient, port(console))
    await asyncio.to_thread(client.begin)
    return client


async def ask(gdb: RawClient, packet: bytes) -> bytes:
    return await asyncio.to_thread(gdb.ask, packet)


async def test_the_shell_starts_when_gdb_lets_it(console) -> None:
    await console.client.start(lab())
    gdb = await connected(console)
    assert (await ask(gdb, b"?")).startswith(b"T05")
    assert console.text == b""
    gdb.send(b"vCont;c")
    await console.says(rb"# ")
    console.client.send_input(b"exit 4\r")
    assert await asyncio.to_thread(gdb.receive) == b"W04;process:1"
    gdb.close()
    await console.until(lambda: console.saw(Exited))


async def test_a_connection_holds_the_shell_until_it_ends(console) -> None:
    await console.client.start(lab(wait=False))
    await console.says(rb"# ")
    gdb = await connected(console)
    assert (await ask(gdb, b"?")).startswith(b"T05")
    console.client.send_input(b"echo typed\r")
    await asyncio.sleep(0.3)
    assert b"typed" not in console.text
    gdb.close()
    await console.says(rb"\ntyped\r\n")


async def test_the_lab_ends_while_gdb_holds_it(console) -> None:
    await console.client.start(lab())
    gdb = await connected(console)
    assert (await ask(gdb, b"?")).startswith(b"T05")
    await console.client.restart()
    assert await asyncio.to_thread(gdb.receive) == b""
    gdb.close()
    await console.until(lambda: len([e for e in console.events if isinstance(e, Log)]) >= 2)


async def test_a_port_in_use_is_said(console) -> None:
    await console.client.start(lab(wait=False))
    await console.until(lambda: port(console))
    taken = port(console)
    other = LabClient(transcript_folder=None)
    second = Console(other)
    await other.start(LabConfig(argv=(b"/bin/sh",), gdb=GdbPort(taken)))
    await second.until(lambda: second.saw(Failed))
    said = next(event.text for event in second.events if isinstance(event, Failed))
    assert said == f"--gdb port {taken}: Address already in use"
    second.task.cancel()
    await other.close()
