"""Lab 16: page faults of mapped files."""

from __future__ import annotations

from typing import Any

READ, WRITE, EXEC = 1, 2, 4


class Pager:
    """One for each program; everything that it maps from files goes through it, its code too."""

    def fault(self, memory: Any, mapping: Any, page: int, access: int) -> bool:
        """Make ``page`` (address >> 12) permit ``access`` and return True; False for SIGBUS."""
        index = (mapping.offset + (page << 12) - mapping.start) >> 12
        writes = access == WRITE
        frame = memory.file_frame(mapping, index, write=writes and mapping.shared)
        if frame is None:
            return False
        if writes:
            frame = memory.copy_frame(frame)
        memory.map(page, frame, writable=writes)
        return True
