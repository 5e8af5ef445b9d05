"""Lab 7: what fork(2) does with the pages of a process."""

from __future__ import annotations

from typing import Any


class CowFork:
    """``parent``, ``child`` and ``memory`` are the pages of one process each.

    They offer:
      memory.pages()                        the numbers of the pages that are there
      memory.frame(page)                    the frame of a page
      memory.writable(page)                 whether a write to it is served without a fault
      memory.references(frame)              how many pages, of all processes, have this frame
      memory.copy_frame(frame)              a new frame with the same content
      memory.map(page, frame, writable=...) puts a frame there; what was there is given back
      memory.protect(page)                  lets the next write to it be a fault
      memory.zero_frame                     the frame of zeros that all share
    """

    def fork(self, parent: Any, child: Any) -> None:
        """Give the child, which has no pages yet, what the parent has."""
        raise NotImplementedError("fork")

    def write(self, memory: Any, page: int) -> None:
        """Serve a write to a page that is there but not writable; the program may write to it."""
        raise NotImplementedError("write")
