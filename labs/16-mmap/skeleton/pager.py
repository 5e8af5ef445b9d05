"""Lab 16: page faults of mapped files."""

from __future__ import annotations

from typing import Any

READ, WRITE, EXEC = 1, 2, 4


class Pager:
    """One for each program; everything that it maps from files goes through it, its code too."""

    def fault(self, memory: Any, mapping: Any, page: int, access: int) -> bool:
        """Make ``page`` (address >> 12) permit ``access`` and return True; False for SIGBUS.

        ``mapping`` has start and end (byte addresses), offset (bytes: where start is in the file)
        and shared.  That the program may do ``access`` has been verified.

          memory.file_frame(mapping, index, write=...)  the page cache's frame of page ``index`` of
                          the file, or None behind its end; write=True marks it as changed
          memory.copy_frame(frame)               a new frame with the same content
          memory.map(page, frame, writable=...)  puts it there
        """
        raise NotImplementedError("fault")
