"""STACK_TRACE: the call chains that bpf_get_stackid() has met."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from ....abi import bpf as b
from ....abi.errno import EEXIST, EFAULT, EINVAL, ENOENT
from .array import IndexedMap
from .base import Map, Shape

_DEEPEST: Final = 127  #: /proc/sys/kernel/perf_event_max_stack


class StackTrace(IndexedMap):
    """Call chains by their hash, which is their number."""

    __slots__ = ("buckets",)

    known_flags = Map.known_flags

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`: a value is up to 127 addresses."""
        super().check(shape)
        if shape.value_size % 8 or not 8 <= shape.value_size <= 8 * _DEEPEST:
            raise EINVAL

    def setup(self) -> None:
        """See `Map.setup`."""
        self._charge.cover(self.cost())
        self.buckets: dict[int, bytes] = {}

    def add(self, chain: list[int], flags: int) -> int:
        """Keep a chain and return its number; raise ``EEXIST``, ``EFAULT`` for an empty one."""
        skip = flags & b.BPF_F_SKIP_FIELD_MASK
        data = b"".join(addr.to_bytes(8, "little") for addr in chain[skip:])
        data = data[: self.shape.value_size]
        if not data:
            raise EFAULT
        buckets = 1 << (self.shape.max_entries - 1).bit_length()
        number = zlib.crc32(data) & buckets - 1
        there = self.buckets.get(number)
        if there is not None and there != data:
            same_hash = bool(flags & b.BPF_F_FAST_STACK_CMP)
            if not same_hash and not flags & b.BPF_F_REUSE_STACKID:
                raise EEXIST
        self.buckets[number] = data
        return number

    def value(self, key: bytes) -> bytes:
        """See `Map.value`."""
        data = self.buckets.get(self.index(key))
        if data is None:
            raise ENOENT
        return data.ljust(self.shape.value_size, b"\0")

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """See `Map.update`: nobody can."""
        raise EINVAL

    def delete(self, key: bytes) -> None:
        """See `Map.delete`."""
        if self.buckets.pop(self.index(key), None) is None:
            raise ENOENT

    def next_key(self, key: bytes | None) -> bytes:
        """See `Map.next_key`: numbers in order."""
        after = -1 if key is None else self.index(key)
        following = min((n for n in self.buckets if n > after), default=None)
        if following is None:
            raise ENOENT
        return following.to_bytes(4, "little")

    def all_keys(self) -> Iterator[bytes]:
        """See `Map.keys`."""
        return (number.to_bytes(4, "little") for number in sorted(self.buckets))

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`."""
        return 0
