"""Tricks with names in directories that everybody may write to, and what refuses them.

proc_sys_fs(5): protected_symlinks, protected_hardlinks, protected_fifos, protected_regular. All
are off at first, as in Linux; distributions turn them on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...abi.errno import EACCES, EPERM
from ...abi.stat import (
    S_IFIFO,
    S_IFMT,
    S_IFREG,
    S_ISGID,
    S_ISUID,
    S_ISVTX,
    S_IWGRP,
    S_IWOTH,
    S_IXGRP,
)
from .permission import MAY_READ, MAY_WRITE, allowed, is_owner

if TYPE_CHECKING:
    from .node import Credentials, NodeOps

_EVERYBODYS = S_ISVTX | S_IWOTH


@dataclass(slots=True)
class Protections:
    """Which tricks are refused; one object for all processes."""

    symlinks: int = 0
    hardlinks: int = 0
    fifos: int = 0  #: 1: where everybody may write, 2: where the group may, too
    regular: int = 0  #: the same

    def check_follow(self, directory: NodeOps, link: NodeOps, cred: Credentials) -> None:
        """Raise ``EACCES`` for another's link at a path's end (may_follow_link())."""
        if (
            self.symlinks
            and directory.mode & _EVERYBODYS == _EVERYBODYS
            and link.uid not in (cred.fsuid, directory.uid)
        ):
            raise EACCES

    def check_link(self, node: NodeOps, cred: Credentials) -> None:
        """Raise ``EPERM`` for a further name of what one could not write (may_linkat())."""
        if self.hardlinks and not is_owner(node, cred) and not _is_safe(node, cred):
            raise EPERM

    def check_create(self, directory: NodeOps, node: NodeOps, cred: Credentials) -> None:
        """Raise ``EACCES`` where O_CREAT finds another's file (may_create_in_sticky())."""
        if not directory.mode & S_ISVTX:
            return
        kind = node.mode & S_IFMT
        level = self.regular if kind == S_IFREG else self.fifos if kind == S_IFIFO else 0
        if not level or node.uid in (directory.uid, cred.fsuid):
            return
        if directory.mode & S_IWOTH or (directory.mode & S_IWGRP and level > 1):
            raise EACCES


def _is_safe(node: NodeOps, cred: Credentials) -> bool:
    """Tell whether a hard link adds no rights (safe_hardlink_source())."""
    privileged = node.mode & S_ISUID or node.mode & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP
    return (
        node.mode & S_IFMT == S_IFREG
        and not privileged
        and allowed(node, cred, MAY_READ | MAY_WRITE)
    )
