"""Lab 15: rename(2) for a file system in memory."""

from __future__ import annotations

from typing import Any

from starrylab.labs.calls import ENOTEMPTY


def rename(source: Any, name: bytes, target: Any, new_name: bytes, exchange: bool) -> None:
    """Move ``name`` of directory ``source`` to ``new_name`` of directory ``target``."""
    item, old = source.get(name), target.get(new_name)
    if exchange:
        source.put(name, old)
        target.put(new_name, item)
        gained = item.is_directory - old.is_directory
    else:
        if old is not None:
            if old.is_directory and not old.empty:
                raise ENOTEMPTY
            target.discard(new_name)
            target.links -= old.is_directory
        source.remove(name)
        target.put(new_name, item)
        gained = int(item.is_directory)
    source.links -= gained
    target.links += gained
