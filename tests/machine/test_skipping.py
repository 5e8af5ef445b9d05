"""Clocks that jump over waits, and only over waits."""

from __future__ import annotations

import os
import time

from starrylab.machine.skipping import SkippingDoor

HOUR_NS = 3600 * 10**9


def test_a_wait_is_skipped_on_both_clocks() -> None:
    door = SkippingDoor()
    started = time.monotonic()
    before = door.monotonic(), door.realtime()
    door.poll(HOUR_NS)
    for was, now in zip(before, (door.monotonic(), door.realtime()), strict=True):
        assert HOUR_NS <= now - was < HOUR_NS + 10 * 10**9
    assert time.monotonic() - started < 10
    door.close()


def test_what_has_arrived_comes_first_and_skips_nothing() -> None:
    door = SkippingDoor()
    got: list[bytes] = []
    reading, writing = os.pipe()
    door.subscribe("a", got.append)
    door.attach("a", reading)
    os.write(writing, b"1")
    door.poll(HOUR_NS)
    assert (got, door.skipped_ns) == ([b"1"], 0)
    os.write(writing, b"2")
    door.pause("a", True)
    door.poll(HOUR_NS)
    assert (got, door.skipped_ns) == ([b"1"], HOUR_NS)
    door.pause("a", False)
    door.poll(None)
    assert (got, door.skipped_ns) == ([b"1", b"2"], HOUR_NS)
    os.close(reading)
    os.close(writing)
    door.close()


def test_a_plain_file_is_input_too() -> None:
    door = SkippingDoor()
    got: list[bytes] = []
    door.subscribe("a", got.append)
    file = os.open(__file__, os.O_RDONLY)
    door.attach("a", file)
    door.poll(HOUR_NS)
    assert got
    assert door.skipped_ns == 0
    os.close(file)
    door.close()


def test_nothing_is_skipped_beyond_what_clocks_can_count() -> None:
    door = SkippingDoor()
    door.skipped_ns = (1 << 62) - door.realtime()
    before = door.skipped_ns
    started = time.monotonic()
    door.poll(20_000_000)
    assert door.skipped_ns == before
    assert time.monotonic() - started >= 0.015
    door.close()


def test_frozen_clocks_stand_still() -> None:
    door = SkippingDoor(can_freeze=True)
    door.poll(HOUR_NS)
    door.freeze()
    first = door.monotonic()
    time.sleep(0.005)
    assert door.monotonic() == first
    door.thaw()
    door.close()
