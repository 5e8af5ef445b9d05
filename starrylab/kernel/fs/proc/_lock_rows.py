"""Locks as /proc/locks and fdinfo show them (proc_locks(5))."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ....abi.fcntl import F_RDLCK, F_UNLCK, F_WRLCK
from ...vfs.locks import TO_THE_END, LockTable

if TYPE_CHECKING:
    from ...files.file import File
    from ...vfs.leases import Lease
    from ...vfs.node import NodeOps

_MODES: Final = {F_RDLCK: "READ", F_WRLCK: "WRITE", F_UNLCK: "UNLCK"}


def lock_rows(
    table: LockTable, node: NodeOps, file: File, pid: int, owners: tuple[object, ...] | None = None
) -> Iterator[str]:
    """Yield a line for the flock of ``file``, of process ``pid``, and one for each record lock.

    ``owners``: only the record locks of these; ``()``: none.
    """
    device = f"{node.fs.dev >> 8 & 0xFFF:02x}:{node.fs.dev & 0xFF:02x}:{node.ino}"
    if file in table.flocks:
        yield _row("FLOCK", table.flocks[file], pid, device, 0, TO_THE_END)
    if file in table.leases:
        yield _lease_row(table.leases[file], device)
    for lock in table:
        if owners is None or lock.owner in owners:
            kind = "OFDLCK" if lock.pid == -1 else "POSIX"
            yield _row(kind, lock.exclusive, lock.pid, device, lock.start, lock.end)


def _lease_row(lease: Lease, device: str) -> str:
    state = "ACTIVE" if lease.target is None else "BREAKING"
    mode = _MODES[lease.kind if lease.target is None else lease.target]
    return f"LEASE  {state:<9} {mode} {lease.pid} {device} 0 EOF\n"


def _row(kind: str, exclusive: bool, pid: int, device: str, start: int, end: int) -> str:
    mode = "WRITE" if exclusive else "READ "
    last = "EOF" if end == TO_THE_END else str(end)
    return f"{kind:<6} ADVISORY  {mode} {pid} {device} {start} {last}\n"
