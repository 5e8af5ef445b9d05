"""Root file systems: built in, folders, archives, images, containers, Debian's packages."""

from __future__ import annotations

from .archive import read_archive
from .source import HostFolder, has_program, open_rootfs, shell_warning
from .tree import Entry, RootfsError, Tree, builtin_tree

__all__ = [
    "Entry",
    "HostFolder",
    "RootfsError",
    "Tree",
    "builtin_tree",
    "has_program",
    "open_rootfs",
    "read_archive",
    "shell_warning",
]
