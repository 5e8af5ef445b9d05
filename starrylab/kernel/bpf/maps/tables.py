"""Maps of objects: PROG_ARRAY, PERF_EVENT_ARRAY, ARRAY_OF_MAPS, HASH_OF_MAPS."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from ....abi import bpf as b
from ....abi.errno import E2BIG, EINVAL, ENOENT, ENOTSUPP
from ..files import EventOutput, MapFile, ProgramFile
from .array import IndexedMap
from .base import Map, Room, Shape, check_update
from .hashes import SlotMap

if TYPE_CHECKING:
    from ...files.file import File
    from ..objects import BpfObject
    from ..program import Program


class Held(Protocol):
    """What an array of objects keeps."""

    def acquire(self) -> None:
        """Count one more holder."""
        ...

    def release(self) -> None:
        """Count one holder less."""
        ...


T = TypeVar("T", bound=Held)


class _Objects(IndexedMap, Generic[T]):
    """An array of things that a process names by descriptors of 4 bytes."""

    __slots__ = ("held",)

    holds_objects: ClassVar[bool] = True

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`."""
        super().check(shape)
        if shape.value_size != 4:
            raise EINVAL

    def setup(self) -> None:
        """See `Map.setup`."""
        self._charge.cover(self.cost())
        self.held: dict[int, T] = {}

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """See `Map.update`: a program cannot."""
        raise EINVAL

    def update_object(self, key: bytes, file: File, flags: int) -> None:
        """See `Map.update_object`."""
        if flags != b.BPF_ANY:
            raise EINVAL
        index = self.index(key)
        if index >= self.shape.max_entries:
            raise E2BIG
        thing = self._thing(file)
        thing.acquire()
        before = self.held.get(index)
        self.held[index] = thing
        if before is not None:
            before.release()

    def _thing(self, file: File) -> T:
        """Return what a descriptor stands for; ``EINVAL``."""
        raise NotImplementedError

    def delete(self, key: bytes) -> None:
        """See `Map.delete`."""
        index = self.index(key)
        if index >= self.shape.max_entries:
            raise E2BIG
        thing = self.held.pop(index, None)
        if thing is None:
            raise ENOENT
        thing.release()

    def freed(self) -> None:
        """See `BpfObject.freed`."""
        super().freed()
        self._let_go()

    def _let_go(self) -> None:
        held, self.held = self.held, {}
        for thing in held.values():
            thing.release()

    def _number(self, found: BpfObject | None) -> bytes:
        if found is None:
            raise ENOENT
        return found.id.to_bytes(4, "little")


class ProgramArray(_Objects["Program"]):
    """PROG_ARRAY: where bpf_tail_call() jumps to."""

    __slots__ = ()

    known_flags = b.BPF_F_NUMA_NODE

    def _thing(self, file: File) -> Program:
        if not isinstance(file, ProgramFile):
            raise EINVAL
        self.adopt(file.program.type)
        return file.program

    def adopt(self, kind: int) -> None:
        """Note that programs of a type use this; ``EINVAL`` if others do."""
        if self.owner is None:
            self.owner = (kind, False)
        elif self.owner[0] != kind:
            raise EINVAL

    def value(self, key: bytes) -> bytes:
        """See `Map.value`: the number of the program."""
        return self._number(self.held.get(self.index(key)))

    def clear(self) -> None:
        """Drop all programs: no process holds the map any more, only programs in it may."""
        self._let_go()


class PerfEventArray(_Objects["File"]):
    """PERF_EVENT_ARRAY: where bpf_perf_event_output() writes, by CPU."""

    __slots__ = ()

    known_flags = Map.known_flags | b.BPF_F_PRESERVE_ELEMS

    def _thing(self, file: File) -> File:
        if not isinstance(file, EventOutput):
            raise EINVAL
        return file

    def value(self, key: bytes) -> bytes:
        """See `Map.value`: an event has no number."""
        raise ENOTSUPP


def _inner(file: File, shape: Shape) -> Map:
    """Return the map that ``file`` stands for; ``EINVAL`` if the verifier did not expect it."""
    if not isinstance(file, MapFile):
        raise EINVAL
    expected = shape.inner
    found = file.map
    if expected is None or not same_shape(expected.shape, found.shape):
        raise EINVAL
    return found


def same_shape(one: Shape, other: Shape) -> bool:
    """Say whether a map may stand where another was shown to the verifier."""
    sized = one.type == b.BPF_MAP_TYPE_RINGBUF or (
        one.type == b.BPF_MAP_TYPE_ARRAY and not one.flags & b.BPF_F_INNER_MAP
    )
    if sized and one.max_entries != other.max_entries:
        return False
    return (one.type, one.key_size, one.value_size, one.flags) == (
        other.type, other.key_size, other.value_size, other.flags,
    )  # fmt: skip


class ArrayOfMaps(_Objects[Map]):
    """ARRAY_OF_MAPS."""

    __slots__ = ()

    known_flags = Map.known_flags

    def _thing(self, file: File) -> Map:
        return _inner(file, self.shape)

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`: what programs have of a map is its handle."""
        found = self.held.get(self.index(key))
        return 0 if found is None else found.handle

    def value(self, key: bytes) -> bytes:
        """See `Map.value`: the number of the map."""
        return self._number(self.held.get(self.index(key)))


class HashOfMaps(SlotMap):
    """HASH_OF_MAPS."""

    __slots__ = ("inner",)

    known_flags = Map.known_flags | b.BPF_F_NO_PREALLOC | b.BPF_F_ZERO_SEED
    holds_objects: ClassVar[bool] = True

    def __init__(self, shape: Shape, room: Room) -> None:
        super().__init__(shape, room)
        self.inner: dict[bytes, Map] = {}

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`."""
        super().check(shape)
        if shape.value_size != 4:
            raise EINVAL

    def lookup(self, key: bytes) -> int:
        """See `Map.lookup`: what programs have of a map is its handle."""
        found = self.inner.get(key)
        return 0 if found is None else found.handle

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """See `Map.update`: a program cannot."""
        raise EINVAL

    def update_object(self, key: bytes, file: File, flags: int) -> None:
        """See `Map.update_object`."""
        found = _inner(file, self.shape)
        before = self.inner.get(key)
        check_update(flags, there=before is not None)
        super().update(key, found.id.to_bytes(4, "little"), b.BPF_ANY)
        found.acquire()
        self.inner[key] = found
        if before is not None:
            before.release()

    def delete(self, key: bytes) -> None:
        """See `Map.delete`."""
        super().delete(key)
        self.inner.pop(key).release()

    def take(self, key: bytes) -> bytes:
        """See `Map.take`: not for this kind."""
        raise ENOTSUPP

    def freed(self) -> None:
        """See `BpfObject.freed`."""
        super().freed()
        inner, self.inner = self.inner, {}
        for found in inner.values():
            found.release()
