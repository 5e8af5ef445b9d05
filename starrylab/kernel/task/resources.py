"""What clone(2) shares or copies, declared as scope items (design document 2.2)."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from ..core.scope import Item


def _no_default() -> NoReturn:
    raise LookupError("a thread's resources are set when it is made")


def _drop_files(table: Any) -> None:
    table.close_all()


def _drop_memory(space: Any) -> None:
    space.release()


#: The file descriptor table (CLONE_FILES).
FILES: Final[Item[Any]] = Item(
    "file descriptor table", _no_default, lambda table: table.copy_table(), _drop_files
)
#: Root and working directory, umask (CLONE_FS).
FS: Final[Item[Any]] = Item(
    "file system context",
    _no_default,
    lambda context: context.copy(),
    lambda context: context.close(),
)
#: Signal actions (CLONE_SIGHAND).
ACTIONS: Final[Item[Any]] = Item("signal actions", _no_default, lambda actions: actions.copy())
#: The address space (CLONE_VM).
MEMORY: Final[Item[Any]] = Item(
    "address space", _no_default, lambda space: space.fork(), _drop_memory
)
