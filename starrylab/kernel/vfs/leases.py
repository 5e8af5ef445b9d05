"""Leases: who has a file open hears of it before somebody else opens it (F_SETLEASE, fcntl(2)).

A lease belongs to an open file and is kept in the `LockTable` of its node.  An open that conflicts
breaks it: the holder gets a signal, and some seconds to give the lease up or to take a weaker one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...abi.errno import EAGAIN
from ...abi.fcntl import F_RDLCK, F_UNLCK, F_WRLCK
from .locks import LockTable
from .node import NodeOps

if TYPE_CHECKING:
    from ..files.file import File


class Lease:
    """A lease of an open file."""

    __slots__ = ("_ended", "_signal", "deadline", "kind", "pid", "target")

    def __init__(
        self, kind: int, pid: int, signal: Callable[[], object], ended: Callable[[], object]
    ) -> None:
        self.kind = kind  #: F_RDLCK or F_WRLCK
        self.pid = pid  #: who took it, for /proc/locks
        self.target: int | None = None  #: what it is to become, while it is broken
        self.deadline: int | None = None  #: when it becomes that by itself, monotonic ns
        self._signal = signal  #: tells the holder
        self._ended = ended  #: is told of the end

    def conflicts(self, *, writes: bool) -> bool:
        """Tell whether an open has to wait for the holder."""
        return writes or self.kind == F_WRLCK

    def start_to_break(self, target: int, deadline: int | None) -> None:
        """Ask the holder for ``target``, unless he was asked for as much."""
        if self.target == F_UNLCK or self.target == target:
            return
        self.target, self.deadline = target, deadline
        self._signal()

    def end(self) -> None:
        """Tell who counts leases."""
        self._ended()


def has_leases(node: NodeOps) -> bool:
    """Tell whether somebody has a lease of ``node``."""
    table: LockTable | None = node.bound(LockTable)
    return table is not None and bool(table.leases)


def change(table: LockTable, file: File, kind: int) -> None:
    """Give the lease of ``file`` another kind; F_UNLCK ends it.  Raises ``EAGAIN`` without one."""
    lease = table.leases.get(file)
    if lease is None:
        raise EAGAIN
    if kind == F_UNLCK:
        del table.leases[file]
        file.owner = file.signal = 0  # lease_modify() of Linux forgets both
        lease.end()
    else:
        lease.kind = kind
    lease.target = lease.deadline = None
    table.changed.wake()


def expire(table: LockTable, now: int) -> None:
    """End or weaken the leases whose holders took too long; ``now`` is monotonic ns."""
    for file, lease in list(table.leases.items()):
        if lease.deadline is not None and lease.deadline <= now and lease.target is not None:
            change(table, file, lease.target)


def start_to_break(table: LockTable, *, writes: bool, deadline: int | None) -> None:
    """Ask all holders who are in the way of an open, until ``deadline``."""
    target = F_UNLCK if writes else F_RDLCK
    for lease in list(table.leases.values()):
        if lease.conflicts(writes=writes):
            lease.start_to_break(target, deadline)


def in_the_way(table: LockTable, now: int, *, writes: bool) -> list[Lease]:
    """Return the leases for which an open has to wait still; ``now`` is monotonic ns."""
    expire(table, now)
    return [lease for lease in table.leases.values() if lease.conflicts(writes=writes)]
