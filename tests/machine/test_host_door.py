"""The door to the host: input by source, pauses, and room for output."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from starrylab.machine.door import HostDoor


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


def test_input_comes_until_it_is_paused(pipe: tuple[int, int]) -> None:
    door, seen = HostDoor(), []
    door.subscribe("source", seen.append)
    door.attach("source", pipe[0])
    os.write(pipe[1], b"one")
    door.poll(None)
    door.pause("source", True)
    os.write(pipe[1], b"two")
    door.poll(0)
    assert seen == [b"one"]
    door.pause("source", False)
    door.poll(None)
    assert seen == [b"one", b"two"]
    door.detach("source")
    door.close()


def test_a_source_that_pauses_another_in_the_same_round() -> None:
    """Both are ready; whichever is served first, the other one is left alone."""
    door, seen = HostDoor(), []
    pipes = {"a": os.pipe(), "b": os.pipe()}
    for name, (reading, writing) in pipes.items():
        door.attach(name, reading)
        os.write(writing, name.encode())
    door.subscribe("a", lambda data: (seen.append(data), door.detach("b")))
    door.subscribe("b", lambda data: (seen.append(data), door.pause("a", True)))
    door.poll(0)
    assert len(seen) == 1
    door.close()
    for ends in pipes.values():
        for fd in ends:
            os.close(fd)


def test_a_listening_socket_tells_of_each_connection() -> None:
    door, seen = HostDoor(), []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door.subscribe("knock", lambda data: seen.append((data, listener.accept()[0])))
        door.attach("knock", listener.fileno(), listening=True)
        door.poll(0)
        assert seen == []
        for _ in range(2):
            with socket.create_connection(listener.getsockname()):
                door.poll_only({"knock"}, None)
        door.detach("knock")
        with socket.create_connection(listener.getsockname()):
            door.poll(0)
    assert [data for data, _ in seen] == [b"", b""]
    for _, connection in seen:
        connection.close()
    door.close()


def test_room_for_output_is_told_once(pipe: tuple[int, int]) -> None:
    door, seen = HostDoor(), []
    reading, writing = pipe
    os.set_blocking(writing, False)
    while True:
        try:
            os.write(writing, bytes(4096))
        except BlockingIOError:
            break
    door.subscribe("output", seen.append)
    door.await_room("output", writing)
    door.poll(0)
    assert seen == []
    os.read(reading, 65536)
    door.poll(None)
    door.poll(0)
    assert seen == [b""]
    door.close()
