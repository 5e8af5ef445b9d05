"""Lab 6: a page-fault handler for private memory."""

from __future__ import annotations

from typing import Any

READ, WRITE, EXEC = 1, 2, 4
_STACK_MOST = 8 << 20
_PAGE = 4096


class LazyPages:
    """One handler for each program."""

    def fault(self, memory: Any, addr: int, access: int) -> bool:
        """Make ``addr`` permit ``access`` and return True; return False for SIGSEGV."""
        region = self._region(memory, addr)
        if region is None:
            return False
        permitted = {READ: region.readable, WRITE: region.writable, EXEC: region.executable}
        if not permitted[access]:
            return False
        page = region.start >> 12
        if access == WRITE:
            memory.map(page, memory.new_frame(), writable=True)
        else:
            memory.map(page, memory.zero_frame, writable=False)
        return True

    def _region(self, memory: Any, addr: int) -> Any:
        for region in memory.regions():
            if region.start <= addr < region.end:
                return region
            if region.grows_down and region.end - _STACK_MOST <= addr < region.start:
                if not memory.grow(region, addr // _PAGE * _PAGE):
                    return None
                return region
        return None
