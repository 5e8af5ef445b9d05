"""A debugger stops the clocks, and keeps all input but its own."""

from __future__ import annotations

import os
import time

from starrylab.machine.door import HostDoor, VirtualDoor


def test_clocks_stand_still_and_go_on_where_they_stood() -> None:
    door = HostDoor(can_freeze=True)
    monotonic, realtime = door.monotonic, door.realtime  # as the kernel keeps them
    before = monotonic()
    door.freeze()
    door.freeze()
    first = monotonic(), realtime()
    time.sleep(0.3)
    assert (monotonic(), realtime()) == first
    door.thaw()
    door.thaw()
    assert before <= first[0] <= monotonic() < first[0] + 250_000_000
    assert realtime() - first[1] < 250_000_000
    door.close()


def test_only_the_sources_asked_for_are_read() -> None:
    door = HostDoor()
    got: list[tuple[str, bytes]] = []
    pipes = {}
    for name in ("console", "command"):
        reading, writing = pipes[name] = os.pipe()
        door.subscribe(name, lambda data, name=name: got.append((name, data)))
        door.attach(name, reading)
        os.write(writing, name.encode())
    door.poll_only({"command"}, None)
    assert got == [("command", b"command")]
    door.poll_only({"command"}, 0)
    assert len(got) == 1
    door.poll(0)
    assert got[1:] == [("console", b"console")]
    for reading, writing in pipes.values():
        os.close(reading)
        os.close(writing)
    door.close()


def test_virtual_input_waits_as_well() -> None:
    door = VirtualDoor()
    got: list[bytes] = []
    door.subscribe("a", got.append)
    door.subscribe("b", got.append)
    door.send("a", b"1")
    door.send("b", b"2")
    door.send("b", b"3", after_ns=5)
    door.poll_only({"b"}, None)
    assert got == [b"2"]
    door.poll(10)
    assert got == [b"2", b"1"]
    door.poll(10)
    assert got == [b"2", b"1", b"3"]
