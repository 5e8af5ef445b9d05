"""Lab 15: rename(2) for a file system in memory."""

from __future__ import annotations

from typing import Any

from starrylab.labs.calls import ENOTEMPTY


def rename(source: Any, name: bytes, target: Any, new_name: bytes, exchange: bool) -> None:
    """Move ``name`` of directory ``source`` to ``new_name`` of directory ``target``.

    Where ``exchange`` is true both names are there, and swap what they stand for.  Otherwise
    what ``new_name`` stood for is replaced; ENOTEMPTY if that is a directory with names in it.

    A directory offers:
      directory.get(name)        what the name stands for, an item, or None
      directory.put(name, item)  lets a name stand for an item
      directory.remove(name)     forgets a name; the item and its links stay as they are
      directory.discard(name)    forgets a name and one link of its item
      directory.links            may be set
      item.is_directory, item.empty, item.links

    The kernel has verified that both directories are of this file system, that nothing is moved
    into itself, that a directory does not replace a file or the reverse, and the permissions.
    """
    raise NotImplementedError("rename")
