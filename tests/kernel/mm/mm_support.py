"""What the memory tests stand on: plain RAM, limits, a file without a file system."""

from __future__ import annotations

from collections import Counter

from starrylab.abi.errno import ENXIO
from starrylab.abi.resource import RLIMIT_STACK
from starrylab.kernel.mm.frames import PAGE_CACHE, FrameAllocator
from starrylab.kernel.mm.layout import INFINITY
from starrylab.kernel.mm.shared import SharedPages
from starrylab.kernel.mm.space import AddressSpace, Layout
from starrylab.machine.api import PAGE_SIZE

PAGE = PAGE_SIZE


class PlainRam:
    def __init__(self, pages: int) -> None:
        self.size = pages * PAGE
        self.view = memoryview(bytearray(self.size))
        self.grain = 4096
        self.copy_page = None


class PlainLimits:
    def __init__(self, **values: int) -> None:
        self.values = {RLIMIT_STACK: 8 << 20}

    def soft(self, resource: int) -> int:
        return self.values.get(resource, INFINITY)


class PlainFile:
    """A `PageSource` whose pages are cached on demand from ``data``."""

    def __init__(self, frames: FrameAllocator, data: bytes) -> None:
        self.frames = frames
        self.store = bytearray(data)
        self.size = len(data)
        self.misses = 0
        self.key = (8, 1234)
        self.pages: dict[int, int] = {}
        self.dirty: set[int] = set()
        self.maps: Counter[tuple[object, object]] = Counter()

    def frame(self, index: int, write: bool) -> int:
        if index * PAGE >= self.size:
            raise ENXIO
        if index not in self.pages:
            self.misses += 1
            frame = self.frames.alloc_zeroed(PAGE_CACHE)
            part = self.store[index * PAGE : (index + 1) * PAGE]
            self.frames.view[frame : frame + len(part)] = part
            self.pages[index] = frame
        if write:
            self.dirty.add(index)
        return self.pages[index]

    def cached(self, index: int) -> bool:
        return index in self.pages

    def write_back(self, first: int, last: int) -> None:
        for index in [i for i in self.dirty if first <= i < last]:
            frame = self.pages[index]
            length = min(PAGE, self.size - index * PAGE)
            self.store[index * PAGE : index * PAGE + length] = self.frames.view[
                frame : frame + length
            ]
            self.dirty.discard(index)

    def punch(self, start: int, end: int) -> None:
        self.evict(start // PAGE, end // PAGE)
        self.store[start:end] = bytes(end - start)

    def evict(self, first: int, last: int) -> None:
        self.write_back(first, last)
        for space in {space for space, _ in self.maps}:
            space.evict_pages(self, first, last)
        for index in [i for i in self.pages if first <= i < last]:
            self.frames.release(self.pages.pop(index))

    def map_added(self, space: object, area: object) -> None:
        self.maps[space, area] += 1

    def map_removed(self, space: object, area: object) -> None:
        self.maps[space, area] -= 1
        assert self.maps[space, area] >= 0
        self.maps += Counter()


class Memory:
    """RAM, allocator, and the address spaces and sources that a test made in it."""

    def __init__(self, pages: int = 512) -> None:
        self.ram = PlainRam(pages)
        self.code_changes: list[int] = []
        self.frames = FrameAllocator(self.ram, self.code_changes.append)
        self.limits = PlainLimits()

    def space(self) -> AddressSpace:
        return AddressSpace(self.frames, Layout(), self.limits)

    def file(self, data: bytes) -> PlainFile:
        return PlainFile(self.frames, data)

    def check(self, spaces: list[AddressSpace], files: list[PlainFile] = ()) -> None:
        """Every reference is accounted for, and memory by kind adds up."""
        frames = self.frames
        expected = Counter({frames.zero >> 12: 1})
        shared = set()
        for space in spaces:
            expected.update(e >> 12 for e in space.table.values())
            expected.update(f >> 12 for f in space.regions.values())
            shared |= {a.source for a in space.areas if isinstance(a.source, SharedPages)}
            assert space.starts == [a.start for a in space.areas]
            assert space.total_vm == sum(a.end - a.start for a in space.areas)
            for one, two in zip(space.areas, space.areas[1:], strict=False):
                assert one.end <= two.start
                assert not one.continues(two)
            for vpn in space.table:
                assert space.find(vpn << 12) is not None
                assert vpn >> 9 in space.regions
        for source in [*shared, *files]:
            expected.update(f >> 12 for f in source.pages.values())
        actual = Counter({n: r for n, r in enumerate(frames.refs) if r})
        assert actual == expected
        for kind, refs in zip(frames.kinds, frames.refs, strict=True):
            assert bool(kind) == bool(refs)
        assert sum(frames.usage().values()) == self.ram.size
