"""Maps whose keys are indices: ARRAY and PERCPU_ARRAY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from ....abi import bpf as b
from ....abi.errno import E2BIG, EINVAL, ENOENT, EOPNOTSUPP
from ....machine.api import PAGE_SHIFT, PAGE_SIZE
from ...mm.frames import KERNEL_HEAP
from ...mm.shared import SharedPages
from .base import Map, Shape, check_update, round_up

if TYPE_CHECKING:
    from ...mm.frames import FrameAllocator

_LARGEST_PER_CPU: Final = 32 << 10  #: bytes: PCPU_MIN_UNIT_SIZE


class IndexedMap(Map):
    """What all maps with indices share: keys of 4 bytes, all of which are there."""

    __slots__ = ()

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`."""
        super().check(shape)
        if shape.key_size != 4 or not shape.value_size:
            raise EINVAL

    def cost(self) -> int:
        """See `Map.cost`."""
        return self.shape.max_entries * self.value_room

    def index(self, key: bytes) -> int:
        """Return the index that a key means."""
        return int.from_bytes(key, "little")

    def next_key(self, key: bytes | None) -> bytes:
        """See `Map.next_key`."""
        index = -1 if key is None else self.index(key)
        if index >= self.shape.max_entries:
            index = -1
        if index == self.shape.max_entries - 1:
            raise ENOENT
        return (index + 1).to_bytes(4, "little")

    def all_keys(self) -> Iterator[bytes]:
        """See `Map.keys`."""
        return (index.to_bytes(4, "little") for index in range(self.shape.max_entries))

    def delete(self, key: bytes) -> None:
        """See `Map.delete`: values of an array stay."""
        raise EINVAL


class Array(IndexedMap):
    """ARRAY; with BPF_F_MMAPABLE its values lie in frames, which processes may map."""

    __slots__ = ("_pages",)

    known_flags = IndexedMap.known_flags | b.BPF_F_MMAPABLE | b.BPF_F_INNER_MAP

    def setup(self) -> None:
        """See `Map.setup`."""
        self._pages: SharedPages | None = None
        frames = self.room.frames
        if not self.shape.flags & b.BPF_F_MMAPABLE or frames is None:
            super().setup()
            return
        size = round_up(self.shape.max_entries * self.value_room, PAGE_SIZE)
        self._pages = pages = adjacent_pages(frames, size)
        start = pages.pages[0]
        self.store = frames.view[start : start + size]
        self.base = self.room.memory.add(self.store)

    def freed(self) -> None:
        """See `BpfObject.freed`."""
        super().freed()
        if self._pages is not None:
            self._pages.drop()

    def pages(self) -> SharedPages | None:
        """See `Map.pages`."""
        return self._pages

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`."""
        index = int.from_bytes(key, "little")
        return self.base + index * self.value_room if index < self.shape.max_entries else 0

    def value(self, key: bytes) -> bytes:
        """See `Map.value`."""
        index = self.index(key)
        if index >= self.shape.max_entries:
            raise ENOENT
        return self.get_slot(index)

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """See `Map.update`."""
        index = self.index(key)
        if flags & ~b.BPF_F_LOCK > b.BPF_EXIST:
            raise EINVAL
        if index >= self.shape.max_entries:
            raise E2BIG
        check_update(flags, there=True)
        self.set_slot(index, value)


class PerCpuArray(Array):
    """PERCPU_ARRAY: a process sees the values of all CPUs."""

    __slots__ = ()

    known_flags = IndexedMap.known_flags
    per_cpu: ClassVar[bool] = True

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`."""
        super().check(shape)
        if round_up(shape.value_size, 8) > _LARGEST_PER_CPU:
            raise E2BIG


def check_shared(frames: FrameAllocator) -> None:
    """Raise ``EOPNOTSUPP`` where RAM has a copy elsewhere: a board's CPU would not see stores."""
    if not isinstance(frames.view, memoryview):
        raise EOPNOTSUPP


def adjacent_pages(frames: FrameAllocator, size: int) -> SharedPages:
    """Return held pages of zeros that lie side by side in RAM; ``size`` is whole pages."""
    check_shared(frames)
    start = frames.alloc_run(size >> PAGE_SHIFT, KERNEL_HEAP)
    frames.view[start : start + size] = bytes(size)
    pages = SharedPages(frames, size, name=b"anon_inode:bpf-map")
    pages.pages = {index: start + (index << PAGE_SHIFT) for index in range(size >> PAGE_SHIFT)}
    pages.hold()
    return pages
