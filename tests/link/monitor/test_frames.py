from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.boards.monitor_build import sources_folder
from starrylab.boards.monitor_header import FILES
from starrylab.link.monitor import coding, framing
from starrylab.link.monitor.protocol import OPERATIONS, Kind

DATA = st.binary(max_size=700) | st.binary(max_size=3).map(lambda data: data * 260)


@pytest.mark.parametrize("name", FILES)
def test_the_headers_in_c_are_those_of_the_table(name):
    assert (sources_folder() / name).read_text() == FILES[name]()


@given(DATA)
def test_stuffed_bytes_have_no_zero_and_come_back(data):
    stuffed = framing.stuff(data)
    assert 0 not in stuffed
    assert framing.unstuff(stuffed) == data
    assert len(stuffed) <= len(data) + len(data) // 254 + 1


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_damaged_frame_is_never_taken_for_a_good_one(content, data):
    frame = bytearray(framing.frame(content, of_monitor=True))
    at = data.draw(st.integers(1, len(frame) - 2))
    frame[at] ^= data.draw(st.integers(1, 255))
    found = framing.Splitter().feed(bytes(frame))
    assert found == []


def test_an_echo_of_a_request_is_no_reply():
    assert framing.Splitter().feed(framing.frame(b"\1\2")) == []


@given(
    st.lists(st.tuples(st.text("abc\r\n", max_size=20), st.binary(min_size=1, max_size=40))),
    st.integers(1, 30),
)
def test_text_and_frames_are_told_apart(parts, size):
    stream = b"".join(t.encode() + framing.frame(c, of_monitor=True) for t, c in parts)
    splitter, found = framing.Splitter(), []
    for at in range(0, len(stream), size):
        found += splitter.feed(stream[at : at + size])
    assert found == [content for _, content in parts]
    assert splitter.text.decode() == "".join(text for text, _ in parts)
    assert splitter.bad == 0


def test_text_behind_a_lost_end_comes_out_in_the_end():
    splitter = framing.Splitter()
    frame = framing.frame(b"lost", of_monitor=True)
    assert splitter.feed(frame[:-1]) == []
    splitter.idle()
    assert splitter.feed(b"panic\r\n") == []
    assert splitter.text.endswith(b"panic\r\n")
    assert splitter.feed(frame) == [b"lost"]


@given(st.integers(0, 2**64 - 1))
def test_unsigned_numbers(value):
    out = bytearray()
    coding.put_u(out, value)
    assert coding.Reader(bytes(out)).u() == value
    assert len(out) <= 10


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_numbers(value):
    out = bytearray()
    coding.put_i(out, value)
    assert coding.Reader(bytes(out)).i() == value


@given(st.binary(max_size=40))
def test_any_reply_decodes_or_is_refused(data):
    for operation in OPERATIONS.values():
        reader = coding.Reader(data)
        with suppress(coding.CodingError):
            found = coding.reply(reader, operation)
            assert set(found) == {field.name for field in operation.reply}


def test_every_field_of_a_request_can_be_encoded():
    values = {Kind.BYTES: b"x", Kind.REGISTERS: {1: 2}}
    for operation in OPERATIONS.values():
        data = coding.request(operation, [values.get(f.kind, 1) for f in operation.request])
        assert data[0] == operation.number
