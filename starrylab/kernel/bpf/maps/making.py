"""Which class serves which type of map."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ....abi import bpf as b
from ....abi.errno import EINVAL, LinuxError
from .array import Array, PerCpuArray
from .base import Map, Room, Shape
from .hashes import Hash, LruHash, PerCpuHash, PerCpuLruHash
from .queues import BloomFilter, Queue, Stack
from .ring import RingBuffer
from .stacks import StackTrace
from .tables import ArrayOfMaps, HashOfMaps, PerfEventArray, ProgramArray
from .trie import LpmTrie

KINDS: Final[Mapping[int, type[Map]]] = MappingProxyType(
    {
        b.BPF_MAP_TYPE_HASH: Hash,
        b.BPF_MAP_TYPE_ARRAY: Array,
        b.BPF_MAP_TYPE_PROG_ARRAY: ProgramArray,
        b.BPF_MAP_TYPE_PERF_EVENT_ARRAY: PerfEventArray,
        b.BPF_MAP_TYPE_PERCPU_HASH: PerCpuHash,
        b.BPF_MAP_TYPE_PERCPU_ARRAY: PerCpuArray,
        b.BPF_MAP_TYPE_STACK_TRACE: StackTrace,
        b.BPF_MAP_TYPE_LRU_HASH: LruHash,
        b.BPF_MAP_TYPE_LRU_PERCPU_HASH: PerCpuLruHash,
        b.BPF_MAP_TYPE_LPM_TRIE: LpmTrie,
        b.BPF_MAP_TYPE_ARRAY_OF_MAPS: ArrayOfMaps,
        b.BPF_MAP_TYPE_HASH_OF_MAPS: HashOfMaps,
        b.BPF_MAP_TYPE_QUEUE: Queue,
        b.BPF_MAP_TYPE_STACK: Stack,
        b.BPF_MAP_TYPE_RINGBUF: RingBuffer,
        b.BPF_MAP_TYPE_BLOOM_FILTER: BloomFilter,
    }
)


def make_map(shape: Shape, room: Room) -> Map:
    """Return a new map; raise ``EINVAL``, ``E2BIG``, ``ENOMEM``, ``ENOTSUPP``."""
    kind = KINDS.get(shape.type)
    if kind is None:
        raise EINVAL
    kind.check(shape)
    made = kind(shape, room)
    try:
        made.setup()
    except LinuxError:
        Map.freed(made)
        raise
    return made
