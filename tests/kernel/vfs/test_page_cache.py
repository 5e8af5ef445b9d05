"""The page cache against a bytearray, with and without a backing store, and its eviction."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import ENOMEM, ENOSPC, ENXIO
from starrylab.kernel.fs.host_content import BytesContent
from starrylab.kernel.fs.tmpfs import Tmpfs
from starrylab.kernel.fs.tmpfs_file import TmpFile
from starrylab.kernel.vfs.page_cache import PageCache
from starrylab.kernel.vfs.page_content import Dense, Sparse
from starrylab.kernel.vfs.page_pool import PagePool
from tests.kernel.vfs.vfs_world import World

PAGE = 4096
offsets = st.one_of(st.integers(0, 5 * PAGE), st.sampled_from([PAGE, 2 * PAGE, 7 * PAGE]))
lengths = st.integers(0, 3 * PAGE)
step = st.one_of(
    st.tuples(st.just("write"), offsets, lengths, st.integers(1, 255)),
    st.tuples(st.just("truncate"), offsets),
    st.tuples(st.just("clear"), offsets, lengths),
    st.tuples(st.just("read"), offsets, lengths),
    st.tuples(st.just("allocate"), st.integers(0, 6), st.integers(0, 4)),
    st.tuples(st.just("shrink")),
)


def apply(cache: PageCache, model: bytearray, op) -> None:
    kind, *args = op
    if kind == "write":
        offset, length, value = args
        data = bytes([value]) * length
        assert cache.write(data, offset) == length
        if length:
            model.extend(bytes(max(0, offset + length - len(model))))
            model[offset : offset + length] = data
    elif kind == "truncate":
        cache.truncate(args[0])
        del model[args[0] :]
        model.extend(bytes(args[0] - len(model)))
    elif kind == "clear":
        start, end = args[0], min(args[0] + args[1], len(model))
        cache.clear(args[0], args[0] + args[1])
        if start < end:
            model[start:end] = bytes(end - start)
    elif kind == "allocate":
        cache.allocate(args[0], args[0] + args[1])
    elif kind == "shrink":
        cache.pool.shrink(2)
    else:
        assert cache.read(args[1], args[0]) == model[args[0] : args[0] + args[1]]


@pytest.mark.parametrize("lower", [b"", bytes(range(1, 256)) * 70], ids=["tmpfs", "backed"])
def test_random_transfers_equal_a_bytearray(lower: bytes) -> None:
    world = World(4 << 20)
    before = world.frames.free_frames()

    @settings(max_examples=150, deadline=None)
    @given(st.lists(step, max_size=30))
    def run(ops):
        fs = world.fs
        used = fs.account.used
        backing = BytesContent(lower) if lower else None
        file = TmpFile(fs, 0o644, 0, 0, backing=backing, size=len(lower))
        cache, model = file.pages, bytearray(lower)
        for op in ops:
            apply(cache, model, op)
            assert cache.size == len(model)
            if not lower:
                assert fs.account.used - used == cache.nr_pages
            else:
                assert fs.account.used - used == len(cache.dirty)
        assert cache.read(len(model) + 1, 0) == model
        del file, cache
        assert fs.account.used == used
        assert world.frames.free_frames() == before

    run()


def test_a_hole_makes_a_file_sparse_and_filling_it_makes_it_dense_again() -> None:
    world = World(16 << 20)
    file = TmpFile(world.fs, 0o644, 0, 0)
    file.write_at(b"x", 1 << 40)
    assert isinstance(file.pages.content, Sparse)
    assert (file.blocks, file.size) == (8, (1 << 40) + 1)
    assert file.read_at(4, 1 << 39) == bytes(4)
    assert file.next_data(0) == 1 << 40
    assert file.next_hole(1 << 40) == (1 << 40) + 1
    file.truncate(0)
    file.write_at(b"y", 1100 * PAGE)
    assert isinstance(file.pages.content, Sparse)
    for page in range(1100):
        file.write_at(b"z", page * PAGE)
    assert isinstance(file.pages.content, Dense)
    assert file.read_at(1, 1099 * PAGE) == b"z"
    file.truncate(2000 * PAGE)
    with pytest.raises(ENXIO):
        file.next_data(1101 * PAGE)


def test_size_option_limits_pages_and_a_write_is_cut_short_before_it_fails() -> None:
    world = World()
    fs = Tmpfs(world.now, world.pool, b"size=8k")
    file = TmpFile(fs, 0o644, 0, 0)
    assert file.write_at(b"a" * 3 * PAGE, 0) == 2 * PAGE
    with pytest.raises(ENOSPC):
        file.write_at(b"a", 2 * PAGE)
    assert fs.statfs().blocks_free == 0
    file.truncate(PAGE)
    assert file.write_at(b"a", 2 * PAGE) == 1
    del file
    assert fs.statfs().blocks_free == 2


class Counted(BytesContent):
    reads = 0

    def read_into(self, buffers, offset):
        self.reads += 1
        return super().read_into(buffers, offset)


def test_eviction_keeps_the_limit_drops_mappings_and_never_shows_stale_data() -> None:
    world = World()
    pool = PagePool(world.frames, limit=64)
    lower = b"".join(bytes([i]) * PAGE for i in range(200))
    caches = [PageCache(pool, world.fs, 100 + i, None, Counted(lower), len(lower))
              for i in range(2)]  # fmt: skip
    t = world.thread()
    addr = t.mm.map(0, len(lower), 1, 1, source=caches[0])
    for round_ in range(2):
        for i in range(200):
            for cache in caches:
                assert cache.read(1, i * PAGE) == bytes([i])
            assert t.mm.read(addr + i * PAGE, 2) == bytes([i]) * 2
            assert pool.evictable <= 64
        assert pool.evictions > 100
        assert caches[0].misses > 200 * round_
    caches[1].write(b"changed", 5 * PAGE)
    for i in range(200):
        caches[0].read(1, i * PAGE)
    assert caches[1].read(7, 5 * PAGE) == b"changed"
    t.mm.release()
    nr = sum(c.nr_pages for c in caches)
    assert pool.evictable == nr
    caches.clear()
    cache = None
    del cache
    assert pool.evictable == 0


def test_pages_that_cannot_go_are_not_looked_at_for_every_page_that_comes() -> None:
    world = World()
    pool = PagePool(world.frames, limit=64)
    lower = bytes(2000 * PAGE)
    cache = PageCache(pool, world.fs, 100, None, Counted(lower), len(lower))
    for i in range(200):
        cache.write(b"changed", i * PAGE)  # stays: its backing is not written
    calls = []
    shrink, pool.shrink = pool.shrink, lambda count, kept=0: calls.append(1) or shrink(count, kept)
    for i in range(200, 2000):
        cache.write(b"changed", i * PAGE)
    assert pool.evictable == 2000
    assert 200 < 8 * len(calls) <= 1800
    cache.truncate(0)
    assert pool.evictable == 0


def test_mappings_and_calls_see_one_file_and_truncation_ends_them() -> None:
    world = World()
    t = world.thread()
    t.put(b"/f", b"first" + bytes(2 * PAGE))
    fd = t.open(b"/f", 2)
    addr = t.mm.map(0, 3 * PAGE, 3, 1, source=t.fds[fd].mappable(3, 1))
    assert t.mm.read(addr, 5) == b"first"
    t.mm.write(addr + 1, b"IRST")
    assert t.get(b"/f")[:5] == b"fIRST"
    t.call("pwrite64", fd, addr, 5, PAGE)
    assert t.mm.read(addr + PAGE, 5) == b"fIRST"
    t.call("ftruncate", fd, 3)
    t.call("ftruncate", fd, PAGE)
    assert t.mm.read(addr, 5) == b"fIR\0\0"


def test_running_out_of_memory_loses_no_frame() -> None:
    world = World(2 << 20)
    file = TmpFile(Tmpfs(world.now, world.pool, b"size=0"), 0o644, 0, 0)
    free = world.frames.free_frames()
    with pytest.raises(ENOMEM):
        file.write_at(bytes(free + 16 << 12), 0)
    assert world.frames.free_frames() == free
    del file
    assert world.frames.free_frames() == free
