"""The door: input by source, pauses, ends, and time that tests control."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from starrylab.machine.door import HostDoor, VirtualDoor

SECOND = 1_000_000_000


@pytest.fixture
def door() -> Iterator[HostDoor]:
    door = HostDoor()
    yield door
    door.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        try:
            os.close(fd)
        except OSError:
            continue


def test_input_goes_to_its_subscriber(door: HostDoor, pipe: tuple[int, int]) -> None:
    seen: list[bytes] = []
    door.subscribe("console", seen.append)
    door.attach("console", pipe[0])
    door.poll(0)
    assert seen == []
    os.write(pipe[1], b"typed")
    door.poll(None)
    assert seen == [b"typed"]


def test_the_end_of_input_is_told_once(door: HostDoor, pipe: tuple[int, int]) -> None:
    seen: list[bytes] = []
    door.subscribe("console", seen.append)
    door.attach("console", pipe[0])
    os.close(pipe[1])
    for _ in range(3):
        door.poll(0)
    assert seen == [b""]


def test_paused_input_waits_in_the_pipe(door: HostDoor, pipe: tuple[int, int]) -> None:
    seen: list[bytes] = []
    door.subscribe("console", seen.append)
    door.attach("console", pipe[0])
    os.write(pipe[1], b"one")
    for _ in range(2):
        door.pause("console", True)  # a second time changes nothing
    door.poll(0)
    assert seen == []
    for _ in range(2):
        door.pause("console", False)
    door.poll(0)
    assert seen == [b"one"]


def test_detaching_while_paused(door: HostDoor, pipe: tuple[int, int]) -> None:
    door.attach("console", pipe[0])
    door.pause("console", True)
    door.detach("console")
    door.pause("console", False)  # there is nothing to go on with
    door.detach("console")
    seen: list[bytes] = []
    door.subscribe("console", seen.append)
    door.attach("console", pipe[0])
    os.write(pipe[1], b"again")
    door.poll(0)
    assert seen == [b"again"]


def test_a_regular_file_is_read_to_its_end(door: HostDoor, tmp_path: Path) -> None:
    """epoll(7) refuses regular files; `starrylab run < file` must work all the same."""
    path = tmp_path / "input"
    path.write_bytes(b"x" * 100_000)
    seen: list[bytes] = []
    door.subscribe("stdin", seen.append)
    with path.open("rb") as file:
        door.attach("stdin", file.fileno())
        for _ in range(5):
            door.poll(None)
            if seen[-1] == b"":
                break
    assert b"".join(seen) == b"x" * 100_000
    assert seen.count(b"") == 1


def test_a_wait_ends_in_time(door: HostDoor) -> None:
    before = door.monotonic()
    door.poll(20_000_000)
    assert 15_000_000 < door.monotonic() - before < 2 * SECOND


# -- virtual time ---------------------------------------------------------------------------


def test_virtual_time_passes_only_by_waiting() -> None:
    door = VirtualDoor()
    start = door.monotonic()
    door.poll(0)
    assert door.monotonic() == start
    door.poll(3 * SECOND)
    assert door.monotonic() - start == 3 * SECOND
    assert door.realtime() - door.monotonic() == VirtualDoor().realtime() - start


def test_scheduled_input_arrives_in_order_and_ends_the_wait() -> None:
    door = VirtualDoor()
    seen: list[bytes] = []
    door.subscribe("console", seen.append)
    door.send("console", b"late", after_ns=2 * SECOND)
    door.send("console", b"early", after_ns=SECOND)
    start = door.monotonic()
    door.poll(10 * SECOND)
    assert (seen, door.monotonic() - start) == ([b"early"], SECOND)
    door.poll(None)
    assert seen == [b"early", b"late"]


def test_paused_virtual_input_is_not_lost() -> None:
    door = VirtualDoor()
    seen: list[bytes] = []
    door.subscribe("console", seen.append)
    door.pause("console", True)
    door.send("console", b"x")
    door.poll(0)
    assert seen == []
    door.pause("console", False)
    door.poll(0)
    assert seen == [b"x"]


def test_a_deadlock_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(RuntimeError):
        VirtualDoor().poll(None)


def test_randomness_is_the_seeds() -> None:
    assert VirtualDoor(seed=1).random(16) == VirtualDoor(seed=1).random(16)
    assert VirtualDoor(seed=1).random(16) != VirtualDoor(seed=2).random(16)
    assert HostDoor().random(16) != HostDoor().random(16)
