"""The real lab process: a machine, its kernel and the built-in programs, over the protocol."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path

import pytest

from starrylab.session.client import LabClient, LabState
from starrylab.session.config import LabConfig
from starrylab.session.inspection.model import AboutMemory, AboutProcess
from starrylab.session.protocol import (
    LINES,
    WINDOW,
    Answered,
    Booted,
    Crashed,
    Event,
    Exited,
    Failed,
    LineOpened,
    Output,
)
from starrylab.session.snapshot import Snapshot

SHELL = LabConfig(argv=(b"/bin/sh",))


class Console:
    """Reads the lab's events in the background and gives credit back."""

    def __init__(self, client: LabClient) -> None:
        self.client = client
        self.text = b""
        self.events: list[Event] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.client.events():
            if isinstance(event, Output):
                self.text += event.data
                await self.reading.wait()
                self.client.consumed(len(event.data))
            else:
                self.events.append(event)

    async def until(self, condition, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.text[-2000:], self.events[-3:])
            if not self.client.alive:  # what it waits for is known soon, or never
                deadline = min(deadline, time.monotonic() + 1)
            await asyncio.sleep(0.01)

    async def says(self, pattern: bytes, seconds: float = 60.0) -> re.Match[bytes]:
        await self.until(lambda: re.search(pattern, self.text), seconds)
        found = re.search(pattern, self.text)
        assert found
        self.text = self.text[found.end() :]
        return found

    def saw(self, kind: type) -> bool:
        return any(isinstance(event, kind) for event in self.events)


@pytest.fixture
async def console(tmp_path):
    client = LabClient(transcript_folder=tmp_path)
    console = Console(client)
    yield console
    console.task.cancel()
    await client.close()


async def test_a_shell_works_and_its_end_is_reported(console) -> None:
    client = console.client
    await client.start(SHELL)
    await console.says(rb"# ")
    client.send_input(b"echo $((6*7)) > /tmp/x; cat /tmp/x\r")
    await console.says(rb"\n42\r\n")
    client.send_input(b"exit 3\r")
    await console.until(lambda: console.saw(Exited))
    assert Exited(3 << 8) in console.events
    assert client.state is LabState.ENDED


async def test_what_is_typed_while_it_boots_is_not_lost(console) -> None:
    await console.client.start(SHELL)
    for key in "echo $((6*7))\r":
        console.client.send_input(key.encode())
    await console.says(rb"\n42\r\n")


async def test_the_snapshot_shows_who_runs_and_memory_that_adds_up(console) -> None:
    client = console.client
    await client.start(SHELL)
    await console.says(rb"# ")
    client.send_input(b"sleep 100 | cat\r")
    await console.until(lambda: len(client.snapshot.processes) == 3)
    await console.until(lambda: all(p.state == "S" for p in client.snapshot.processes))
    snapshot = client.snapshot
    shell, sleep, cat = snapshot.processes
    assert (shell.comm, sleep.cmdline, cat.cmdline) == ("sh", "sleep 100", "cat")
    assert sleep.ppid == cat.ppid == shell.pid
    assert sleep.pgid == cat.pgid != shell.pgid
    assert [p.foreground for p in snapshot.processes] == [False, True, True]
    assert cat.waiting == "read"
    assert all(p.rss and p.vsize and p.syscalls and p.minflt for p in snapshot.processes)
    assert sum(kind.size for kind in snapshot.memory) == snapshot.memory_total == 256 << 20
    assert snapshot.syscalls > 50
    assert snapshot.switches > 3


async def test_signals_from_outside_reach_the_process(console) -> None:
    client = console.client
    await client.start(SHELL)
    await console.says(rb"# ")
    client.send_input(b"sleep 100; echo status $?\r")
    await console.until(lambda: len(client.snapshot.processes) == 2)
    client.signal(client.snapshot.processes[1].pid, 9)
    await console.says(rb"status 137")
    client.signal(4242, 9)  # nobody: no harm
    client.send_input(b"echo alive\r")
    await console.says(rb"\nalive")


async def test_a_flood_waits_at_its_terminal_and_ctrl_c_ends_it(console) -> None:
    client = console.client
    await client.start(SHELL)
    await console.says(rb"# ")
    client.send_input(b"yes\r")
    await console.says(rb"y\r\ny\r\n")
    console.reading.clear()  # nobody draws: the guest must come to rest
    await asyncio.sleep(0.5)
    await console.until(lambda: client.snapshot.idle_share > 0.9)
    have = len(console.text) + sum(
        len(event.data) for event in client._queue._queue if isinstance(event, Output)
    )
    assert have < 1 << 20
    console.reading.set()
    client.send_input(b"\x03")
    await console.says(rb"\^C")
    client.send_input(b"echo over\r")
    await console.says(rb"\nover")


async def test_counting_calls_by_name(console) -> None:
    client = console.client
    await client.start(SHELL)
    await console.says(rb"# ")
    assert client.snapshot.top_calls == ()
    client.count_calls(True)
    client.send_input(b"ls / > /dev/null\r")
    await console.until(lambda: any(call.name == "openat" for call in client.snapshot.top_calls))
    client.count_calls(False)


async def test_a_killed_lab_is_noticed_and_restarts(console) -> None:
    client = console.client
    await client.start(SHELL)
    await console.says(rb"# ")
    client._process.kill()
    await console.until(lambda: console.saw(Crashed))
    assert client.state is LabState.CRASHED
    assert client.snapshot.processes
    console.text = b""
    await client.restart()
    await console.says(rb"# ")
    assert client.state is LabState.RUNNING


async def test_a_lab_that_cannot_start_says_why_in_one_line(console) -> None:
    await console.client.start(LabConfig(rootfs="/no/such/folder"))
    await console.until(lambda: console.saw(Failed))
    failed = next(event for event in console.events if isinstance(event, Failed))
    assert "/no/such/folder" in failed.text
    assert "\n" not in failed.text
    assert not console.saw(Booted)


async def test_an_idle_lab_sends_no_snapshots(console) -> None:
    client = console.client
    await client.start(SHELL)
    await console.says(rb"# ")
    await asyncio.sleep(0.8)
    console.events.clear()
    await asyncio.sleep(0.8)
    assert not console.saw(Snapshot)


async def test_the_lab_dies_with_its_parent(tmp_path) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from starrylab.session.client import LabClient\n"
        "from starrylab.session.config import LabConfig\n"
        "async def main():\n"
        "    client = LabClient(transcript_folder=pathlib.Path(sys.argv[1]))\n"
        "    await client.start(LabConfig(argv=(b'/bin/spin',)))\n"
        "    print(client._process.pid, flush=True)\n"
        "    await asyncio.sleep(100)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    lab = int(await parent.stdout.readline())
    await asyncio.sleep(0.7)  # it boots and spins
    assert alive(lab)
    parent.kill()
    await parent.wait()
    deadline = time.monotonic() + 10
    while alive(lab):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_a_close_look(console) -> None:
    client = console.client
    await client.start(SHELL)
    await console.says(rb"# ")
    client.ask(AboutProcess(1))
    client.ask(AboutMemory(100))
    client.ask(AboutProcess(4711))
    await console.until(lambda: sum(isinstance(e, Answered) for e in console.events) == 3)
    shell, memory, nobody = (e.answer for e in console.events if isinstance(e, Answered))
    assert (shell.pid, shell.comm, shell.arguments) == (1, "sh", ("/bin/sh",))
    assert {d.fd for d in shell.descriptors} >= {0, 1, 2}
    assert any(area.name == "[stack]" for area in shell.areas)
    assert len(memory.cells) == 100
    assert any(file.path.startswith("/bin/") for file in memory.files)
    assert not nobody.found


async def test_a_second_line_has_a_shell_of_its_own_and_a_flood_holds_up_only_its_line(
    tmp_path,
) -> None:
    client = LabClient(transcript_folder=tmp_path)
    text = [b""] * LINES
    opened: list[LineOpened] = []

    async def read() -> None:
        async for event in client.events():
            if isinstance(event, Output):
                text[event.line] += event.data
                if event.line != 2:  # nobody draws line 2
                    client.consumed(len(event.data), event.line)
            elif isinstance(event, LineOpened):
                opened.append(event)

    async def says(line: int, wanted: bytes) -> None:
        deadline = time.monotonic() + 30
        while wanted not in text[line]:
            assert time.monotonic() < deadline, text
            await asyncio.sleep(0.01)

    reading = asyncio.create_task(read())
    try:
        await client.start(LabConfig())
        await says(0, b"# ")
        for line in (1, 2):
            client.open_line(line)
            await says(line, b"# ")
        assert opened == [LineOpened(1), LineOpened(2)]
        client.resize(31, 91, 1)
        client.send_input(b"yes\r", 2)
        await says(2, b"y\r\ny\r\n")
        client.send_input(b"tty; stty size; exit\r", 1)
        await says(1, b"/dev/ttyS1\r\n31 91\r\n")
        client.send_input(b"tty > /dev/ttyS1; echo $((6*7))\r")
        await says(0, b"\n42\r\n")
        await says(1, b"/dev/console\r\n")  # what the shell there has open
        assert len(text[2]) <= WINDOW  # held at its own credit
        client.open_line(1)  # the shell there ended: a new one comes
        text[1] = b""
        await says(1, b"# ")
        assert [path for path in tmp_path.iterdir() if path.stem.endswith("-ttyS2")]
    finally:
        reading.cancel()
        await client.close()


async def test_a_root_without_init_has_nobody_on_the_other_lines(console) -> None:
    await console.client.start(SHELL)
    await console.says(rb"# ")
    console.client.open_line(3)
    await console.until(lambda: LineOpened(3, listening=False) in console.events)
