"""System V shared memory segments (sysvipc(7), design document 5.3.3).

A segment is `SharedPages` that a key and an identifier hold.  It lives until it is marked
for removal and nobody has it attached, in either order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from ...abi.capability import CAP_IPC_OWNER
from ...abi.errno import EACCES, EEXIST, EINVAL, ENOENT, ENOSPC
from ...abi.ipc import IPC_CREAT, IPC_EXCL, IPC_PRIVATE, SHM_HUGETLB
from ...base.cstruct import Struct, cstruct, i32, i64, u16, u32, u64
from ...machine.api import PAGE_MASK, PAGE_SHIFT
from .frames import FrameAllocator
from .shared import SharedPages

if TYPE_CHECKING:
    from .areas import Area
    from .source import Mapper

SHMMNI: Final = 4096  #: segments
SHMMAX: Final = (1 << 64) - 1 - (1 << 24)  #: bytes of one segment
SHMALL: Final = (1 << 64) - 1 - (1 << 24)  #: pages of all
SHMMIN: Final = 1
_SEQUENCE: Final = 1 << 15  #: an identifier is sequence * this + slot (IPCMNI)


@cstruct
class IpcPerm(Struct):
    """``struct ipc64_perm``."""

    key: i32
    uid: u32
    gid: u32
    cuid: u32
    cgid: u32
    mode: u32
    seq: u16
    pad2: u16
    unused1: u64
    unused2: u64


@cstruct
class ShmidDs(Struct):
    """``struct shmid64_ds``."""

    shm_perm: IpcPerm
    shm_segsz: u64
    shm_atime: i64
    shm_dtime: i64
    shm_ctime: i64
    shm_cpid: i32
    shm_lpid: i32
    shm_nattch: u64
    unused4: u64
    unused5: u64


@cstruct
class ShmInfo64(Struct):
    """``struct shminfo64`` (IPC_INFO)."""

    shmmax: u64
    shmmin: u64
    shmmni: u64
    shmseg: u64
    shmall: u64
    unused1: u64
    unused2: u64
    unused3: u64
    unused4: u64


@cstruct
class ShmInfo(Struct):
    """``struct shm_info`` (SHM_INFO)."""

    used_ids: i32
    pad: i32
    shm_tot: u64
    shm_rss: u64
    shm_swp: u64
    swap_attempts: u64
    swap_successes: u64


class Caller(Protocol):
    """Credentials, as permission checks need them."""

    @property
    def euid(self) -> int:
        """Effective user id."""
        ...

    @property
    def egid(self) -> int:
        """Effective group id."""
        ...

    def in_group(self, gid: int) -> bool:
        """Tell whether the caller belongs to ``gid``."""
        ...

    def capable_in(self, target: Any, cap: int) -> bool:
        """Tell whether a capability is effective in a user namespace."""
        ...


class Segment(SharedPages):
    """One segment."""

    __slots__ = ("atime", "cgid", "cpid", "ctime", "cuid", "dtime", "gid", "ipc_key", "locked",
                 "lpid", "mode", "removed", "seq", "shmid", "table", "uid")  # fmt: skip

    def __init__(
        self, table: ShmTable, shmid: int, key: int, size: int, mode: int, owner: Caller, pid: int,
        now: int,
    ) -> None:  # fmt: skip
        name = f"/SYSV{key & 0xFFFFFFFF:08x} (deleted)".encode()
        super().__init__(table.frames, size, (1, shmid), name)
        self.table = table
        self.shmid = shmid
        self.seq = shmid // _SEQUENCE
        self.ipc_key = key
        self.mode = mode  #: permission bits
        self.uid = self.cuid = owner.euid
        self.gid = self.cgid = owner.egid
        self.cpid = pid
        self.lpid = 0
        self.atime = self.dtime = 0  #: seconds
        self.ctime = now
        self.removed = False  #: SHM_DEST
        self.locked = False  #: SHM_LOCKED; without swap, memory is locked anyway

    @property
    def nattch(self) -> int:
        """How many areas show the segment."""
        return sum(self.mappers.values())

    def map_removed(self, space: Mapper, area: Area) -> None:
        """See `PageSource.map_removed`; the last one ends a segment marked for removal."""
        super().map_removed(space, area)
        if not self.mappers:
            self.table.detached(self)

    def check(self, caller: Caller, wanted: int) -> None:
        """Raise ``EACCES`` unless ``caller`` has the permission bits ``wanted`` (0..7)."""
        granted = self.mode
        if caller.euid in (self.cuid, self.uid):
            granted >>= 6
        elif caller.in_group(self.cgid) or caller.in_group(self.gid):
            granted >>= 3
        if wanted & ~granted & 7 and not caller.capable_in(self.table.user_ns, CAP_IPC_OWNER):
            raise EACCES

    def status(self) -> ShmidDs:
        """Return ``struct shmid_ds``."""
        mode = self.mode | (0o1000 if self.removed else 0) | (0o2000 if self.locked else 0)
        perm = IpcPerm(
            self.ipc_key, self.uid, self.gid, self.cuid, self.cgid, mode, self.seq & 0xFFFF
        )
        return ShmidDs(
            perm, self.size, self.atime, self.dtime, self.ctime, self.cpid, self.lpid, self.nattch
        )


class ShmTable:
    """The segments of one IPC namespace, which belongs to ``user_ns``."""

    def __init__(self, frames: FrameAllocator, user_ns: Any = None) -> None:
        self.frames = frames
        self.user_ns = user_ns
        self._slots: dict[int, Segment] = {}
        self._keys: dict[int, Segment] = {}
        self._sequence = 0

    def get(self, key: int, size: int, flags: int, caller: Caller, pid: int, now: int) -> Segment:
        """Find or make a segment (shmget(2)).

        Raises ``ENOENT``, ``EEXIST``, ``EINVAL``, ``EACCES``, ``ENOSPC``.
        """
        found = self._keys.get(key) if key != IPC_PRIVATE else None
        if found is None:
            if key != IPC_PRIVATE and not flags & IPC_CREAT:
                raise ENOENT
            return self._make(key, size, flags, caller, pid, now)
        if flags & IPC_CREAT and flags & IPC_EXCL:
            raise EEXIST
        if size > found.size:
            raise EINVAL
        found.check(caller, (flags >> 6 | flags >> 3 | flags) & 7)
        return found

    def _make(self, key: int, size: int, flags: int, caller: Caller, pid: int, now: int) -> Segment:
        if not SHMMIN <= size <= SHMMAX or flags & SHM_HUGETLB:
            raise EINVAL
        if len(self._slots) >= SHMMNI or self.pages() + (size >> PAGE_SHIFT) > SHMALL:
            raise ENOSPC
        slot = next(i for i in range(SHMMNI) if i not in self._slots)
        shmid = self._sequence * _SEQUENCE + slot
        self._sequence = (self._sequence + 1) & 0xFFFF
        segment = Segment(self, shmid, key, size, flags & 0o777, caller, pid, now)
        segment.hold()
        self._slots[slot] = segment
        if key != IPC_PRIVATE:
            self._keys[key] = segment
        return segment

    def find(self, shmid: int) -> Segment:
        """Return the segment with an identifier; raise ``EINVAL``."""
        segment = self._slots.get(shmid % _SEQUENCE) if shmid >= 0 else None
        if segment is None or segment.shmid != shmid:
            raise EINVAL
        return segment

    def at(self, slot: int) -> Segment:
        """Return the segment in a slot (SHM_STAT); raise ``EINVAL``."""
        try:
            return self._slots[slot]
        except KeyError:
            raise EINVAL from None

    def remove(self, segment: Segment) -> None:
        """Mark a segment for removal (IPC_RMID): its key is free at once."""
        if segment.removed:
            return
        segment.removed = True
        if self._keys.get(segment.ipc_key) is segment:
            del self._keys[segment.ipc_key]
        segment.ipc_key = IPC_PRIVATE
        if not segment.mappers:
            self.detached(segment)
        segment.drop()

    def detached(self, segment: Segment) -> None:
        """Forget a segment that is marked and no longer attached."""
        if segment.removed:
            self._slots.pop(segment.shmid % _SEQUENCE, None)

    def pages(self) -> int:
        """Return the pages that all segments may take."""
        return sum((s.size + PAGE_MASK) >> PAGE_SHIFT for s in self._slots.values())

    def highest_slot(self) -> int:
        """Return the highest slot in use, 0 for none."""
        return max(self._slots, default=0)

    def __iter__(self) -> Iterator[Segment]:
        return iter([self._slots[slot] for slot in sorted(self._slots)])

    def __len__(self) -> int:
        return len(self._slots)
