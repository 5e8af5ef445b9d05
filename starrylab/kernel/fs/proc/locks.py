"""/proc/locks: who has locked what (proc_locks(5))."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...vfs.locks import LockTable
from ._declare import proc
from ._lock_rows import lock_rows

if TYPE_CHECKING:
    from ...files.file import File
    from ...kernel import Kernel


@proc("locks")
def locks(kernel: Kernel) -> str:
    """proc_locks(5). Each lock's file is open somewhere, so that is where they are found."""
    seen: set[int] = set()
    rows: list[str] = []
    for pid, file in _open_files(kernel):
        node = file.place.node if file.place is not None else None
        table: LockTable | None = None if node is None else node.bound(LockTable)
        if node is None or table is None or id(file) in seen:
            continue
        rows += lock_rows(table, node, file, pid, () if id(table) in seen else None)
        seen |= {id(file), id(table)}
    return "".join(f"{number}: {row}" for number, row in enumerate(rows, 1))


def _open_files(kernel: Kernel) -> Iterator[tuple[int, File]]:
    for pid, process in sorted(kernel.processes.items()):
        tables = {id(t.fds): t.fds for t in process.threads.values()}
        for table in tables.values():
            for fd in table:
                file = table.get(fd)
                if file is not None:
                    yield pid, file
