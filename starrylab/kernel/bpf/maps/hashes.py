"""Maps with arbitrary keys: HASH, LRU_HASH, and their variants for each CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ....abi import bpf as b
from ....abi.errno import E2BIG, EINVAL, ENOENT, ENOTSUPP
from .base import Map, Room, Shape, check_update


class SlotMap(Map):
    """Keys in a dictionary, each with a slot of the store that holds the value.

    The slot of an entry that was removed serves the next one: a program that still has its
    address sees that one's value, as on Linux.
    """

    __slots__ = ("_free", "_used", "slots")

    def __init__(self, shape: Shape, room: Room) -> None:
        super().__init__(shape, room)
        self.slots: dict[bytes, int] = {}
        self._free: list[int] = []
        self._used = 0  #: slots that were ever taken

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`."""
        super().check(shape)
        if not shape.key_size or not shape.value_size:
            raise EINVAL

    def setup(self) -> None:
        """See `Map.setup`: with BPF_F_NO_PREALLOC memory is taken as the map grows."""
        if not self.shape.flags & b.BPF_F_NO_PREALLOC:
            self._charge.cover(self.cost())
        self._make_store(self.shape.max_entries * self.value_room)

    def full(self) -> None:
        """Make room for one more entry, or raise ``E2BIG``."""
        raise E2BIG

    def take_slot(self) -> int:
        """Return a slot that is free; raise ``E2BIG``, ``ENOMEM``."""
        if len(self.slots) >= self.shape.max_entries:
            self.full()
        if self._free:
            return self._free.pop()
        if self.shape.flags & b.BPF_F_NO_PREALLOC:
            used = self._used + 1
            self._charge.cover(self.cost() * used // self.shape.max_entries)
        self._used += 1
        return self._used - 1

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`."""
        slot = self.slots.get(key)
        return 0 if slot is None else self.base + slot * self.value_room

    def value(self, key: bytes) -> bytes:
        """See `Map.value`."""
        slot = self.slots.get(key)
        if slot is None:
            raise ENOENT
        return self.get_slot(slot)

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """See `Map.update`."""
        slot = self.slots.get(key)
        check_update(flags, there=slot is not None)
        if slot is None:
            slot = self.take_slot()
            self.slots[key] = slot
        self.set_slot(slot, value)

    def delete(self, key: bytes) -> None:
        """See `Map.delete`."""
        slot = self.slots.pop(key, None)
        if slot is None:
            raise ENOENT
        self._free.append(slot)

    def take(self, key: bytes) -> bytes:
        """See `Map.take`."""
        value = self.value(key)
        self.delete(key)
        return value

    def next_key(self, key: bytes | None) -> bytes:
        """See `Map.next_key`: an unknown key is before the first."""
        found = key in self.slots
        for other in self.slots:
            if not found:
                return other
            found = other != key
        raise ENOENT

    def all_keys(self) -> Iterator[bytes]:
        """See `Map.keys`."""
        return iter(list(self.slots))


class Hash(SlotMap):
    """HASH."""

    __slots__ = ()

    known_flags = Map.known_flags | b.BPF_F_NO_PREALLOC | b.BPF_F_ZERO_SEED


class PerCpuHash(Hash):
    """PERCPU_HASH."""

    __slots__ = ()

    per_cpu: ClassVar[bool] = True


class LruHash(SlotMap):
    """LRU_HASH: when it is full, the entry that was not used for longest makes room."""

    __slots__ = ()

    known_flags = Map.known_flags | b.BPF_F_NO_COMMON_LRU | b.BPF_F_NO_PREALLOC | b.BPF_F_ZERO_SEED

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`."""
        super().check(shape)
        if shape.flags & b.BPF_F_NO_PREALLOC:
            raise ENOTSUPP

    def full(self) -> None:
        """See `SlotMap.full`."""
        self.delete(next(iter(self.slots)))

    def _touch(self, key: bytes) -> None:
        slot = self.slots.pop(key, None)
        if slot is not None:
            self.slots[key] = slot

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`: a program's look is a use, a process's is none."""
        self._touch(key)
        return super().lookup(key)

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """See `Map.update`."""
        super().update(key, value, flags)
        self._touch(key)


class PerCpuLruHash(LruHash):
    """LRU_PERCPU_HASH."""

    __slots__ = ()

    per_cpu: ClassVar[bool] = True
