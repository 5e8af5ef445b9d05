"""Calls about who the caller is: user and group ids, supplementary groups, capabilities."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SETGID, CAP_SETPCAP
from ...abi.errno import EFAULT, EINVAL, EPERM, ESRCH
from ..task.cred import Credentials
from ..task.limits import NGROUPS_MAX
from ._declare import syscall
from ._set_ids import GROUPS, USERS, kernel_id, set_all, set_fs, set_three, set_two
from ._shown import OutU32, UserId
from ._targets import thread_of
from ._types import Int, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_CAP_HEADER: Final = struct.Struct("<Ii")
_CAP_VERSION_1: Final = 0x19980330
_CAP_VERSION_2: Final = 0x20071026
_CAP_VERSION_3: Final = 0x20080522


@syscall()
def getuid(t: Thread) -> int:
    """getuid(2)."""
    cred = t.cred
    return cred.uid if cred.user_ns is None else cred.shown_uid(cred.uid)


@syscall()
def geteuid(t: Thread) -> int:
    """geteuid(2)."""
    cred = t.cred
    return cred.euid if cred.user_ns is None else cred.shown_uid(cred.euid)


@syscall()
def getgid(t: Thread) -> int:
    """getgid(2)."""
    cred = t.cred
    return cred.gid if cred.user_ns is None else cred.shown_gid(cred.gid)


@syscall()
def getegid(t: Thread) -> int:
    """getegid(2)."""
    cred = t.cred
    return cred.egid if cred.user_ns is None else cred.shown_gid(cred.egid)


@syscall()
def getresuid(t: Thread, ruid: OutU32, euid: OutU32, suid: OutU32) -> None:
    """getresuid(2)."""
    cred = t.cred
    for addr, value in ((ruid, cred.uid), (euid, cred.euid), (suid, cred.suid)):
        t.mm.write_u32(addr, cred.shown_uid(value))


@syscall()
def getresgid(t: Thread, rgid: OutU32, egid: OutU32, sgid: OutU32) -> None:
    """getresgid(2)."""
    cred = t.cred
    for addr, value in ((rgid, cred.gid), (egid, cred.egid), (sgid, cred.sgid)):
        t.mm.write_u32(addr, cred.shown_gid(value))


@syscall()
def setuid(t: Thread, uid: UserId) -> None:
    """setuid(2)."""
    set_all(t, USERS, uid)


@syscall()
def setgid(t: Thread, gid: UserId) -> None:
    """setgid(2)."""
    set_all(t, GROUPS, gid)


@syscall()
def setreuid(t: Thread, ruid: UserId, euid: UserId) -> None:
    """setreuid(2)."""
    set_two(t, USERS, ruid, euid)


@syscall()
def setregid(t: Thread, rgid: UserId, egid: UserId) -> None:
    """setregid(2)."""
    set_two(t, GROUPS, rgid, egid)


@syscall()
def setresuid(t: Thread, ruid: UserId, euid: UserId, suid: UserId) -> None:
    """setresuid(2)."""
    set_three(t, USERS, ruid, euid, suid)


@syscall()
def setresgid(t: Thread, rgid: UserId, egid: UserId, sgid: UserId) -> None:
    """setresgid(2)."""
    set_three(t, GROUPS, rgid, egid, sgid)


@syscall()
def setfsuid(t: Thread, uid: UserId) -> int:
    """setfsuid(2)."""
    return set_fs(t, USERS, uid)


@syscall()
def setfsgid(t: Thread, gid: UserId) -> int:
    """setfsgid(2)."""
    return set_fs(t, GROUPS, gid)


@syscall()
def getgroups(t: Thread, size: Int, groups: Ptr) -> int:
    """getgroups(2)."""
    own = t.cred.groups
    if size < 0:
        raise EINVAL
    if size:
        if size < len(own):
            raise EINVAL
        t.mm.write(groups, struct.pack(f"<{len(own)}I", *map(t.cred.shown_gid, own)))
    return len(own)


@syscall()
def setgroups(t: Thread, size: Int, groups: Ptr) -> None:
    """setgroups(2)."""
    mine = t.cred.user_ns
    if not t.cred.capable_here(CAP_SETGID):
        raise EPERM
    if mine is not None and not (mine.may_set_groups and mine.gids.extents):
        raise EPERM
    if not 0 <= size <= NGROUPS_MAX:
        raise EINVAL
    values = struct.unpack(f"<{size}I", t.mm.read(groups, 4 * size)) if size else ()
    t.cred = replace(t.cred, groups=tuple(sorted(kernel_id(t, GROUPS, gid) for gid in values)))


def _capability_version(t: Thread, header: int) -> tuple[int, int]:
    """Return the number of 32-bit words and the pid; write the preferred version on ``EINVAL``."""
    version, pid = _CAP_HEADER.unpack(t.mm.read(header, _CAP_HEADER.size))
    if version == _CAP_VERSION_1:
        return 1, pid
    if version in (_CAP_VERSION_2, _CAP_VERSION_3):
        return 2, pid
    t.mm.write_u32(header, _CAP_VERSION_3)
    raise EINVAL


@syscall()
def capget(t: Thread, header: Ptr, data: Ptr) -> None:
    """capget(2)."""
    try:
        words, pid = _capability_version(t, header)
    except EINVAL:
        if data:
            raise
        return  # asking for the preferred version only
    if pid < 0:
        raise EINVAL
    target = thread_of(t, pid)
    if target is None:
        raise ESRCH
    if not data:
        raise EFAULT
    cred = target.cred
    t.mm.write(data, _pack_capabilities(cred, words))


def _pack_capabilities(cred: Credentials, words: int) -> bytes:
    return b"".join(
        struct.pack("<III", *(mask >> 32 * word & 0xFFFF_FFFF for mask in
                              (cred.effective, cred.permitted, cred.inheritable)))
        for word in range(words)
    )  # fmt: skip


@syscall()
def capset(t: Thread, header: Ptr, data: Ptr) -> None:
    """capset(2)."""
    words, pid = _capability_version(t, header)
    if pid not in (0, t.process.shown(t.tid)):
        raise EPERM
    effective = permitted = inheritable = 0
    raw = t.mm.read(data, 12 * words)
    for word in range(words):
        e, p, i = struct.unpack_from("<III", raw, 12 * word)
        effective |= e << 32 * word
        permitted |= p << 32 * word
        inheritable |= i << 32 * word
    cred = t.cred
    if permitted & ~cred.permitted or effective & ~permitted:
        raise EPERM
    if inheritable & ~(cred.inheritable | cred.permitted) and not cred.capable_here(CAP_SETPCAP):
        raise EPERM
    if inheritable & ~(cred.inheritable | cred.bounding):
        raise EPERM
    t.cred = replace(
        cred,
        effective=effective,
        permitted=permitted,
        inheritable=inheritable,
        ambient=cred.ambient & permitted & inheritable,
    )
