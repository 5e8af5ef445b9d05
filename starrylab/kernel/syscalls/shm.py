"""System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_IPC_LOCK, CAP_SYS_ADMIN
from ...abi.errno import EEXIST, EINVAL, EPERM
from ...abi.ipc import (
    IPC_INFO,
    IPC_RMID,
    IPC_SET,
    IPC_STAT,
    SHM_EXEC,
    SHM_INFO,
    SHM_LOCK,
    SHM_RDONLY,
    SHM_REMAP,
    SHM_RND,
    SHM_STAT,
    SHM_STAT_ANY,
    SHM_UNLOCK,
)
from ...abi.mman import MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_SHARED
from ...abi.resource import RLIMIT_MEMLOCK
from ...machine.api import EXEC, PAGE_MASK, READ, WRITE
from ..mm.areas import VM_NOWRITE
from ..mm.sysv import SHMALL, SHMMAX, SHMMIN, SHMMNI, Segment, ShmidDs, ShmInfo, ShmInfo64, ShmTable
from ._declare import syscall
from ._ipc_ids import meant_owner, shown_status
from ._shown import IpcCommand, ShmAtFlags, ShmGetFlags
from ._types import Int, Ptr, Size

if TYPE_CHECKING:
    from ..thread import Thread

_NS: Final = 1_000_000_000
_R, _W, _X = 4, 2, 1  # permission bits of a mode


def _table(t: Thread) -> ShmTable:
    return t.namespaces.ipc.shm


def _now(t: Thread) -> int:
    return t.kernel.clock.realtime() // _NS


@syscall()
def shmget(t: Thread, key: Int, size: Size, flags: ShmGetFlags) -> int:
    """shmget(2)."""
    return _table(t).get(key, size, flags, t.cred, t.process.pid, _now(t)).shmid


@syscall()
def shmat(t: Thread, shmid: Int, addr: Ptr, flags: ShmAtFlags) -> Ptr:
    """shmat(2)."""
    segment = _table(t).find(shmid)
    if addr & PAGE_MASK:
        if not flags & SHM_RND:
            raise EINVAL
        addr &= ~PAGE_MASK
        if not addr and flags & SHM_REMAP:
            raise EINVAL
    elif not addr and flags & SHM_REMAP:
        raise EINVAL
    prot, wanted = READ, _R
    if not flags & SHM_RDONLY:
        prot, wanted = prot | WRITE, wanted | _W
    if flags & SHM_EXEC:
        prot, wanted = prot | EXEC, wanted | _X
    segment.check(t.cred, wanted)
    how = MAP_SHARED
    if addr:
        how |= MAP_FIXED if flags & SHM_REMAP else MAP_FIXED_NOREPLACE
    vm_flags = VM_NOWRITE if flags & SHM_RDONLY else 0
    try:
        where = t.mm.map(addr, segment.size, prot, how, source=segment, vm_flags=vm_flags)
    except EEXIST:
        raise EINVAL from None
    segment.atime, segment.lpid = _now(t), t.process.pid
    return where


@syscall()
def shmdt(t: Thread, addr: Ptr) -> None:
    """shmdt(2)."""
    mm = t.mm
    # munmap and mprotect may have split the attachment: its parts are known by their offset.
    first = mm.find(addr)
    parts = [
        area
        for area in mm.areas
        if isinstance(area.source, Segment) and area.start - area.offset == addr
    ]
    if addr & PAGE_MASK or not parts or (first is not None and first not in parts):
        raise EINVAL
    segment = parts[0].source
    assert isinstance(segment, Segment)
    segment.dtime, segment.lpid = _now(t), t.process.pid
    for area in parts:
        if area.source is segment:
            mm.unmap_range(area.start, area.end)


@syscall()
def shmctl(t: Thread, shmid: Int, cmd: IpcCommand, buf: Ptr) -> int:
    """shmctl(2)."""
    action = _ACTIONS.get(cmd)
    if action is None or shmid < 0:
        raise EINVAL
    return action(t, shmid, buf)


def _status(t: Thread, found: Segment) -> ShmidDs:
    return shown_status(t, found.status(), "shm_perm", "shm_cpid", "shm_lpid")


def _stat(t: Thread, shmid: int, buf: int) -> int:
    segment = _table(t).find(shmid)
    segment.check(t.cred, _R)
    t.mm.write_struct(buf, _status(t, segment))
    return 0


def _slot_stat(t: Thread, slot: int, buf: int) -> int:
    segment = _table(t).at(slot)
    segment.check(t.cred, _R)
    t.mm.write_struct(buf, _status(t, segment))
    return segment.shmid


def _slot_stat_any(t: Thread, slot: int, buf: int) -> int:
    segment = _table(t).at(slot)
    t.mm.write_struct(buf, _status(t, segment))
    return segment.shmid


def _owned(t: Thread, shmid: int) -> Segment:
    segment = _table(t).find(shmid)
    if t.cred.euid not in (segment.uid, segment.cuid):
        t.cred.require_in(t.namespaces.ipc.user_ns, CAP_SYS_ADMIN)
    return segment


def _set(t: Thread, shmid: int, buf: int) -> int:
    wanted = t.mm.read_struct(ShmidDs, buf).shm_perm
    segment = _owned(t, shmid)
    meant_owner(t, wanted)
    segment.uid, segment.gid = wanted.uid, wanted.gid
    segment.mode = wanted.mode & 0o777
    segment.ctime = _now(t)
    return 0


def _remove(t: Thread, shmid: int, buf: int) -> int:
    _table(t).remove(_owned(t, shmid))
    return 0


def _lock(t: Thread, shmid: int, buf: int) -> int:
    _may_lock(t, _table(t).find(shmid)).locked = True
    return 0


def _unlock(t: Thread, shmid: int, buf: int) -> int:
    _may_lock(t, _table(t).find(shmid)).locked = False
    return 0


def _may_lock(t: Thread, segment: Segment) -> Segment:
    if not t.cred.capable_in(t.namespaces.ipc.user_ns, CAP_IPC_LOCK):
        owner = t.cred.euid in (segment.uid, segment.cuid)
        if not owner or not t.process.limits.soft(RLIMIT_MEMLOCK):
            raise EPERM
    return segment


def _limits(t: Thread, shmid: int, buf: int) -> int:
    t.mm.write_struct(buf, ShmInfo64(SHMMAX, SHMMIN, SHMMNI, SHMMNI, SHMALL))
    return _table(t).highest_slot()


def _info(t: Thread, shmid: int, buf: int) -> int:
    table = _table(t)
    resident = sum(len(segment.pages) for segment in table)
    t.mm.write_struct(buf, ShmInfo(len(table), 0, table.pages(), resident))
    return table.highest_slot()


_ACTIONS: Final[dict[int, Callable[[Thread, int, int], int]]] = {
    IPC_STAT: _stat,
    SHM_STAT: _slot_stat,
    SHM_STAT_ANY: _slot_stat_any,
    IPC_SET: _set,
    IPC_RMID: _remove,
    SHM_LOCK: _lock,
    SHM_UNLOCK: _unlock,
    IPC_INFO: _limits,
    SHM_INFO: _info,
}
