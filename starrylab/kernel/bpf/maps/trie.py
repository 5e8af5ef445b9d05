"""LPM_TRIE: the longest prefix that matches (``kernel/bpf/lpm_trie.c``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ....abi import bpf as b
from ....abi.errno import EINVAL, ENOENT, ENOSPC, ENOTSUPP
from .base import Map, Shape
from .hashes import SlotMap

_LENGTH: Final = 4  #: bytes of a key before its data: how many bits of these count
_MOST_DATA: Final = 256


class LpmTrie(SlotMap):
    """Prefixes of bits.  A key with its bits beyond the prefix cleared is one of `slots`."""

    __slots__ = ()

    known_flags = Map.known_flags | b.BPF_F_NO_PREALLOC

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`."""
        super().check(shape)
        if not shape.flags & b.BPF_F_NO_PREALLOC:
            raise EINVAL
        if not _LENGTH < shape.key_size <= _LENGTH + _MOST_DATA:
            raise EINVAL

    def full(self) -> None:
        """See `SlotMap.full`."""
        raise ENOSPC

    def _prefix(self, key: bytes) -> bytes:
        """Return ``key`` as it is kept; raise ``EINVAL`` for too long a prefix."""
        length = int.from_bytes(key[:_LENGTH], "little")
        bits = 8 * (len(key) - _LENGTH)
        if length > bits:
            raise EINVAL
        return _cut(key, length)

    def _longest(self, key: bytes) -> bytes | None:
        length = int.from_bytes(key[:_LENGTH], "little")
        for bits in range(min(length, 8 * (len(key) - _LENGTH)), -1, -1):
            prefix = _cut(key, bits)
            if prefix in self.slots:
                return prefix
        return None

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`."""
        prefix = self._longest(key)
        return 0 if prefix is None else super().lookup(prefix)

    def value(self, key: bytes) -> bytes:
        """See `Map.value`."""
        prefix = self._longest(key)
        if prefix is None:
            raise ENOENT
        return super().value(prefix)

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """See `Map.update`."""
        super().update(self._prefix(key), value, flags)

    def delete(self, key: bytes) -> None:
        """See `Map.delete`."""
        super().delete(self._prefix(key))

    def take(self, key: bytes) -> bytes:
        """See `Map.take`: not for this kind."""
        raise ENOTSUPP

    def next_key(self, key: bytes | None) -> bytes:
        """See `Map.next_key`."""
        order = list(self.all_keys())
        known = None
        if key is not None:
            length = int.from_bytes(key[:_LENGTH], "little")
            if length <= 8 * (len(key) - _LENGTH):
                known = _cut(key, length)
        place = order.index(known) + 1 if known in self.slots and known is not None else 0
        if place >= len(order):
            raise ENOENT
        return order[place]

    def all_keys(self) -> Iterator[bytes]:
        """See `Map.keys`: longer prefixes before those that they begin with."""
        return iter(sorted(self.slots, key=_order))


def _cut(key: bytes, length: int) -> bytes:
    """Return a key of ``length`` bits, and zeros after them."""
    size = len(key) - _LENGTH
    data = int.from_bytes(key[_LENGTH:], "big")
    beyond = 8 * size - length
    return length.to_bytes(_LENGTH, "little") + (data >> beyond << beyond).to_bytes(size, "big")


def _order(key: bytes) -> str:
    """Return what puts children before their parent: an end sorts after 0 and 1."""
    length = int.from_bytes(key[:_LENGTH], "little")
    size = 8 * (len(key) - _LENGTH)
    bits = f"{int.from_bytes(key[_LENGTH:], 'big'):0{size}b}"
    return bits[:length] + "2"
