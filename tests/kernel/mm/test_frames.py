"""The page allocator: content, references, runs, kinds, reclaiming."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import ENOMEM
from starrylab.kernel.mm.frames import DMA, PAGE_CACHE, USER, MemoryKind, OutOfMemory
from tests.kernel.mm.mm_support import PAGE, Memory


def test_zeroed_frames_are_zero_even_after_use():
    memory = Memory(8)
    frames = memory.frames
    one = frames.alloc_zeroed()
    frames.view[one : one + PAGE] = b"x" * PAGE
    frames.release(one)
    again = frames.alloc_zeroed()
    assert again == one
    assert frames.view[again : again + PAGE] == bytes(PAGE)


def test_exhaustion_is_out_of_memory_and_enomem():
    frames = Memory(4).frames
    taken = [frames.alloc() for _ in range(3)]
    with pytest.raises(OutOfMemory):
        frames.alloc()
    with pytest.raises(ENOMEM):
        frames.alloc_zeroed()
    frames.release(taken[1])
    assert frames.alloc() == taken[1]


def test_reclaimers_are_asked_before_giving_up():
    frames = Memory(4).frames
    cache = [frames.alloc(PAGE_CACHE) for _ in range(3)]
    asked = []

    def reclaim(wanted: int) -> int:
        asked.append(wanted)
        if not cache:
            return 0
        frames.release(cache.pop())
        return 1

    frames.reclaimers.append(reclaim)
    for _ in range(3):
        frames.alloc()
    assert len(asked) == 3
    with pytest.raises(OutOfMemory):
        frames.alloc()
    assert frames.reclaims == 4


def test_shared_frames_are_freed_by_the_last_reference():
    frames = Memory(4).frames
    frame = frames.alloc()
    frames.acquire(frame)
    frames.release(frame)
    assert frames.usage()[MemoryKind.USER] == PAGE
    frames.release(frame)
    assert frames.usage()[MemoryKind.USER] == 0


def test_code_is_dropped_when_its_frame_is_freed():
    memory = Memory(8)
    frames = memory.frames
    plain, code = frames.alloc(), frames.alloc()
    frames.code[code >> 12] = 1
    frames.release_all([plain | 3, code | 5])
    assert memory.code_changes == [code]
    assert not frames.code[code >> 12]


def test_hooks_see_every_frame():
    frames = Memory(16).frames
    log = []
    frames.on_alloc = lambda frame, kind: log.append(("+", frame, kind))
    frames.on_free = lambda frame, kind: log.append(("-", frame, kind))
    one = frames.alloc(DMA)
    run = frames.alloc_run(2, USER)
    frames.set_kind(run, PAGE_CACHE)
    frames.release_all([run, run + PAGE, one])
    balance: dict[tuple[int, int], int] = {}
    for sign, frame, kind in log:
        balance[frame, kind] = balance.get((frame, kind), 0) + (1 if sign == "+" else -1)
    assert len(log) == 8
    assert not any(balance.values())


actions = st.lists(
    st.one_of(
        st.tuples(st.just("one"), st.integers(1, 5)),
        st.tuples(st.just("run"), st.integers(1, 7)),
        st.tuples(st.just("free"), st.integers(0, 50)),
    ),
    max_size=120,
)


@settings(max_examples=100, deadline=None)
@given(actions)
def test_no_frame_is_given_out_twice(steps):
    memory = Memory(24)
    frames = memory.frames
    live: dict[int, int] = {}
    for action, number in steps:
        if action == "free":
            if live:
                frame = sorted(live)[number % len(live)]
                del live[frame]
                frames.view[frame : frame + PAGE] = b"\xff" * PAGE
                frames.release(frame)
            continue
        try:
            if action == "one":
                got = [frames.alloc_zeroed(number)]
                assert frames.view[got[0] : got[0] + PAGE] == bytes(PAGE)
            else:
                start = frames.alloc_run(number, PAGE_CACHE)
                got = [start + i * PAGE for i in range(number)]
        except OutOfMemory:
            free = sorted({i * PAGE for i in range(24)} - set(live) - {frames.zero})
            if action == "one":
                assert not free
            else:
                runs = sum(
                    all(f + i * PAGE in free for i in range(number)) for f in free
                )  # fmt: skip
                assert not runs
            continue
        for frame in got:
            assert frame not in live
            assert frame != frames.zero
            assert 0 <= frame < memory.ram.size
            live[frame] = number if action == "one" else PAGE_CACHE
        usage = frames.usage()
        assert sum(usage.values()) == memory.ram.size
        for kind in (USER, PAGE_CACHE, DMA):
            assert usage[MemoryKind(kind)] == PAGE * sum(k == kind for k in live.values())
