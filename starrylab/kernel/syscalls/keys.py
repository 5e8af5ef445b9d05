"""Key retention: add_key(2), request_key(2), keyctl(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import (
    EACCES,
    EINVAL,
    EKEYEXPIRED,
    EKEYREVOKED,
    ENODEV,
    ENOKEY,
    ENOTDIR,
    EOPNOTSUPP,
    EPERM,
)
from ...abi.keyctl import (
    KEY_LINK,
    KEY_POSSESSOR,
    KEY_READ,
    KEY_SEARCH,
    KEY_SETATTR,
    KEY_USER,
    KEY_VIEW,
    KEY_WRITE,
)
from ..task.keys import KEYRING, LOGON, TYPES, Key
from ._declare import syscall
from ._keyctl import OPERATIONS
from ._keys import check_payload, keyrings, look_up, read_description, read_type
from ._shown import InData, InString, KeyctlOp, KeySerial
from ._types import Size, ULong

if TYPE_CHECKING:
    from ..thread import Thread

_PAYLOAD_MAX: Final = 1024 * 1024 - 1


@syscall()
def add_key(
    t: Thread, kind: InString, description: InString, payload: InData, size: Size, ring: KeySerial
) -> int:
    """add_key(2)."""
    if size > _PAYLOAD_MAX:
        raise EINVAL
    name = read_type(t, kind)
    text = read_description(t, description) if description else b""
    if text.startswith(b".") and name.startswith(KEYRING):
        raise EPERM
    data = t.mm.read(payload, size) if size else b""
    keyring = look_up(t, ring, KEY_WRITE, create=True)
    if name not in TYPES:
        raise ENODEV
    if keyring.type != KEYRING:
        raise ENOTDIR
    check_payload(name, data)
    if not text:
        raise EINVAL
    if name == LOGON and (b":" not in text or text.startswith(b":")):
        raise EINVAL
    existing = keyring.members.get((name, text))
    if existing is not None and name != KEYRING and not existing.revoked:
        existing.check(t.cred, KEY_WRITE, possessed=True)
        existing.data = data
        existing.expiry_ns = 0
        return existing.serial
    key = keyrings(t).make(name, text, t.cred, _new_permissions(name), data)
    keyring.link(key)
    return key.serial


def _new_permissions(kind: bytes) -> int:
    """Return what add_key grants: all to the possessor but reading a logon key."""
    possessor = KEY_VIEW | KEY_WRITE | KEY_SEARCH | KEY_LINK | KEY_SETATTR
    if kind != LOGON:
        possessor |= KEY_READ
    return possessor << KEY_POSSESSOR | KEY_VIEW << KEY_USER


@syscall(partial="/sbin/request-key is not started: a key that nobody has stays unknown")
def request_key(
    t: Thread, kind: InString, description: InString, callout: InString, ring: KeySerial
) -> int:
    """request_key(2)."""
    name = read_type(t, kind)
    text = read_description(t, description)
    if callout:
        t.mm.read_cstr(callout)
    target = look_up(t, ring, KEY_WRITE, create=True) if ring else None
    if name not in TYPES:
        raise ENOKEY
    key = _search_all(t, (name, text))
    if target is not None:
        target.link(key)
    return key.serial


def _search_all(t: Thread, name: tuple[bytes, bytes]) -> Key:
    """Search the caller's keyrings; raise as the last of them did."""
    table = keyrings(t)
    error: Exception = ENOKEY()
    for ring in table.anchors(t):
        try:
            return table.search(ring, t.cred, name)
        except ENOKEY:
            continue
        except (EACCES, EKEYREVOKED, EKEYEXPIRED) as refused:
            error = refused
    raise error


@syscall(partial="no Diffie-Hellman, public keys, persistent keyrings, watches and upcalls")
def keyctl(
    t: Thread, operation: KeyctlOp, arg2: ULong, arg3: ULong, arg4: ULong, arg5: ULong
) -> int:
    """keyctl(2)."""
    serve = OPERATIONS.get(operation)
    if serve is None:
        raise EOPNOTSUPP
    return serve(t, arg2, arg3, arg4, arg5) or 0
