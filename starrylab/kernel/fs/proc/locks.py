"""/proc/locks: who has locked what (proc_locks(5))."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...vfs.locks import TO_THE_END, LockTable
from ._declare import proc

if TYPE_CHECKING:
    from ...files.file import File
    from ...kernel import Kernel

_WHOLE = (0, TO_THE_END)


@proc("locks")
def locks(kernel: Kernel) -> str:
    """proc_locks(5). Each lock's file is open somewhere, so that is where they are found."""
    seen: set[int] = set()
    rows = []
    for pid, file in _open_files(kernel):
        node = file.place.node if file.place is not None else None
        table: LockTable | None = None if node is None else node.bound(LockTable)
        if node is None or table is None:
            continue
        device = f"{node.fs.dev >> 8 & 0xFFF:02x}:{node.fs.dev & 0xFF:02x}:{node.ino}"
        if file in table.flocks and id(file) not in seen:
            seen.add(id(file))
            rows.append(_row("FLOCK", table.flocks[file], pid, device, *_WHOLE))
        if id(table) not in seen:
            seen.add(id(table))
            for lock in table:
                kind = "OFDLCK" if lock.pid == -1 else "POSIX"
                rows.append(_row(kind, lock.exclusive, lock.pid, device, lock.start, lock.end))
    return "".join(f"{number}: {row}" for number, row in enumerate(rows, 1))


def _open_files(kernel: Kernel) -> Iterator[tuple[int, File]]:
    for pid, process in sorted(kernel.processes.items()):
        tables = {id(t.fds): t.fds for t in process.threads.values()}
        for table in tables.values():
            for fd in table:
                file = table.get(fd)
                if file is not None:
                    yield pid, file


def _row(kind: str, exclusive: bool, pid: int, device: str, start: int, end: int) -> str:
    mode = "WRITE" if exclusive else "READ "
    return f"{kind:<6} ADVISORY  {mode} {pid} {device} {start} " + (
        "EOF\n" if end == TO_THE_END else f"{end}\n"
    )
