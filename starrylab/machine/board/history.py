"""Which pages programs went to before, as they are likely to go there again.

Every fault is a round trip, so the pages around one are mapped with it where programs used them
before: code and constants by address, whatever the process, for it may run the same program; and
what a process stored to, for itself and the processes that it forks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..api import EXEC, WRITE
from .spaces import Space

_CODE: Final = 64  #: pages before and behind a fetch
_DATA: Final = 16  #: before and behind a load
_STORES: Final = 8
MOST: Final = 2 * _CODE + 1  #: pages of one answer


class History:
    """Faults that were served."""

    def __init__(self) -> None:
        self._used: dict[int, set[int]] = {}  #: kind of access -> virtual pages

    def note(self, space: Space, vpn: int, access: int) -> None:
        """Note that user code went to a page."""
        if access == WRITE:
            space.stored.add(vpn)
        else:
            self._used.setdefault(access, set()).add(vpn)

    def near(self, space: Space, vpn: int, access: int) -> Iterator[int]:
        """Yield the pages around ``vpn`` that such an access is likely to go to."""
        if access == WRITE:
            known, reach = space.stored, _STORES
        else:
            known, reach = self._used.get(access, set()), _CODE if access == EXEC else _DATA
        return (near for near in range(vpn - reach, vpn + reach + 1) if near in known)
