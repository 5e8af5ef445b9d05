"""Lab 6: a page-fault handler for private memory."""

from __future__ import annotations

from typing import Any

READ, WRITE, EXEC = 1, 2, 4  # what the program wanted


class LazyPages:
    """One handler for each program.

    ``memory`` offers:
      memory.regions()                      what the program was promised: start, end (bytes, end
                                            excluded), readable, writable, executable, grows_down
      memory.frame(page)                    the frame of page address >> 12, or None
      memory.zero_frame                     a frame of zeros that all may share, never writable
      memory.new_frame()                    a frame of zeros of your own
      memory.map(page, frame, writable=...) puts it there
      memory.grow(region, start)            extends a stack; False where that is not allowed
    """

    def fault(self, memory: Any, addr: int, access: int) -> bool:
        """Make ``addr`` permit ``access`` and return True; return False for SIGSEGV."""
        raise NotImplementedError("fault")
