"""Calls about who the caller is: user and group ids, supplementary groups, capabilities."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SETGID, CAP_SETPCAP, CAP_SETUID
from ...abi.errno import EFAULT, EINVAL, EPERM, ESRCH
from ..task.cred import Credentials
from ..task.limits import NGROUPS_MAX
from ._declare import syscall
from ._shown import OutU32, UserId
from ._targets import thread_of
from ._types import Int, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_KEEP: Final = 0xFFFF_FFFF  #: (uid_t) -1: leave as it is
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


def _chosen(wanted: tuple[int, ...], own: tuple[int, ...]) -> list[int]:
    return [old if want == _KEEP else want for want, old in zip(wanted, own, strict=True)]


def _uid(t: Thread, uid: int) -> int:
    """Return the kernel's id for one of the caller's; -1 stays; ``EINVAL`` if it is not mapped."""
    found = t.cred.meant_uid(uid)
    if found is not None:
        return found
    if uid == _KEEP:
        return uid
    raise EINVAL


def _gid(t: Thread, gid: int) -> int:
    """As `_uid`, for groups."""
    found = t.cred.meant_gid(gid)
    if found is not None:
        return found
    if gid == _KEEP:
        return gid
    raise EINVAL


def _set_uids(t: Thread, uid: int, euid: int, suid: int, fsuid: int) -> None:
    if t.cred.euid != euid or t.cred.fsuid != fsuid:
        t.process.dumpable = 0
    t.cred = t.cred.with_uids(uid, euid, suid, fsuid)


def _set_gids(t: Thread, gid: int, egid: int, sgid: int, fsgid: int) -> None:
    if t.cred.egid != egid or t.cred.fsgid != fsgid:
        t.process.dumpable = 0
    t.cred = replace(t.cred, gid=gid, egid=egid, sgid=sgid, fsgid=fsgid)


@syscall()
def setuid(t: Thread, uid: UserId) -> None:
    """setuid(2)."""
    uid = _uid(t, uid)
    if uid == _KEEP:
        raise EINVAL
    cred = t.cred
    if cred.capable_here(CAP_SETUID):
        _set_uids(t, uid, uid, uid, uid)
    elif uid in (cred.uid, cred.suid):
        _set_uids(t, cred.uid, uid, cred.suid, uid)
    else:
        raise EPERM


@syscall()
def setgid(t: Thread, gid: UserId) -> None:
    """setgid(2)."""
    gid = _gid(t, gid)
    if gid == _KEEP:
        raise EINVAL
    cred = t.cred
    if cred.capable_here(CAP_SETGID):
        _set_gids(t, gid, gid, gid, gid)
    elif gid in (cred.gid, cred.sgid):
        _set_gids(t, cred.gid, gid, cred.sgid, gid)
    else:
        raise EPERM


@syscall()
def setreuid(t: Thread, ruid: UserId, euid: UserId) -> None:
    """setreuid(2)."""
    ruid, euid = _uid(t, ruid), _uid(t, euid)
    cred = t.cred
    new_uid = cred.uid if ruid == _KEEP else ruid
    new_euid = cred.euid if euid == _KEEP else euid
    if not cred.capable_here(CAP_SETUID) and (
        new_uid not in (cred.uid, cred.euid) or new_euid not in (cred.uid, cred.euid, cred.suid)
    ):
        raise EPERM
    moved = ruid != _KEEP or (euid != _KEEP and new_euid != cred.uid)
    _set_uids(t, new_uid, new_euid, new_euid if moved else cred.suid, new_euid)


@syscall()
def setregid(t: Thread, rgid: UserId, egid: UserId) -> None:
    """setregid(2)."""
    rgid, egid = _gid(t, rgid), _gid(t, egid)
    cred = t.cred
    new_gid = cred.gid if rgid == _KEEP else rgid
    new_egid = cred.egid if egid == _KEEP else egid
    if not cred.capable_here(CAP_SETGID) and (
        new_gid not in (cred.gid, cred.egid) or new_egid not in (cred.gid, cred.egid, cred.sgid)
    ):
        raise EPERM
    moved = rgid != _KEEP or (egid != _KEEP and new_egid != cred.gid)
    _set_gids(t, new_gid, new_egid, new_egid if moved else cred.sgid, new_egid)


@syscall()
def setresuid(t: Thread, ruid: UserId, euid: UserId, suid: UserId) -> None:
    """setresuid(2)."""
    ruid, euid, suid = _uid(t, ruid), _uid(t, euid), _uid(t, suid)
    cred = t.cred
    own = (cred.uid, cred.euid, cred.suid)
    new = _chosen((ruid, euid, suid), own)
    if not cred.capable_here(CAP_SETUID) and any(uid not in own for uid in new):
        raise EPERM
    _set_uids(t, new[0], new[1], new[2], new[1])


@syscall()
def setresgid(t: Thread, rgid: UserId, egid: UserId, sgid: UserId) -> None:
    """setresgid(2)."""
    rgid, egid, sgid = _gid(t, rgid), _gid(t, egid), _gid(t, sgid)
    cred = t.cred
    own = (cred.gid, cred.egid, cred.sgid)
    new = _chosen((rgid, egid, sgid), own)
    if not cred.capable_here(CAP_SETGID) and any(gid not in own for gid in new):
        raise EPERM
    _set_gids(t, new[0], new[1], new[2], new[1])


@syscall()
def setfsuid(t: Thread, uid: UserId) -> int:
    """setfsuid(2): returns the old id whether or not it changed."""
    cred = t.cred
    uid = _KEEP if (found := cred.meant_uid(uid)) is None else found
    if uid in (cred.uid, cred.euid, cred.suid, cred.fsuid) or (
        uid != _KEEP and cred.capable_here(CAP_SETUID)
    ):
        _set_uids(t, cred.uid, cred.euid, cred.suid, uid)
    return cred.shown_uid(cred.fsuid)


@syscall()
def setfsgid(t: Thread, gid: UserId) -> int:
    """setfsgid(2): returns the old id whether or not it changed."""
    cred = t.cred
    gid = _KEEP if (found := cred.meant_gid(gid)) is None else found
    if gid in (cred.gid, cred.egid, cred.sgid, cred.fsgid) or (
        gid != _KEEP and cred.capable_here(CAP_SETGID)
    ):
        _set_gids(t, cred.gid, cred.egid, cred.sgid, gid)
    return cred.shown_gid(cred.fsgid)


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
    t.cred = replace(t.cred, groups=tuple(sorted(_gid(t, gid) for gid in values)))


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
