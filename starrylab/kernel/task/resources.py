"""What clone(2) shares or copies, declared as scope items (design document 2.2)."""

from __future__ import annotations

from operator import methodcaller
from typing import Any, Final, NoReturn

from ..core.scope import Item


def _no_default() -> NoReturn:
    raise LookupError("a thread's resources are set when it is made")


# Made by `methodcaller`, for a fork calls each of them: it spares a Python function.
#: The file descriptor table (CLONE_FILES).
FILES: Final[Item[Any]] = Item(
    "file descriptor table", _no_default, methodcaller("copy_table"), methodcaller("close_all")
)
#: Root and working directory, umask (CLONE_FS).
FS: Final[Item[Any]] = Item(
    "file system context", _no_default, methodcaller("copy"), methodcaller("close")
)
#: Signal actions (CLONE_SIGHAND).
ACTIONS: Final[Item[Any]] = Item("signal actions", _no_default, methodcaller("copy"))
#: The address space (CLONE_VM).
MEMORY: Final[Item[Any]] = Item(
    "address space", _no_default, methodcaller("fork"), methodcaller("release")
)
