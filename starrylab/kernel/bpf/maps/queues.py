"""Maps without keys: QUEUE, STACK, BLOOM_FILTER."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Final

from ....abi import bpf as b
from ....abi.errno import E2BIG, EINVAL, ENOENT, EOPNOTSUPP
from .base import Map, Room, Shape

_HASHES: Final = 5  #: of a Bloom filter that does not say how many


class Queue(Map):
    """QUEUE: first in, first out."""

    __slots__ = ("values",)

    def __init__(self, shape: Shape, room: Room) -> None:
        super().__init__(shape, room)
        self.values: deque[bytes] = deque()

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`."""
        super().check(shape)
        if shape.key_size or not shape.value_size:
            raise EINVAL

    def setup(self) -> None:
        """See `Map.setup`: programs get copies, so nothing needs an address."""
        self._charge.cover(self.cost())

    def cost(self) -> int:
        """See `Map.cost`."""
        return (self.shape.max_entries + 1) * self.shape.value_size

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """Push; with BPF_EXIST the oldest one makes room."""
        if flags not in (b.BPF_ANY, b.BPF_EXIST):
            raise EINVAL
        if len(self.values) >= self.shape.max_entries:
            if flags != b.BPF_EXIST:
                raise E2BIG
            self.values.popleft()
        self.values.append(value)

    def value(self, key: bytes) -> bytes:
        """Peek."""
        if not self.values:
            raise ENOENT
        return self.values[0]

    def take(self, key: bytes) -> bytes:
        """Pop."""
        if not self.values:
            raise ENOENT
        return self.values.popleft()

    def delete(self, key: bytes) -> None:
        """See `Map.delete`."""
        raise EINVAL

    def next_key(self, key: bytes | None) -> bytes:
        """See `Map.next_key`."""
        raise EINVAL

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`."""
        return 0


class Stack(Queue):
    """STACK: last in, first out."""

    __slots__ = ()

    def value(self, key: bytes) -> bytes:
        """Peek."""
        if not self.values:
            raise ENOENT
        return self.values[-1]

    def take(self, key: bytes) -> bytes:
        """Pop."""
        if not self.values:
            raise ENOENT
        return self.values.pop()


class BloomFilter(Map):
    """BLOOM_FILTER: says that a value was perhaps added, or certainly not."""

    __slots__ = ("_bits", "_hashes", "_mask")

    known_flags = Map.known_flags | b.BPF_F_ZERO_SEED

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`: map_extra says how many hash functions."""
        super().check(shape)
        if shape.key_size or not shape.value_size or shape.extra & ~0xF:
            raise EINVAL

    def setup(self) -> None:
        """See `Map.setup`: entries * functions / ln 2 bits, rounded up to a power of two."""
        self._hashes = self.shape.extra & 0xF or _HASHES
        wanted = self._hashes * self.shape.max_entries * 7 // 5
        self._mask = (1 << max(6, (wanted - 1).bit_length())) - 1
        if self._mask >= 1 << 31:
            raise E2BIG
        self._charge.cover(self._mask + 1 >> 3)
        self._bits = bytearray(self._mask + 1 >> 3)

    def _places(self, value: bytes) -> list[int]:
        places = []
        for number in range(self._hashes):
            digest = hashlib.blake2b(value, digest_size=4, salt=bytes([number])).digest()
            places.append(int.from_bytes(digest, "little") & self._mask)
        return places

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """Add a value."""
        if flags != b.BPF_ANY:
            raise EINVAL
        for place in self._places(value):
            self._bits[place >> 3] |= 1 << (place & 7)

    def has(self, value: bytes) -> bool:
        """Say whether a value may have been added."""
        return all(self._bits[place >> 3] >> (place & 7) & 1 for place in self._places(value))

    def delete(self, key: bytes) -> None:
        """See `Map.delete`."""
        raise EOPNOTSUPP

    def take(self, key: bytes) -> bytes:
        """See `Map.take`."""
        raise EOPNOTSUPP

    def next_key(self, key: bytes | None) -> bytes:
        """See `Map.next_key`."""
        raise EOPNOTSUPP

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`."""
        return 0
