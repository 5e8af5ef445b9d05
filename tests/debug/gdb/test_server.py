"""The way in for gdb: who is served, and who is not."""

from __future__ import annotations

import socket

import pytest

from starrylab.debug.gdb.packets import frame
from starrylab.debug.gdb.server import ADDRESS, KNOCK, LINE, Server
from starrylab.machine.door import HostDoor
from tests.debug.gdb.fake_control import FakeControl
from tests.kernel.conftest import ScriptedLab

PATIENCE = 15.0


class PausingControl(FakeControl):
    """The lab stands still as soon as it is asked to."""

    def resume(self, actions=None, default=None):
        super().resume(actions, default)
        self.paused = True


class Way:
    """A server on a scripted lab, and what it told the user."""

    def __init__(self) -> None:
        lab = ScriptedLab()
        lab.start(lambda m: iter(()))
        self.said: list[str] = []
        self.door = HostDoor()
        self.server = Server(lab.kernel, PausingControl(lab.kernel), self.door, 0, self.said.append)

    def connect(self) -> socket.socket:
        return socket.create_connection((ADDRESS, self.server.port), timeout=PATIENCE)

    def knock(self) -> None:
        self.door.poll_only((KNOCK,), int(PATIENCE * 1e9))

    def ask(self, gdb: socket.socket, packet: bytes) -> bytes:
        gdb.sendall(frame(packet))
        self.door.poll_only((LINE,), int(PATIENCE * 1e9))
        reply = b""
        while b"#" not in reply:
            reply += gdb.recv(1000)
        return reply


@pytest.fixture
def way():
    way = Way()
    yield way
    way.server.close()
    way.door.close()


def test_who_connects_after_the_other_left_is_no_second_one(way):
    first = way.connect()
    way.knock()
    first.sendall(frame(b"qC"))
    first.close()
    with way.connect() as second:
        way.knock()  # the end of the first connection was not noticed before
        assert way.ask(second, b"qC").startswith(b"+$QC")
    assert way.said == ["gdb is gone; the lab goes on"]


def test_who_connects_while_the_other_is_there_is_refused(way):
    with way.connect() as first, way.connect() as second:
        way.knock()
        way.knock()
        assert b"$E.another gdb is connected" in second.recv(1000)
        assert way.ask(first, b"qC").startswith(b"+$QC")
    assert way.said == ["a second gdb was refused: one at a time"]
