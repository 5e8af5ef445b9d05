"""What all maps have (bpf(2), "eBPF maps"; ``kernel/bpf/syscall.c``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from ....abi import bpf as b
from ....abi.errno import E2BIG, EEXIST, EINVAL, ENOENT, ENOTSUPP, EPERM
from ...core.poll import PollSet
from ...ipc.objects import Charge
from ..memory import LARGEST, Memory, Store
from ..objects import BpfObject

if TYPE_CHECKING:
    from ...files.file import File
    from ...mm.frames import FrameAllocator
    from ...mm.heap import KernelHeap
    from ...mm.shared import SharedPages

CPUS: Final = 1  #: of the machine
ACCESS_FLAGS: Final = b.BPF_F_RDONLY | b.BPF_F_WRONLY | b.BPF_F_RDONLY_PROG | b.BPF_F_WRONLY_PROG
_USER: Final = b.BPF_F_RDONLY | b.BPF_F_WRONLY
_PROGRAM: Final = b.BPF_F_RDONLY_PROG | b.BPF_F_WRONLY_PROG
_ENTRY: Final = 48  #: bytes of the kernel that an entry of a table takes besides key and value
_LARGEST_ENTRY: Final = 1 << 22  #: KMALLOC_MAX_SIZE


@dataclass(frozen=True)
class Shape:
    """What BPF_MAP_CREATE says of a map."""

    type: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    name: bytes = b""
    extra: int = 0
    btf: BpfObject | None = None
    btf_key: int = 0
    btf_value: int = 0
    inner: Map | None = None  #: what the maps in this one look like


@dataclass(frozen=True)
class Room:
    """Where maps live."""

    memory: Memory
    frames: FrameAllocator | None = None
    heap: KernelHeap | None = None
    handles: dict[int, Map] = field(default_factory=dict)  #: the maps, as programs name them


def round_up(value: int, unit: int) -> int:
    """Return the least multiple of ``unit`` that is not below ``value``."""
    return -(-value // unit) * unit


class Map(BpfObject):
    """One map.  Keys and values are bytes; a subclass overrides what its kind supports.

    Programs get the address of a value, and see it change.  What a program must not do with a
    kind of map is the verifier's business; what a process must not do raises ``ENOTSUPP`` here.
    """

    __slots__ = (
        "_charge", "base", "frozen", "handle", "owner", "readers", "room", "shape", "store",
        "users", "value_room",
    )  # fmt: skip

    known_flags: ClassVar[int] = b.BPF_F_NUMA_NODE | ACCESS_FLAGS
    per_cpu: ClassVar[bool] = False
    holds_objects: ClassVar[bool] = False  #: the values of a process are descriptors

    def __init__(self, shape: Shape, room: Room) -> None:
        super().__init__()
        self.shape = shape
        self.room = room
        self.frozen = False
        self.users = 0  #: descriptors and pins
        self.owner: tuple[int, bool] | None = None  #: of a table of programs: the type of these
        self.readers = PollSet()
        self.store: Store = bytearray()
        self.base = 0
        #: What programs have instead of a ``struct bpf_map *``.
        self.handle = room.memory.add(bytearray())
        room.handles[self.handle] = self
        self.value_room = round_up(shape.value_size, 8)  #: bytes of a value in `store`
        self._charge = Charge(room.heap)
        if shape.btf is not None:
            shape.btf.acquire()
        if shape.inner is not None:
            shape.inner.acquire()

    @classmethod
    def check(cls, shape: Shape) -> None:
        """Raise ``EINVAL``, ``E2BIG`` or ``ENOTSUPP`` for a shape that no such map can have."""
        if shape.flags & ~cls.known_flags or not shape.max_entries:
            raise EINVAL
        if shape.flags & _USER == _USER or shape.flags & _PROGRAM == _PROGRAM:
            raise EINVAL
        if shape.extra and shape.type != b.BPF_MAP_TYPE_BLOOM_FILTER:
            raise EINVAL
        if shape.key_size + shape.value_size >= _LARGEST_ENTRY:
            raise E2BIG

    def setup(self) -> None:
        """Get memory; raise ``ENOMEM``, ``E2BIG``."""
        self._charge.cover(self.cost())
        self._make_store(self.shape.max_entries * self.value_room)

    def _make_store(self, size: int) -> None:
        if size > LARGEST:
            raise E2BIG
        self.store = bytearray(size)
        self.base = self.room.memory.add(self.store)

    def cost(self) -> int:
        """Return the bytes of kernel memory that it takes."""
        shape = self.shape
        return shape.max_entries * (_ENTRY + round_up(shape.key_size, 8) + self.value_room)

    def freed(self) -> None:
        """See `BpfObject.freed`."""
        if self.base:
            self.room.memory.remove(self.base)
        self.room.memory.remove(self.handle)
        del self.room.handles[self.handle]
        self._charge.end()
        if self.shape.btf is not None:
            self.shape.btf.release()
        if self.shape.inner is not None:
            self.shape.inner.release()

    def drop_user(self) -> None:
        """Note that a process gave up a descriptor, or a pin went."""
        self.users -= 1
        if not self.users:
            self.clear()

    def clear(self) -> None:
        """Drop what may lead back here: no process holds the map any more."""

    def available(self) -> int:
        """Return bytes that wait to be read, for poll(2)."""
        return 0

    @property
    def user_value_size(self) -> int:
        """Bytes of a value as a process reads and writes it: of all CPUs, in some kinds."""
        return self.value_room * CPUS if self.per_cpu else self.shape.value_size

    # -- what programs do -----------------------------------------------------------------

    def lookup(self, key: bytes) -> int:
        """Return the address of a value, 0 if there is none."""
        raise ENOTSUPP

    # -- what programs and processes do ---------------------------------------------------

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        """Set a value; raise ``EEXIST``, ``ENOENT``, ``E2BIG``, ``EINVAL``."""
        raise ENOTSUPP

    def delete(self, key: bytes) -> None:
        """Remove an entry; raise ``ENOENT``, ``EINVAL``."""
        raise ENOTSUPP

    # -- what processes do ----------------------------------------------------------------

    def value(self, key: bytes) -> bytes:
        """Return a value; raise ``ENOENT``."""
        raise ENOTSUPP

    def take(self, key: bytes) -> bytes:
        """Remove an entry and return its value; raise ``ENOENT``."""
        raise ENOTSUPP

    def next_key(self, key: bytes | None) -> bytes:
        """Return the key after ``key``, or the first; raise ``ENOENT`` after the last."""
        raise ENOTSUPP

    def update_object(self, key: bytes, file: File, flags: int) -> None:
        """Put what a descriptor refers to into a map of objects."""
        raise ENOTSUPP

    def pages(self) -> SharedPages | None:
        """Return what mmap(2) maps."""
        return None

    def may_write(self) -> None:
        """Raise ``EPERM`` if processes may not write any more."""
        if self.frozen:
            raise EPERM

    def all_keys(self) -> Iterator[bytes]:
        """Yield the keys, as a process finds them."""
        raise ENOTSUPP

    # -- for the subclasses ---------------------------------------------------------------

    def get_slot(self, slot: int) -> bytes:
        """Return the value in a slot of the store."""
        start = slot * self.value_room
        return bytes(self.store[start : start + self.user_value_size])

    def set_slot(self, slot: int, value: bytes) -> None:
        """Set the value in a slot of the store."""
        start = slot * self.value_room
        self.store[start : start + len(value)] = value


def check_update(flags: int, *, there: bool) -> None:
    """Raise what the flags of an update ask for: ``EEXIST``, ``ENOENT``, ``EINVAL``."""
    if flags & ~b.BPF_F_LOCK > b.BPF_EXIST or flags & b.BPF_F_LOCK:
        raise EINVAL
    if there and flags == b.BPF_NOEXIST:
        raise EEXIST
    if not there and flags == b.BPF_EXIST:
        raise ENOENT
