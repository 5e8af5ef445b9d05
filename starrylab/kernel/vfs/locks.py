"""Advisory locks: record locks and flock (fcntl_locking(2), flock(2)); leases (`leases`).

A ``LockTable`` is bound to a node.  It never waits: a request that conflicts raises
``EAGAIN``, and the system call registers with `changed` and tries again.  Owners are
opaque objects: the descriptor table for POSIX locks (as in Linux, where threads that share
the table share its locks), the open file for the other two kinds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import EAGAIN, EDEADLK
from ..core.poll import PollSet
from .node import NodeOps

if TYPE_CHECKING:
    from ..files.file import File
    from .leases import Lease

TO_THE_END: Final = (1 << 63) - 1  #: the last byte of a lock with l_len 0


class Lock:
    """Bytes ``start`` to ``end``, both included, locked by ``owner``."""

    __slots__ = ("end", "exclusive", "owner", "pid", "start")

    def __init__(self, owner: object, pid: int, start: int, end: int, exclusive: bool) -> None:
        self.owner = owner
        self.pid = pid  #: for F_GETLK; -1 for locks of open file descriptions
        self.start = start
        self.end = end
        self.exclusive = exclusive


class WaitGraph:
    """Which owner waits for which, to find deadlocks; one for the whole kernel."""

    def __init__(self) -> None:
        self._blocked: dict[object, object] = {}

    def wait(self, owner: object, holder: object) -> None:
        """Note that ``owner`` waits for ``holder``; raise ``EDEADLK`` for a circle."""
        step: object | None = holder
        for _ in range(len(self._blocked) + 1):
            if step is owner:
                raise EDEADLK
            step = self._blocked.get(step)
            if step is None:
                break
        self._blocked[owner] = holder

    def done(self, owner: object) -> None:
        """``owner`` does not wait any more."""
        self._blocked.pop(owner, None)


class LockTable:
    """The record locks, the flock and the leases of one node."""

    __slots__ = ("changed", "flocks", "leases", "records")

    def __init__(self) -> None:
        self.records: list[Lock] = []  #: sorted by start; those of one owner do not overlap
        self.flocks: dict[object, bool] = {}  #: open file -> exclusive
        self.leases: dict[File, Lease] = {}  #: of open files
        self.changed = PollSet()

    @staticmethod
    def of(node: NodeOps) -> LockTable:
        """Return the table of a node, made now if it has none."""
        table: LockTable | None = node.bound(LockTable)
        return table if table is not None else node.bind(LockTable, LockTable())

    def conflict(self, owner: object, start: int, end: int, exclusive: bool) -> Lock | None:
        """Return a lock of somebody else that forbids this one."""
        for lock in self.records:
            if (
                lock.start <= end
                and start <= lock.end
                and lock.owner is not owner
                and (exclusive or lock.exclusive)
            ):
                return lock
        return None

    def acquire(self, new: Lock) -> None:
        """Lock a range, replacing what the owner held of it; raise ``EAGAIN``."""
        if self.conflict(new.owner, new.start, new.end, new.exclusive) is not None:
            raise EAGAIN
        before = [lock for lock in self.records if lock.owner is new.owner]
        weakened = any(lock.exclusive for lock in before) and not new.exclusive
        self._cut(new.owner, new.start, new.end)
        self._insert(new)
        if weakened:
            self.changed.wake()

    def release(self, owner: object, start: int = 0, end: int = TO_THE_END) -> None:
        """Unlock a range of ``owner``'s locks."""
        if self._cut(owner, start, end):
            self.changed.wake()

    def _cut(self, owner: object, start: int, end: int) -> bool:
        kept: list[Lock] = []
        cut = False
        for lock in self.records:
            if lock.owner is not owner or lock.end < start or end < lock.start:
                kept.append(lock)
                continue
            cut = True
            if lock.start < start:
                kept.append(Lock(owner, lock.pid, lock.start, start - 1, lock.exclusive))
            if lock.end > end:
                kept.append(Lock(owner, lock.pid, end + 1, lock.end, lock.exclusive))
        self.records = kept
        return cut

    def _insert(self, new: Lock) -> None:
        """Add a lock, joined with neighbours of the same owner and kind."""
        kept = []
        for lock in self.records:
            if (
                lock.owner is new.owner
                and lock.exclusive == new.exclusive
                and lock.start <= new.end + 1
                and new.start <= lock.end + 1
            ):
                new.start = min(new.start, lock.start)
                new.end = max(new.end, lock.end)
            else:
                kept.append(lock)
        kept.append(new)
        kept.sort(key=lambda lock: lock.start)
        self.records = kept

    def flock(self, file: object, exclusive: bool) -> None:
        """Lock the whole file for an open file, converting a lock it has; raise ``EAGAIN``."""
        others = [kind for holder, kind in self.flocks.items() if holder is not file]
        if any(others) or (exclusive and others):
            # A conversion is not atomic: flock(2) may lose the old lock, and does.
            self.unflock(file)
            raise EAGAIN
        weakened = self.flocks.get(file, False) and not exclusive
        self.flocks[file] = exclusive
        if weakened:
            self.changed.wake()

    def unflock(self, file: object) -> None:
        """Release the flock of an open file, if it has one."""
        if self.flocks.pop(file, None) is not None:
            self.changed.wake()

    def closed(self, file: File) -> None:
        """Release everything an open file held (its last descriptor went)."""
        self.unflock(file)
        self.release(file)
        lease = self.leases.pop(file, None)
        if lease is not None:
            lease.end()
            self.changed.wake()

    def __iter__(self) -> Iterator[Lock]:
        return iter(self.records)


def drop_process_locks(node: NodeOps, owner: object) -> None:
    """Release the POSIX locks of ``owner``: it closed a descriptor of the node."""
    data: dict[type, Any] | None = node.data
    if data is not None and LockTable in data:
        data[LockTable].release(owner)
