"""Futexes that a thread holds when it ends: set_robust_list(2), get_robust_list(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_PTRACE
from ...abi.errno import EINVAL, EPERM, ESRCH
from ._declare import syscall
from ._targets import thread_of
from ._types import Int, Ptr, Size

if TYPE_CHECKING:
    from ..thread import Thread

_ROBUST_HEAD_SIZE: Final = 24


@syscall()
def set_robust_list(t: Thread, head: Ptr, size: Size) -> None:
    """set_robust_list(2)."""
    if size != _ROBUST_HEAD_SIZE:
        raise EINVAL
    t.robust_list = head


@syscall()
def get_robust_list(t: Thread, tid: Int, head: Ptr, size: Ptr) -> None:
    """get_robust_list(2)."""
    target = thread_of(t, tid)
    if target is None:
        raise ESRCH
    if target.process is not t.process and not (
        t.cred.uid == target.cred.uid or t.cred.capable_in(target.cred.user_ns, CAP_SYS_PTRACE)
    ):
        raise EPERM
    t.mm.write_u64(size, _ROBUST_HEAD_SIZE)
    t.mm.write_u64(head, target.robust_list)
