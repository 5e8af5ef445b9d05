"""A board that says anything at all ends in one line, not in a traceback."""

from __future__ import annotations

import itertools
import random

import pytest

from starrylab.link.monitor import coding, exchange, framing
from starrylab.link.monitor.client import WANTED, MonitorClient
from starrylab.link.monitor.protocol import MAGIC, OPERATIONS, VERSION, Feature, Kind
from starrylab.machine.board import monitor as m

GOOD = {"magic": MAGIC, "version": VERSION, "arch": 243, "frame_limit": 8192, "contexts": 4,
        "spaces": 4, "slots": 8, "slots_used": 8, "base": 1 << 31, "size": 1 << 20}  # fmt: skip


class Liar:
    """Greets as it should, then answers at random."""

    baud = 115200

    def __init__(self, seed: int, honest: int) -> None:
        self.chance = random.Random(seed)
        self.honest = honest
        self.replies = b""

    def write(self, data: bytes) -> None:
        content = framing.content(data.strip(b"\0"), of_monitor=False)
        said = self.hello() if self.honest else self.anything()
        self.honest = max(0, self.honest - 1)
        self.replies += framing.frame(content[:1] + said, of_monitor=True)

    def hello(self) -> bytes:
        out = bytearray(1)
        put = {Kind.U: coding.put_u, Kind.I: coding.put_i}
        for field in OPERATIONS["HELLO"].reply:
            value = GOOD.get(field.name, 127 if field.name == "features" else 0)
            if field.kind is Kind.U32:
                out += value.to_bytes(4, "little")
            else:
                put[field.kind](out, value)
        return bytes(out)

    def anything(self) -> bytes:
        status = self.chance.choice((b"\0", b"\0", bytes((self.chance.randrange(256),))))
        return status + self.chance.randbytes(self.chance.randrange(40))

    def read(self, n: int, timeout: float) -> bytes:
        data, self.replies = self.replies[:n], self.replies[n:]
        return data

    def close(self) -> None:
        pass


ASKED = (
    lambda client: client.cached(),
    lambda client: client.registers(0),
    lambda client: client.floating(0),
    lambda client: client.state(0),
    lambda client: client.read([(1 << 31, 20)]),
    lambda client: client.run([], 0, 0, 1000),
)


@pytest.mark.parametrize("ask", ASKED)
def test_a_lie_is_refused_or_taken_for_an_answer(ask):
    for seed in range(150):
        client = MonitorClient(Liar(seed, honest=1), turn_s=0.001)
        try:
            ask(client)
        except m.MonitorError as error:
            said = str(error)
        else:
            said = "fine"
        assert said
        assert "\n" not in said


def test_a_greeting_that_is_none():
    for seed in range(150):
        with pytest.raises(m.MonitorError):
            MonitorClient(Liar(seed, honest=0), turn_s=0.001)


class Shell:
    """A command line instead of a monitor: whatever ends a line executes what stands there."""

    baud = 115200

    def __init__(self) -> None:
        self.typed = b""

    def write(self, data: bytes) -> None:
        self.typed += data

    def read(self, n: int, timeout: float) -> bytes:
        return b""

    def close(self) -> None:
        pass


@pytest.mark.parametrize("features", [Feature(0), WANTED])
def test_a_greeting_executes_nothing_where_a_shell_is(features):
    shell = Shell()
    for _ in range(10):
        with pytest.raises(m.MonitorError):
            MonitorClient(shell, features=features, turn_s=0)
    assert len(shell.typed) > 10 * 12
    assert not set(b"\r\n\x03\x04\x0f\x1a\x1c").intersection(shell.typed)


class Talker(Liar):
    """Prints without end instead of answering."""

    def write(self, data: bytes) -> None:
        if self.honest:
            super().write(data)

    def read(self, n: int, timeout: float) -> bytes:
        return super().read(n, timeout) or b"[  1.234567] a line of a kernel\r\n"


def test_a_board_that_never_stops_talking():
    client = MonitorClient(Talker(0, honest=1), turn_s=0.001)
    client.exchange.flood_s = 0.05
    with pytest.raises(m.MonitorError, match="what comes without end is no answer"):
        client.registers(0)


def test_who_talks_without_end_is_not_greeted_for_long(monkeypatch):
    now = itertools.count()  # a look at the clock takes a tenth of a second
    monkeypatch.setattr(exchange.time, "monotonic", lambda: next(now) / 10)
    with pytest.raises(m.MonitorError, match="what comes without end is no answer"):
        MonitorClient(Talker(0, honest=0))
    assert next(now) < 60
