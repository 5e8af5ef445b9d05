"""The board's cache of pages, by content: a program that ran there before is there already.

It outlives the session, and an image can bring pages along.  The host decides what is in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from ...base.page_key import page_key
from .monitor import Change, Fetch, Keep


class PageCache:
    """What is in which slot, least recently used first."""

    def __init__(self, slots: int, cached: Callable[[], list[int]]) -> None:
        keys = cached() if slots else []
        self._slots = OrderedDict((key, slot) for slot, key in enumerate(keys) if key)
        self.brought = bool(self._slots)  #: there was something in it before this session
        self._free = [
            slot for slot in reversed(range(slots)) if slot >= len(keys) or not keys[slot]
        ]
        self.hits = 0

    def has(self, page: bytes) -> bool:
        """Tell whether a page is there."""
        return page_key(page) in self._slots

    def fetch(self, page: bytes, at: int) -> Change | None:
        """Return the request that puts ``page`` at ``at``, if the board has it."""
        key = page_key(page)
        slot = self._slots.get(key)
        if slot is None:
            return None
        self._slots.move_to_end(key)
        self.hits += 1
        return Fetch(at, slot)

    def keep(self, page: bytes, at: int) -> Change | None:
        """Return the request that keeps ``page``, which is at ``at``; None: it is kept."""
        key = page_key(page)
        if key in self._slots:
            return None
        if self._free:
            slot = self._free.pop()
        elif self._slots:
            _, slot = self._slots.popitem(last=False)
        else:
            return None
        self._slots[key] = slot
        return Keep(slot, at, key)
