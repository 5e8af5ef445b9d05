"""Page faults served by a program (userfaultfd(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.capability import CAP_SYS_PTRACE
from ...abi.errno import EPERM
from ...abi.userfaultfd import UFFD_USER_MODE_ONLY
from ..files.userfaultfd import new_userfaultfd
from ._declare import syscall
from ._shown import UserfaultFlags
from ._types import FdNum

if TYPE_CHECKING:
    from ..thread import Thread


@syscall(
    partial="a signal frame and other processes (process_vm_readv, ptrace) do not wait for a page"
)
def userfaultfd(t: Thread, flags: UserfaultFlags) -> FdNum:
    """userfaultfd(2)."""
    allowed = flags & UFFD_USER_MODE_ONLY or t.kernel.unprivileged_userfaultfd
    if not allowed and not t.cred.capable(CAP_SYS_PTRACE):
        raise EPERM
    return new_userfaultfd(t, flags)
