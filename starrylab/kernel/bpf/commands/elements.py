"""Commands for maps and their elements."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from ....abi import bpf as b
from ....abi.errno import (
    EBUSY,
    EINVAL,
    ENOENT,
    ENOTSUPP,
    EPERM,
)  # fmt: skip
from ..files import MapFile
from ..maps.base import Map, Shape
from ..maps.hashes import SlotMap
from ..maps.making import KINDS, make_map
from ..maps.queues import BloomFilter
from ..maps.tables import ArrayOfMaps, HashOfMaps
from ..maps.trie import LpmTrie
from .request import Request, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: types of maps that need no CAP_BPF
_FOR_ALL: Final = frozenset(
    {
        b.BPF_MAP_TYPE_ARRAY, b.BPF_MAP_TYPE_PERCPU_ARRAY, b.BPF_MAP_TYPE_PROG_ARRAY,
        b.BPF_MAP_TYPE_PERF_EVENT_ARRAY, b.BPF_MAP_TYPE_ARRAY_OF_MAPS, b.BPF_MAP_TYPE_HASH,
        b.BPF_MAP_TYPE_PERCPU_HASH, b.BPF_MAP_TYPE_HASH_OF_MAPS, b.BPF_MAP_TYPE_RINGBUF,
    }
)  # fmt: skip
_OUTER: Final = (b.BPF_MAP_TYPE_ARRAY_OF_MAPS, b.BPF_MAP_TYPE_HASH_OF_MAPS)
_TAKEN: Final = frozenset(
    {
        b.BPF_MAP_TYPE_QUEUE, b.BPF_MAP_TYPE_STACK, b.BPF_MAP_TYPE_HASH,
        b.BPF_MAP_TYPE_PERCPU_HASH, b.BPF_MAP_TYPE_LRU_HASH, b.BPF_MAP_TYPE_LRU_PERCPU_HASH,
        b.BPF_MAP_TYPE_STACK_TRACE,
    }
)  # fmt: skip
_BATCHES: Final = frozenset(
    {
        b.BPF_MAP_TYPE_HASH, b.BPF_MAP_TYPE_PERCPU_HASH, b.BPF_MAP_TYPE_LRU_HASH,
        b.BPF_MAP_TYPE_LRU_PERCPU_HASH, b.BPF_MAP_TYPE_ARRAY, b.BPF_MAP_TYPE_PERCPU_ARRAY,
        b.BPF_MAP_TYPE_LPM_TRIE, b.BPF_MAP_TYPE_ARRAY_OF_MAPS, b.BPF_MAP_TYPE_HASH_OF_MAPS,
    }
)  # fmt: skip
_DELETED: Final = _BATCHES - {
    b.BPF_MAP_TYPE_ARRAY, b.BPF_MAP_TYPE_PERCPU_ARRAY, b.BPF_MAP_TYPE_ARRAY_OF_MAPS,
}  # fmt: skip
_COUNT_AT: Final = 32  #: bytes before `count` among the attributes of a batch


def create(request: Request) -> int:
    """BPF_MAP_CREATE."""
    (
        kind, key_size, value_size, entries, flags, inner_fd, _, raw_name, ifindex, btf_fd,
        key_type, value_type, kernel_type, extra, _, token, digest, digest_size,
    ) = request.fields(b.MAP_CREATE)  # fmt: skip
    name = name_of(raw_name)
    if ifindex or kernel_type or token or digest or digest_size or kind not in KINDS:
        raise EINVAL
    request.check_unprivileged()
    if kind not in _FOR_ALL and not request.may_bpf:
        raise EPERM
    btf = None
    if key_type or value_type:  # a descriptor alone says nothing
        if not value_type:
            raise EINVAL
        btf = request.btf(btf_fd)
    inner = _template(request, kind, inner_fd)
    shape = Shape(
        kind, key_size, value_size, entries, flags, name, extra, btf, key_type, value_type, inner
    )
    bpf = request.bpf
    made = make_map(shape, bpf.room)
    bpf.maps.add(made)
    return request.install(MapFile(made, flags))


def _template(request: Request, kind: int, fd: int) -> Map | None:
    """Return what the maps in a new map look like."""
    if kind not in _OUTER:
        if fd:
            raise EINVAL
        return None
    inner = request.map(fd)
    if isinstance(inner, (ArrayOfMaps, HashOfMaps)):
        raise EINVAL
    if inner.shape.type in (b.BPF_MAP_TYPE_PROG_ARRAY, b.BPF_MAP_TYPE_PERF_EVENT_ARRAY):
        raise ENOTSUPP
    return inner


# -- one element ----------------------------------------------------------------------------


def _key(request: Request, found: Map, addr: int) -> bytes:
    if not found.shape.key_size:
        if addr:
            raise EINVAL
        return b""
    return request.mm.read(addr, found.shape.key_size)


def _file(request: Request, fd: int, *, write: bool = False) -> Map:
    file = request.map_file(fd)
    if not (file.writable if write else file.readable):
        raise EPERM
    return file.map


def _written(request: Request, fd: int) -> Map:
    found = _file(request, fd, write=True)
    found.may_write()
    return found


def lookup(request: Request) -> int:
    """BPF_MAP_LOOKUP_ELEM."""
    fd, key, value, flags = request.fields(b.MAP_ELEMENT)
    if flags:
        raise EINVAL
    found = _file(request, fd)
    name = _key(request, found, key)
    if isinstance(found, BloomFilter):
        if not found.has(request.mm.read(value, found.shape.value_size)):
            raise ENOENT
        return 0
    request.mm.write(value, found.value(name))
    return 0


def update(request: Request) -> int:
    """BPF_MAP_UPDATE_ELEM."""
    fd, key, value, flags = request.fields(b.MAP_ELEMENT)
    found = _written(request, fd)
    _put(request, found, _key(request, found, key), value, flags)
    return 0


def _put(request: Request, found: Map, key: bytes, value: int, flags: int) -> None:
    if found.holds_objects:
        found.update_object(key, request.file(request.mm.read_u32(value)), flags)
    else:
        found.update(key, request.mm.read(value, found.user_value_size), flags)


def delete(request: Request) -> int:
    """BPF_MAP_DELETE_ELEM."""
    fd, key, value, flags = request.fields(b.MAP_ELEMENT)
    if value or flags:
        raise EINVAL
    found = _written(request, fd)
    found.delete(_key(request, found, key))
    return 0


def next_key(request: Request) -> int:
    """BPF_MAP_GET_NEXT_KEY."""
    fd, key, following, flags = request.fields(b.MAP_ELEMENT)
    if flags:
        raise EINVAL
    found = _file(request, fd)
    known = _key(request, found, key) if key else None
    request.mm.write(following, found.next_key(known))
    return 0


def take(request: Request) -> int:
    """BPF_MAP_LOOKUP_AND_DELETE_ELEM."""
    fd, key, value, flags = request.fields(b.MAP_ELEMENT)
    if flags:
        raise EINVAL
    found = _file(request, fd)
    _written(request, fd)
    name = _key(request, found, key)
    if found.shape.type not in _TAKEN:
        raise ENOTSUPP
    data = found.value(name)  # first: a bad address must not lose the element
    request.mm.write(value, data)
    found.take(name)
    return 0


def freeze(request: Request) -> int:
    """BPF_MAP_FREEZE."""
    fd, key, value, flags = request.fields(b.MAP_ELEMENT)
    if key or value or flags:
        raise EINVAL
    found = _file(request, fd, write=True)
    found.may_write()
    if _mapped_writable(found):
        raise EBUSY
    found.frozen = True
    return 0


def _mapped_writable(found: Map) -> bool:
    pages = found.pages()
    return pages is not None and bool(pages.mappers)


# -- many elements ---------------------------------------------------------------------------


def _batch(request: Request, kinds: frozenset[int] = _BATCHES) -> tuple[Map, tuple[int, ...]]:
    fields = request.fields(b.MAP_BATCH)
    _, _, _, _, count, fd, elem_flags, flags = fields
    if flags or elem_flags & ~b.BPF_F_LOCK:
        raise EINVAL
    found = _file(request, fd)
    if found.shape.type not in kinds:
        raise ENOTSUPP
    return found, (*fields[:4], count)


def lookup_batch(request: Request) -> int:
    """BPF_MAP_LOOKUP_BATCH."""
    return _read_batch(request, remove=False)


def take_batch(request: Request) -> int:
    """BPF_MAP_LOOKUP_AND_DELETE_BATCH."""
    return _read_batch(request, remove=True)


def _read_batch(request: Request, *, remove: bool) -> int:
    found, (start, out, keys, values, count) = _batch(request)
    if remove:
        found.may_write()
        if found.shape.type not in _TAKEN:
            raise ENOTSUPP
    request.answer(_COUNT_AT, 0)
    if not count:
        return 0
    mm, key_size = request.mm, found.shape.key_size
    by_place = isinstance(found, SlotMap) and not isinstance(found, LpmTrie)
    keys_left, place = _left(request, found, start, by_place=by_place)
    taken: list[bytes] = []
    for key in itertools.islice(keys_left, count):
        mm.write(keys + len(taken) * key_size, key)
        mm.write(values + len(taken) * found.user_value_size, found.value(key))
        taken.append(key)
    ended = len(taken) < count or (by_place and next(keys_left, None) is None)
    if by_place:
        mm.write_u32(out, 0 if remove else place + len(taken))
    elif taken:
        mm.write(out, taken[-1])
    for key in taken if remove else ():
        found.delete(key)
    request.answer(_COUNT_AT, len(taken))
    if ended:
        raise ENOENT
    return 0


def _left(
    request: Request, found: Map, start: int, *, by_place: bool
) -> tuple[Iterator[bytes], int]:
    """Return the keys that a batch begins with, and how many are before these.

    Of a hash the caller keeps 32 bits, whatever its keys are; else the last key.
    """
    keys = found.all_keys()
    if not start:
        return keys, 0
    if by_place:
        place = request.mm.read_u32(start)
        return itertools.islice(keys, place, None), place
    last = request.mm.read(start, found.shape.key_size)
    for other in keys:
        if other == last:
            break
    return keys, 0


def update_batch(request: Request) -> int:
    """BPF_MAP_UPDATE_BATCH."""
    found, (_, _, keys, values, count) = _batch(request)
    found.may_write()
    key_size, value_size = found.shape.key_size, found.user_value_size
    elem_flags = request.fields(b.MAP_BATCH)[6]
    done = 0
    try:
        for done in range(count):
            key = request.mm.read(keys + done * key_size, key_size)
            _put(request, found, key, values + done * value_size, elem_flags)
        done = count
    finally:
        request.answer(_COUNT_AT, done)
    return 0


def delete_batch(request: Request) -> int:
    """BPF_MAP_DELETE_BATCH."""
    found, (_, _, keys, _, count) = _batch(request, _DELETED)
    found.may_write()
    done = 0
    try:
        for done in range(count):
            found.delete(request.mm.read(keys + done * found.shape.key_size, found.shape.key_size))
        done = count
    finally:
        request.answer(_COUNT_AT, done)
    return 0
