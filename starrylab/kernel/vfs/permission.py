"""Who may do what to a node (path_resolution(7), "Permissions"; capabilities(7))."""

from __future__ import annotations

from typing import Final

from ...abi.capability import (
    CAP_CHOWN,
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    CAP_FOWNER,
    CAP_FSETID,
)
from ...abi.errno import EACCES, EPERM, EROFS
from ...abi.file_flags import FS_APPEND_FL, FS_IMMUTABLE_FL
from ...abi.stat import S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_ISVTX, S_IXGRP
from . import acl
from .file_flags import FIXED, refuse
from .mount import Mountpoint
from .node import DIRECTORY, Credentials, NodeOps

MAY_EXEC: Final = 1
MAY_WRITE: Final = 2
MAY_READ: Final = 4


def allowed(node: NodeOps, cred: Credentials, mask: int) -> bool:
    """Tell whether ``cred`` has the MAY_* rights of ``mask`` on ``node``."""
    mode = node.mode
    if cred.fsuid == node.uid:
        granted = mode >> 6
    elif node.data is not None and mode & 0o70 and acl.AccessAcl in node.data:
        granted = node.data[acl.AccessAcl].granted(node, cred, mask)
    elif cred.fsgid == node.gid or node.gid in cred.groups:
        granted = mode >> 3
    else:
        granted = mode
    if not mask & ~granted & 7:
        return True
    if node.kind == DIRECTORY:
        if not mask & MAY_WRITE and cred.capable_over(node.uid, node.gid, CAP_DAC_READ_SEARCH):
            return True
        return cred.capable_over(node.uid, node.gid, CAP_DAC_OVERRIDE)
    if mask == MAY_READ and cred.capable_over(node.uid, node.gid, CAP_DAC_READ_SEARCH):
        return True
    # Even root executes only what somebody may execute.
    return not (mask & MAY_EXEC and not mode & 0o111) and cred.capable_over(
        node.uid, node.gid, CAP_DAC_OVERRIDE
    )


def check(node: NodeOps, cred: Credentials, mask: int) -> None:
    """Raise ``EACCES`` unless ``cred`` has the MAY_* rights of ``mask``.

    ``EPERM`` for writing what is immutable.
    """
    if node.data is not None and mask & MAY_WRITE:
        refuse(node, FS_IMMUTABLE_FL)
    if not allowed(node, cred, mask):
        raise EACCES


def is_owner(node: NodeOps, cred: Credentials) -> bool:
    """Tell whether ``cred`` may act as the owner."""
    return cred.fsuid == node.uid or cred.capable_over(node.uid, node.gid, CAP_FOWNER)


def require_owner(node: NodeOps, cred: Credentials) -> None:
    """Raise ``EPERM`` unless ``cred`` may act as the owner."""
    if not is_owner(node, cred):
        raise EPERM


def require_writable(mount: Mountpoint) -> None:
    """Raise ``EROFS`` if nothing can be written through ``mount``."""
    if mount.read_only:
        raise EROFS


def require_delete(directory: NodeOps, victim: NodeOps, cred: Credentials) -> None:
    """Raise ``EACCES``, or ``EPERM`` where sticky bit or flags forbid the removal."""
    check(directory, cred, MAY_WRITE | MAY_EXEC)
    refuse(directory, FS_APPEND_FL)
    refuse(victim, FIXED)
    if (
        directory.mode & S_ISVTX
        and cred.fsuid not in (victim.uid, directory.uid)
        and not cred.capable_over(victim.uid, victim.gid, CAP_FOWNER)
    ):
        raise EPERM


def inherit(directory: NodeOps, mode: int, cred: Credentials) -> tuple[int, int]:
    """Return mode and group of a new node: S_ISGID directories pass on their group."""
    if not directory.mode & S_ISGID:
        return mode, cred.fsgid
    gid = directory.gid
    if mode & S_IFMT == 0o040000:
        mode |= S_ISGID
    elif mode & S_ISGID and mode & S_IXGRP and not _in_group(directory, cred):
        mode &= ~S_ISGID
    return mode, gid


def _in_group(node: NodeOps, cred: Credentials) -> bool:
    gid = node.gid
    return cred.fsgid == gid or gid in cred.groups or cred.capable_over(node.uid, gid, CAP_FSETID)


def change_mode(node: NodeOps, mode: int, cred: Credentials) -> None:
    """chmod(2) on a node; raise ``EPERM``."""
    require_owner(node, cred)
    mode &= 0o7777
    if mode & S_ISGID and not _in_group(node, cred):
        mode &= ~S_ISGID
    node.update(mode=mode)
    if node.data is not None and (listed := node.data.get(acl.AccessAcl)) is not None:
        acl.bind(node, acl.AccessAcl, listed.changed(mode))


def change_owner(node: NodeOps, uid: int, gid: int, cred: Credentials) -> None:
    """chown(2) on a node; -1 leaves an id as it is; raise ``EPERM``."""
    powerful = cred.capable_over(node.uid, node.gid, CAP_CHOWN)
    if uid != -1 and not powerful and (uid != node.uid or cred.fsuid != node.uid):
        raise EPERM
    if gid != -1 and not powerful:
        member = gid == node.gid or gid == cred.fsgid or gid in cred.groups
        if cred.fsuid != node.uid or not member:
            raise EPERM
    mode = None
    if node.kind != DIRECTORY and node.mode & (S_ISUID | S_ISGID):
        mode = without_privileges(node.mode) & 0o7777
    node.update(uid=None if uid == -1 else uid, gid=None if gid == -1 else gid, mode=mode)


def without_privileges(mode: int) -> int:
    """Return ``mode`` as a write or a change of owner leaves it.

    S_ISGID without group execution once meant mandatory locking, and stays.
    """
    mode &= ~S_ISUID
    if mode & S_IXGRP:
        mode &= ~S_ISGID
    return mode


def drop_privileges(node: NodeOps, cred: Credentials) -> None:
    """Clear the set-id bits of a regular file that is about to be written."""
    if node.mode & S_IFMT == S_IFREG and node.mode & (S_ISUID | S_ISGID):
        mode = without_privileges(node.mode)
        if mode != node.mode and not cred.capable_over(node.uid, node.gid, CAP_FSETID):
            node.update(mode=mode & 0o7777)
