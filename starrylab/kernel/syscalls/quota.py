"""Disk quotas (quotactl(2)): none of the file systems here has them."""

from __future__ import annotations

from stat import S_ISBLK
from typing import TYPE_CHECKING, Final

from ...abi.errno import EBADF, EINVAL, ENODEV, ENOSYS, ENOTBLK
from ._declare import syscall
from ._shown import InString
from ._types import Fd, Int, Ptr, UInt

if TYPE_CHECKING:
    from ..thread import Thread

# <linux/quota.h>
_Q_SYNC: Final = 0x800001
_TYPES: Final = 3  #: of users, groups, projects


def _command(command: int) -> int:
    """Return the command without the type of quota; raise ``EINVAL`` for an unknown type."""
    if command & 0xFF >= _TYPES:
        raise EINVAL
    return command >> 8


@syscall()
def quotactl(t: Thread, command: UInt, special: InString, ident: Int, addr: Ptr) -> None:
    """quotactl(2): a file system is named by its block device."""
    wanted = _command(command)
    if not special:
        if wanted == _Q_SYNC:
            return
        raise ENODEV
    node = t.fs.walk(t.mm.read_cstr(special), t.cred).node
    if not S_ISBLK(node.mode):
        raise ENOTBLK
    raise ENODEV


@syscall()
def quotactl_fd(t: Thread, file: Fd, command: UInt, ident: Int, addr: Ptr) -> None:
    """quotactl_fd(2): ``ENOSYS`` from a file system without quotas."""
    if file.node is None:
        raise EBADF
    _command(command)
    raise ENOSYS
