"""Framing: what one side frames the other side reads, whatever the pieces and the noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.gdb.link import Link, LinkError
from starrylab.debug.gdb.packets import PACKET_SIZE, Framer, Mark, escape, frame, unescape

payloads = st.binary(max_size=200)


@given(payloads)
def test_escapes_are_undone(data):
    escaped = escape(data)
    assert not set(b"#$*") & set(escaped)
    assert unescape(escaped) == data


@given(st.lists(payloads, max_size=6), st.data())
def test_packets_survive_any_cutting(packets, data):
    stream = b"".join(frame(escape(p)) for p in packets)
    framer, found = Framer(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += framer.feed(stream[:size])
        stream = stream[size:]
    assert found == packets


@given(st.binary(max_size=300), payloads)
def test_a_packet_is_found_after_any_garbage(garbage, data):
    framer = Framer()
    list(framer.feed(garbage))
    list(framer.feed(b"#00"))  # ends what the garbage may have begun
    assert list(framer.feed(frame(escape(data))))[-1] == data


def test_the_manuals_example():
    # GDB manual, "Overview": the checksum is the sum of all characters modulo 256.
    assert frame(b"OK") == b"$OK#9a"
    assert list(Framer().feed(b"+$qC#b4\x03-")) == [Mark.ACK, b"qC", Mark.INTERRUPT, Mark.NAK]


@pytest.mark.parametrize("stream", [b"$qC#b5", b"$qC#zz", b"$}#7d"[:3] + b"00"])
def test_a_bad_checksum_is_seen(stream):
    assert list(Framer().feed(stream)) == [Mark.BAD]


def test_a_lost_end_costs_one_packet():
    assert list(Framer().feed(b"$g$qC#b4")) == [Mark.BAD, b"qC"]


def test_a_packet_without_end_does_not_grow_for_ever():
    framer, marks = Framer(), []
    for _ in range(10):
        marks += framer.feed(b"$" + b"x" * PACKET_SIZE)
    assert Mark.BAD in marks
    assert len(framer._buffer) <= 3 * PACKET_SIZE + 64


class Ends:
    """A link and what happens at its ends."""

    def __init__(self):
        self.sent, self.packets, self.interrupts = [], [], 0
        self.link = Link(self.sent.append, self.packets.append, self.interrupt)

    def interrupt(self):
        self.interrupts += 1


def test_packets_are_acknowledged_and_repeated():
    ends = Ends()
    ends.link.receive(b"$qC#b4$qC#b5")
    assert ends.packets == [b"qC"]
    assert ends.sent == [b"+", b"-"]
    ends.link.send(b"QC1")
    ends.link.receive(b"-")
    assert ends.sent[2:] == [b"$QC1#c5", b"$QC1#c5"]
    ends.link.receive(b"+-")
    assert len(ends.sent) == 4  # acknowledged: there is nothing to repeat


def test_no_acknowledgements_when_both_agreed():
    ends = Ends()
    ends.link.acknowledges = False
    ends.link.receive(b"$qC#b4$qC#b5-\x03")
    assert ends.packets == [b"qC"]
    assert ends.sent == []
    assert ends.interrupts == 1


def test_a_stranger_is_recognised():
    ends = Ends()
    with pytest.raises(LinkError, match="does not speak"):
        ends.link.receive(b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: something\r\n" * 2)
    assert ends.packets == []
