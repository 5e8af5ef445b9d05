"""Who holds what: threads by open file, by end of a pipe, by address space, by lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from ...kernel.core.sched import State
from ...kernel.files.pipe import PipeEnd, PipeReader, PipeWriter

if TYPE_CHECKING:
    from ...kernel.files.fdtable import FdTable
    from ...kernel.files.file import File
    from ...kernel.files.pipe_buffer import PipeBuffer
    from ...kernel.kernel import Kernel
    from ...kernel.thread import Thread


class Holders:
    """An index over one kernel, as of now; good until a thread runs."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.threads = [t for t in kernel.threads.values() if t.state is not State.DONE]

    @cached_property
    def _tables(self) -> list[tuple[FdTable, list[int]]]:
        """Descriptor tables, each with the threads that share it."""
        found: dict[int, tuple[FdTable, list[int]]] = {}
        for thread in self.threads:
            found.setdefault(id(thread.fds), (thread.fds, []))[1].append(thread.tid)
        return list(found.values())

    @cached_property
    def _files(self) -> dict[File, set[int]]:
        found: dict[File, set[int]] = defaultdict(set)
        for table, tids in self._tables:
            for file in table.values():
                found[file].update(tids)
        return found

    @cached_property
    def _pipes(self) -> dict[PipeBuffer, list[PipeEnd]]:
        found: dict[PipeBuffer, list[PipeEnd]] = defaultdict(list)
        for file in self._files:
            if isinstance(file, PipeEnd):
                found[file.buffer].append(file)
        return found

    def of_file(self, file: File) -> set[int]:
        """Return the threads that have ``file`` open."""
        return set(self._files.get(file, ()))

    def where(self, wanted: Callable[[File], bool]) -> set[int]:
        """Return the threads that have a file open that ``wanted`` accepts."""
        return {tid for file, tids in self._files.items() if wanted(file) for tid in tids}

    def of_pipe_end(self, buffer: PipeBuffer, *, write: bool) -> tuple[set[int], bool]:
        """Return who holds one end, and whether somebody does who is no thread.

        The host's side of standard input and output is no open file; a descriptor on its way
        through a socket belongs to nobody yet.
        """
        kind = PipeWriter if write else PipeReader
        ends = [end for end in self._pipes.get(buffer, ()) if isinstance(end, kind)]
        count = buffer.writers if write else buffer.readers
        tids = {tid for end in ends for tid in self._files[end]}
        return tids, count > len(ends)

    def of_table(self, owner: object) -> set[int]:
        """Return the threads that use the descriptor table ``owner``."""
        return {tid for table, tids in self._tables if table is owner for tid in tids}

    def of_key(self, key: Hashable) -> set[int]:
        """Return the threads that can reach the word that a futex key names."""
        first = key[0] if isinstance(key, tuple) else None
        return {
            thread.tid
            for thread in self.threads
            if thread.mm is first
            or any(area.source is first for area in thread.mm.areas if first is not None)
        }

    def others(self, thread: Thread) -> set[int]:
        """Return every other thread of the system."""
        return {other.tid for other in self.threads if other is not thread}

    def name(self, tid: int) -> str:
        """Return "pid 7 (cat)", or "thread 9 of pid 7 (cat)"."""
        thread = self.kernel.threads.get(tid)
        return thread_name(thread) if thread is not None else f"thread {tid}"

    def numbers(self, thread: Thread, file: File) -> str:
        """Return " (fd 3)" for a file that ``thread`` has open."""
        fds = [str(fd) for fd, other in sorted(thread.fds.items()) if other is file]
        return f" (fd {', '.join(fds)})" if fds else ""


def thread_name(thread: Thread) -> str:
    """Return "pid 7 (cat)", or "thread 9 of pid 7 (cat)"."""
    comm = (thread.comm or thread.process.comm).decode(errors="replace")
    name = f"pid {thread.process.pid}" + (f" ({comm})" if comm else "")
    return name if thread.tid == thread.process.pid else f"thread {thread.tid} of {name}"


def in_order(tids: Iterable[int]) -> tuple[int, ...]:
    """Return thread numbers as a sorted tuple."""
    return tuple(sorted(tids))
