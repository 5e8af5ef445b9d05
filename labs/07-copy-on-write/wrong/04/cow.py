"""Lab 7: what fork(2) does with the pages of a process."""

from __future__ import annotations

from typing import Any


class CowFork:
    """Shares at fork, copies at the first write, and not for the last owner."""

    def fork(self, parent: Any, child: Any) -> None:
        """Give the child, which has no pages yet, what the parent has."""
        for page in parent.pages():
            if parent.writable(page):
                parent.protect(page)
            child.map(page, parent.frame(page), writable=False)

    def write(self, memory: Any, page: int) -> None:
        """Serve a write to a page that is there but not writable; the program may write to it."""
        frame = memory.frame(page)
        memory.map(page, memory.copy_frame(frame), writable=True)
