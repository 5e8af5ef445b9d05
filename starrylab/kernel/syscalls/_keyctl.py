"""The operations of keyctl(2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ...abi import keyctl as kc
from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import (
    EACCES,
    EEXIST,
    EINVAL,
    ENAMETOOLONG,
    ENOENT,
    ENOKEY,
    ENOTDIR,
    EOPNOTSUPP,
    EPERM,
)
from ..task.keys import KEYRING, LOGON, TYPES, Key
from ._keys import check_payload, is_possessed, keyrings, look_up, read_description, read_type

if TYPE_CHECKING:
    from ..thread import Thread

Operation = Callable[["Thread", int, int, int, int], int | None]

_PERMISSIONS: Final = kc.KEY_ALL * 0x01010101
_NO_ID: Final = 0xFFFFFFFF
_NS: Final = 1_000_000_000
_CAPABILITIES: Final = bytes((
    kc.KEYCTL_CAPS0_CAPABILITIES | kc.KEYCTL_CAPS0_INVALIDATE | kc.KEYCTL_CAPS0_RESTRICT_KEYRING
    | kc.KEYCTL_CAPS0_MOVE,
    0,
))  # fmt: skip


def _serial(value: int) -> int:
    """Return an argument as the ``int`` that it is."""
    return (value & 0xFFFFFFFF ^ 1 << 31) - (1 << 31)


def _ring(t: Thread, value: int, wanted: int, *, create: bool = True) -> Key:
    key = look_up(t, _serial(value), wanted, create=create)
    if key.type != KEYRING:
        raise ENOTDIR
    return key


def _put(t: Thread, data: bytes, addr: int, size: int) -> int:
    """Store a text if it fits; return how long it is."""
    if addr and size >= len(data):
        t.mm.write(addr, data)
    return len(data)


def _get_ring_id(t: Thread, ring: int, create: int, _: int, __: int) -> int:
    return look_up(t, _serial(ring), kc.KEY_SEARCH, create=bool(create)).serial


def _join(t: Thread, name: int, _: int, __: int, ___: int) -> int:
    text = b""
    if name:
        try:
            text = t.mm.read_cstr(name, 4096)
        except ENAMETOOLONG:
            raise EINVAL from None
        if text.startswith(b"."):
            raise EPERM
    return keyrings(t).join(t, text).serial


def _update(t: Thread, serial: int, payload: int, size: int, _: int) -> None:
    if size > 4096:
        raise EINVAL
    data = t.mm.read(payload, size) if size else b""
    key = look_up(t, _serial(serial), kc.KEY_WRITE)
    if key.type == KEYRING:
        raise EOPNOTSUPP
    check_payload(key.type, data)
    key.data = data
    key.expiry_ns = 0


def _revoke(t: Thread, serial: int, _: int, __: int, ___: int) -> None:
    try:
        key = look_up(t, _serial(serial), kc.KEY_WRITE)
    except EACCES:
        key = look_up(t, _serial(serial), kc.KEY_SETATTR)
    key.revoke()


def _chown(t: Thread, serial: int, uid: int, gid: int, _: int) -> None:
    uid, gid = uid & _NO_ID, gid & _NO_ID
    if uid == gid == _NO_ID:
        return
    key = look_up(t, _serial(serial), kc.KEY_SETATTR)
    if not t.cred.capable(CAP_SYS_ADMIN):
        if uid not in (_NO_ID, key.uid):
            raise EACCES
        if gid not in (_NO_ID, key.gid) and not t.cred.in_group(gid):
            raise EACCES
    key.uid = key.uid if uid == _NO_ID else uid
    key.gid = key.gid if gid == _NO_ID else gid


def _set_permissions(t: Thread, serial: int, perm: int, _: int, __: int) -> None:
    if perm & ~_PERMISSIONS & 0xFFFFFFFF:
        raise EINVAL
    key = look_up(t, _serial(serial), kc.KEY_SETATTR)
    if key.uid != t.cred.fsuid and not t.cred.capable(CAP_SYS_ADMIN):
        raise EACCES
    key.perm = perm & 0xFFFFFFFF


def _describe(t: Thread, serial: int, addr: int, size: int, _: int) -> int:
    key = look_up(t, _serial(serial), kc.KEY_VIEW)
    head = b"%s;%d;%d;%08x;" % (key.type, key.uid, (key.gid ^ 1 << 31) - (1 << 31), key.perm)
    return _put(t, head + key.description + b"\0", addr, size)


def _clear(t: Thread, ring: int, _: int, __: int, ___: int) -> None:
    _ring(t, ring, kc.KEY_WRITE).members.clear()


def _link(t: Thread, serial: int, ring: int, _: int, __: int) -> None:
    keyring = look_up(t, _serial(ring), kc.KEY_WRITE, create=True)
    key = look_up(t, _serial(serial), kc.KEY_LINK, create=True)
    keyring.link(key)


def _unlink(t: Thread, serial: int, ring: int, _: int, __: int) -> None:
    keyring = _ring(t, ring, kc.KEY_WRITE, create=False)
    number = _serial(serial)
    table = keyrings(t)
    key = table.special(t, number, create=False) if number < 0 else table.find(number)
    if keyring.members.get(key.name) is not key:
        raise ENOENT
    del keyring.members[key.name]


def _move(t: Thread, serial: int, source: int, target: int, flags: int) -> None:
    if flags & ~kc.KEYCTL_MOVE_EXCL:
        raise EINVAL
    key = look_up(t, _serial(serial), kc.KEY_LINK, create=True)
    before = _ring(t, source, kc.KEY_WRITE, create=False)
    after = _ring(t, target, kc.KEY_WRITE)
    if before is after:
        return
    if before.members.get(key.name) is not key:
        raise ENOENT
    if flags & kc.KEYCTL_MOVE_EXCL and key.name in after.members:
        raise EEXIST
    after.link(key)
    del before.members[key.name]


def _search(t: Thread, ring: int, kind: int, description: int, target: int) -> int:
    name = read_type(t, kind)
    text = read_description(t, description)
    keyring = look_up(t, _serial(ring), kc.KEY_SEARCH)
    goal = look_up(t, _serial(target), kc.KEY_WRITE, create=True) if target else None
    if name not in TYPES:
        raise ENOKEY
    if keyring.type != KEYRING:
        raise ENOTDIR
    key = keyrings(t).search(keyring, t.cred, (name, text))
    if goal is not None:
        key.check(t.cred, kc.KEY_LINK, possessed=True)
        goal.link(key)
    return key.serial


def _read(t: Thread, serial: int, addr: int, size: int, _: int) -> int:
    key = look_up(t, _serial(serial), 0)
    try:
        key.check(t.cred, kc.KEY_READ, possessed=is_possessed(t, key))
    except EACCES:  # who possesses a key and may search for it may read it
        if not is_possessed(t, key):
            raise
    if key.type == LOGON:
        raise EOPNOTSUPP
    data = key.data
    if key.type == KEYRING:
        data = b"".join(one.serial.to_bytes(4, "little") for one in key.members.values())
    return _put(t, data, addr, size)


def _set_default_ring(t: Thread, which: int, _: int, __: int, ___: int) -> int:
    wanted = _serial(which)
    table = keyrings(t)
    before = table.defaults.get(t, 0)
    if wanted == kc.KEY_REQKEY_DEFL_NO_CHANGE:
        return before
    if not 0 <= wanted < kc.KEY_REQKEY_DEFL_GROUP_KEYRING:
        raise EINVAL
    if wanted in (1, 2):  # the thread's, the process's
        table.special(t, -wanted, create=True)
    table.defaults[t] = wanted
    return before


def _set_timeout(t: Thread, serial: int, seconds: int, _: int, __: int) -> None:
    key = look_up(t, _serial(serial), kc.KEY_SETATTR)
    seconds &= 0xFFFFFFFF
    key.expiry_ns = keyrings(t).now() + seconds * _NS if seconds else 0


def _assume_authority(t: Thread, serial: int, _: int, __: int, ___: int) -> int:
    if _serial(serial) < 0:
        raise EINVAL
    if _serial(serial):
        raise ENOKEY
    return 0


def _get_security(t: Thread, serial: int, addr: int, size: int, _: int) -> int:
    look_up(t, _serial(serial), kc.KEY_VIEW)
    return _put(t, b"\0", addr, size)


def _session_to_parent(t: Thread, _: int, __: int, ___: int, ____: int) -> None:
    """KEYCTL_SESSION_TO_PARENT: only a parent of one thread, and of the same user."""
    parent = t.process.parent
    table = keyrings(t)
    if parent is None or parent.pid <= 1 or len(parent.threads) != 1:
        raise EPERM
    (thread,) = parent.threads.values()
    mine, other = t.cred, thread.cred
    ids = {mine.uid, mine.euid, mine.suid, other.uid, other.euid, other.suid}
    groups = {mine.gid, mine.egid, mine.sgid, other.gid, other.egid, other.sgid}
    if len(ids) > 1 or len(groups) > 1:
        raise EPERM
    table.sessions[thread] = table.special(t, kc.KEY_SPEC_SESSION_KEYRING, create=False)


def _authorized(t: Thread, _: int, __: int, ___: int, ____: int) -> None:
    """Refuse who has no authority to make a key (KEYCTL_INSTANTIATE and the like)."""
    raise EPERM


def _invalidate(t: Thread, serial: int, _: int, __: int, ___: int) -> None:
    keyrings(t).invalidate(look_up(t, _serial(serial), kc.KEY_SEARCH))


def _restrict(t: Thread, ring: int, kind: int, restriction: int, _: int) -> None:
    keyring = look_up(t, _serial(ring), kc.KEY_SETATTR)
    if kind:
        read_type(t, kind)
        raise ENOENT  # no type here restricts links
    if restriction:
        raise EINVAL
    if keyring.type != KEYRING:
        raise ENOTDIR
    if keyring.restricted:
        raise EEXIST
    keyring.restricted = True


def _capabilities(t: Thread, addr: int, size: int, _: int, __: int) -> int:
    if size:
        t.mm.write(addr, _CAPABILITIES[:size])
        t.mm.zero(addr + len(_CAPABILITIES), max(0, size - len(_CAPABILITIES)))
    return len(_CAPABILITIES)


OPERATIONS: Final[Mapping[int, Operation]] = MappingProxyType(
    {
        kc.KEYCTL_GET_KEYRING_ID: _get_ring_id,
        kc.KEYCTL_JOIN_SESSION_KEYRING: _join,
        kc.KEYCTL_UPDATE: _update,
        kc.KEYCTL_REVOKE: _revoke,
        kc.KEYCTL_CHOWN: _chown,
        kc.KEYCTL_SETPERM: _set_permissions,
        kc.KEYCTL_DESCRIBE: _describe,
        kc.KEYCTL_CLEAR: _clear,
        kc.KEYCTL_LINK: _link,
        kc.KEYCTL_UNLINK: _unlink,
        kc.KEYCTL_SEARCH: _search,
        kc.KEYCTL_READ: _read,
        kc.KEYCTL_INSTANTIATE: _authorized,
        kc.KEYCTL_NEGATE: _authorized,
        kc.KEYCTL_SET_REQKEY_KEYRING: _set_default_ring,
        kc.KEYCTL_SET_TIMEOUT: _set_timeout,
        kc.KEYCTL_ASSUME_AUTHORITY: _assume_authority,
        kc.KEYCTL_GET_SECURITY: _get_security,
        kc.KEYCTL_SESSION_TO_PARENT: _session_to_parent,
        kc.KEYCTL_REJECT: _authorized,
        kc.KEYCTL_INSTANTIATE_IOV: _authorized,
        kc.KEYCTL_INVALIDATE: _invalidate,
        kc.KEYCTL_RESTRICT_KEYRING: _restrict,
        kc.KEYCTL_MOVE: _move,
        kc.KEYCTL_CAPABILITIES: _capabilities,
    }
)
