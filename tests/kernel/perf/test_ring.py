"""The buffer of records against a model: a list of what was written and not yet read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi import perf
from starrylab.kernel.mm.frames import FrameAllocator
from starrylab.kernel.perf.ring import Ring
from starrylab.machine.scripted import ScriptedRam

PAGE = 4096
LOST = b"L" * 8


class Writer:
    """What a ring knows of a counter."""

    def __init__(self) -> None:
        self.lost = 0
        self.wakeups = 0

    def woken(self) -> None:
        self.wakeups += 1


def make(pages: int, watermark: int = 0, *, overwrite: bool = False) -> tuple[Ring, Any]:
    frames = FrameAllocator(ScriptedRam(1 << 20))

    def ignore(_: Ring) -> None:
        pass

    ring = Ring(
        frames, pages, watermark=watermark, overwrite=overwrite, added=ignore, removed=ignore
    )
    space: Any = object()
    ring.map_added(space, space)
    return ring, Writer()


def control(ring: Ring, offset: int) -> int:
    at = ring.frame(0, False) + offset
    return int.from_bytes(ring.frames.view[at : at + 8], "little")


def read(ring: Ring, at: int, size: int) -> bytes:
    data = b""
    for position in range(at, at + size):
        offset = position % (ring.data_pages * PAGE)
        frame = ring.frame(1 + offset // PAGE, False) + offset % PAGE
        data += bytes(ring.frames.view[frame : frame + 1])
    return data


def set_tail(ring: Ring, value: int) -> None:
    at = ring.frame(0, True) + perf.DATA_TAIL
    ring.frames.view[at : at + 8] = value.to_bytes(8, "little")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 250), st.booleans()), max_size=60))
def test_records_are_read_as_written_or_counted_as_lost(steps: list[tuple[int, bool]]) -> None:
    ring, writer = make(2)
    unread, lost, tail = b"", 0, 0
    for number, (words, reads) in enumerate(steps):
        record = bytes((number,)) * (8 * words)
        whole = (LOST if lost else b"") + record
        fits = len(whole) <= 2 * PAGE - 1 - len(unread)
        assert ring.write(writer, record, backward=False, lost=lambda _: LOST) == fits
        lost = 0 if fits else lost + 1
        assert ring.lost == lost
        unread += whole if fits else b""
        if reads:
            head = control(ring, perf.DATA_HEAD)
            assert read(ring, tail, head - tail) == unread
            tail, unread = head, b""
            set_tail(ring, tail)


@pytest.mark.parametrize("size", [8, 24, 4096])
def test_backwards_the_newest_record_is_first(size: int) -> None:
    ring, writer = make(2, overwrite=True)
    for number in range(600):
        record = number.to_bytes(8, "little") * (size // 8)
        assert ring.write(writer, record, backward=True, lost=bytes)
    head = control(ring, perf.DATA_HEAD)
    assert read(ring, head, 8) == (599).to_bytes(8, "little")
    if size < PAGE:
        assert read(ring, head + size, 8) == (598).to_bytes(8, "little")


def test_the_watermark_wakes_readers() -> None:
    ring, writer = make(2, watermark=100)
    for _ in range(10):
        ring.write(writer, bytes(40), backward=False, lost=bytes)
    assert writer.wakeups == 3  # at 120, 240 and 320 bytes
