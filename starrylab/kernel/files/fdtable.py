"""The table of file descriptors (open(2), dup(2), fcntl(2), "File descriptors" in POSIX)."""

from __future__ import annotations

import heapq

from ...abi.errno import EBADF, EMFILE
from .file import File


class FdTable(dict[int, File]):
    """Descriptor -> open file description; a missing one raises ``EBADF`` on ``table[fd]``.

    A dict subclass, because the subscript is part of nearly every system call:
    ``__missing__`` costs nothing when the descriptor exists.
    """

    __slots__ = ("_free", "_next", "cloexec")

    def __init__(self) -> None:
        super().__init__()
        self.cloexec: set[int] = set()
        # Invariant: every free descriptor below _next is in _free.  It may also hold some that
        # were taken by number since, or are not below _next any more: install skips those, and
        # close thins out what comes back again and again, as a shell's redirections do.
        self._free: list[int] = []
        self._next = 0

    # A table is itself and no other: threads that share one own its record locks together.
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __missing__(self, fd: int) -> File:
        raise EBADF

    def install(self, file: File, limit: int, *, cloexec: bool = False, lowest: int = 0) -> int:
        """Bind ``file`` to the lowest free descriptor >= ``lowest`` and count the reference.

        Raises ``EMFILE`` when that is not below ``limit``.
        """
        if lowest:
            fd = lowest
            while fd in self:
                fd += 1
            if fd >= limit:
                raise EMFILE
            self._bind(fd, file)
        else:
            free = self._free
            while free and free[0] in self:
                heapq.heappop(free)
            following = self._next
            fd = free[0] if free and free[0] < following else following
            if fd >= limit:
                raise EMFILE
            if fd == following:
                self._next = fd + 1
            else:
                heapq.heappop(free)
            self[fd] = file
            file.refs += 1
        if cloexec:
            self.cloexec.add(fd)
        return fd

    def full(self, limit: int) -> bool:
        """Tell whether no descriptor below ``limit`` is free."""
        # More are open than the limit where it was lowered since; those above it do not count.
        return len(self) >= limit and all(fd in self for fd in range(limit))

    def replace(self, fd: int, file: File, *, cloexec: bool = False) -> None:
        """Bind ``file`` to ``fd``, closing what was there (dup2(2))."""
        old = self.get(fd)
        self._bind(fd, file)
        (self.cloexec.add if cloexec else self.cloexec.discard)(fd)
        if old is not None:
            old.drop_locks(self)
            old.release()

    def _bind(self, fd: int, file: File) -> None:
        if fd >= self._next:
            for skipped in range(self._next, fd):
                heapq.heappush(self._free, skipped)
            self._next = fd + 1
        self[fd] = file
        file.refs += 1

    def close(self, fd: int) -> None:
        """Unbind ``fd``; raise ``EBADF`` if it is not open."""
        file = self[fd]
        del self[fd]
        if self.cloexec:
            self.cloexec.discard(fd)
        if fd + 1 == self._next:  # the one that was opened last, as nearly always
            self._next = fd
        else:
            free = self._free
            heapq.heappush(free, fd)
            if len(free) > 2 * self._next:
                self._free = [n for n in range(self._next) if n not in self]
        file.drop_locks(self)
        file.release()

    def copy_table(self) -> FdTable:
        """Return a table of the same descriptions (fork(2))."""
        new = FdTable()
        new.update(self)
        new.cloexec = self.cloexec.copy()
        new._free = self._free.copy()
        new._next = self._next
        for file in self.values():
            file.refs += 1
        return new

    def close_on_exec(self) -> None:
        """Close every descriptor marked FD_CLOEXEC (execve(2))."""
        for fd in sorted(self.cloexec):
            self.close(fd)

    def close_all(self) -> None:
        """Close everything (the last holder exited)."""
        files = list(self.values())
        self.clear()
        self.cloexec.clear()
        self._free.clear()
        self._next = 0
        for file in files:
            file.drop_locks(self)
            file.release()
