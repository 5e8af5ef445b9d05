"""What chattr(1) sets: append only, immutable and the like (ioctl_iflags(2)).

Flags are bound to a node that has any. Some are passed on to what is made in a directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EPERM
from ...abi.file_flags import FS_APPEND_FL, FS_IMMUTABLE_FL, FS_NOATIME_FL, FS_NODUMP_FL

if TYPE_CHECKING:
    from .node import NodeOps

FIXED: Final = FS_IMMUTABLE_FL | FS_APPEND_FL  #: attributes and names stay as they are
_INHERITED: Final = FS_NODUMP_FL | FS_NOATIME_FL


class FileFlags(int):
    """FS_*_FL of one node; bound to it."""

    __slots__ = ()


def flags_of(node: NodeOps) -> int:
    """Return a node's FS_*_FL."""
    data = node.data
    return 0 if data is None else data.get(FileFlags, 0)


def refuse(node: NodeOps, flags: int) -> None:
    """Raise ``EPERM`` if the node has any of these flags."""
    if node.data is not None and flags_of(node) & flags:
        raise EPERM


def bind(node: NodeOps, flags: int) -> None:
    """Make ``flags`` the node's."""
    node.bind(FileFlags, FileFlags(flags) if flags else None)


def inherit(directory: NodeOps, node: NodeOps) -> None:
    """Give what was made in ``directory`` the flags that are passed on."""
    flags = flags_of(directory) & _INHERITED
    if flags:
        bind(node, flags)
