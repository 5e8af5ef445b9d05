"""seccomp(2): a thread gives up system calls."""

from __future__ import annotations

from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi import seccomp as sc
from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EACCES, EINVAL, ENOMEM, EOPNOTSUPP, ESRCH
from ..task.bpf import Instruction, Program
from ..task.seccomp import Guard
from ._declare import syscall
from ._types import Ptr, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_PROGRAM: Final = Struct("<H6xQ")  #: struct sock_fprog: how many instructions, and where
_INSTRUCTION: Final = Struct("<HBBI")
_SIZES: Final = Struct("<HHH")
_NOTIF_SIZES: Final = (80, 24, 64)  #: of seccomp_notif, seccomp_notif_resp and seccomp_data
_MOST: Final = 1 << 15  #: instructions of all filters of a thread, each with 4 more
_FLAGS: Final = 0x3F


@syscall(partial="no listeners for SECCOMP_RET_USER_NOTIF; nothing is logged")
def seccomp(t: Thread, operation: UInt, flags: UInt, args: Ptr) -> int:
    """seccomp(2)."""
    if operation == sc.SECCOMP_SET_MODE_STRICT:
        if flags or args:
            raise EINVAL
        set_strict(t)
        return 0
    if operation == sc.SECCOMP_SET_MODE_FILTER:
        return set_filter(t, flags, args)
    if operation == sc.SECCOMP_GET_ACTION_AVAIL:
        if flags:
            raise EINVAL
        if t.mm.read_u32(args) not in sc.ACTIONS:
            raise EOPNOTSUPP
        return 0
    if operation == sc.SECCOMP_GET_NOTIF_SIZES:
        if flags:
            raise EINVAL
        t.mm.write(args, _SIZES.pack(*_NOTIF_SIZES))
        return 0
    raise EINVAL


def set_strict(t: Thread) -> None:
    """Permit read, write, exit and rt_sigreturn only; ``EINVAL`` for a thread with filters."""
    if t.seccomp is not None and t.seccomp.mode != sc.SECCOMP_MODE_STRICT:
        raise EINVAL
    t.kernel.calls.guard()
    t.seccomp = Guard(sc.SECCOMP_MODE_STRICT)


def set_filter(t: Thread, flags: int, addr: int) -> int:
    """Add a filter; return 0, or the id of a thread that TSYNC cannot bring along."""
    if flags & ~_FLAGS:
        raise EINVAL
    if flags & sc.SECCOMP_FILTER_FLAG_NEW_LISTENER:
        raise EINVAL("this kernel has no listeners")
    if flags & sc.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV:
        raise EINVAL  # is about listeners
    program = _read(t, addr)
    guard = t.seccomp
    if guard is not None and guard.mode == sc.SECCOMP_MODE_STRICT:
        raise EINVAL
    guard = guard or Guard(sc.SECCOMP_MODE_FILTER)
    if sum(len(other) + 4 for other in guard.filters) + len(program) > _MOST:
        raise ENOMEM
    new = guard.with_filter(program)
    if flags & sc.SECCOMP_FILTER_FLAG_TSYNC:
        for other in t.process.threads.values():
            theirs = other.seccomp
            if theirs is not None and theirs.filters != guard.filters[: len(theirs.filters)]:
                if flags & sc.SECCOMP_FILTER_FLAG_TSYNC_ESRCH:
                    raise ESRCH
                return t.process.shown(other.tid)
        for other in t.process.threads.values():
            other.seccomp = new
            if t.cred.no_new_privs:
                other.cred = replace(other.cred, no_new_privs=True)
    t.kernel.calls.guard()
    t.seccomp = new
    return 0


def _read(t: Thread, addr: int) -> Program:
    """Read and check a ``struct sock_fprog``; ``EFAULT``, ``EINVAL``, ``EACCES``."""
    count, where = _PROGRAM.unpack(t.mm.read(addr, _PROGRAM.size))
    if not 0 < count <= sc.BPF_MAXINSNS:
        raise EINVAL
    if not t.cred.no_new_privs and not t.cred.capable_here(CAP_SYS_ADMIN):
        raise EACCES
    raw = t.mm.read(where, count * _INSTRUCTION.size)
    return Program([Instruction(*fields) for fields in _INSTRUCTION.iter_unpack(raw)])
