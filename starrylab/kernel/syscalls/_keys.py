"""What calls about keys have in common: finding a key, and reading names (security/keys)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EINVAL, ENAMETOOLONG, EPERM
from ..task.keyrings import Keyrings
from ..task.keys import KEYRING, MAX_PAYLOAD, Key

if TYPE_CHECKING:
    from ..thread import Thread

_TYPE_MAX: Final = 32  #: bytes of a type's name, the NUL included
_DESCRIPTION_MAX: Final = 4096


def keyrings(t: Thread) -> Keyrings:
    """Return the kernel's keys, which come into being with the first call about them."""
    table = t.kernel.keyrings
    if table is None:
        table = t.kernel.keyrings = Keyrings(t.kernel)
    return table


def look_up(t: Thread, serial: int, wanted: int, *, create: bool = False) -> Key:
    """Return a key by its number or by KEY_SPEC_* (lookup_user_key).

    Raises ``EINVAL``, ``ENOKEY``, ``EACCES``, ``EKEYREVOKED``, ``EKEYEXPIRED``.
    """
    table = keyrings(t)
    if serial < 0:
        key, possessed = table.special(t, serial, create=create), True
    else:
        key = table.find(serial)
        possessed = is_possessed(t, key)
    key.validate(table.now())
    key.check(t.cred, wanted, possessed=possessed)
    return key


def is_possessed(t: Thread, key: Key) -> bool:
    """Tell whether the caller finds a key in its keyrings."""
    table = keyrings(t)
    return table.possesses(table.anchors(t), t.cred, key)


def read_type(t: Thread, addr: int) -> bytes:
    """Read the name of a type; raise ``EINVAL``, ``EPERM`` for the kernel's own ones."""
    try:
        name = t.mm.read_cstr(addr, _TYPE_MAX)
    except ENAMETOOLONG:
        raise EINVAL from None
    if not name:
        raise EINVAL
    if name.startswith(b"."):
        raise EPERM
    return name


def read_description(t: Thread, addr: int) -> bytes:
    """Read a description; raise ``EINVAL`` for one that is too long."""
    try:
        return t.mm.read_cstr(addr, _DESCRIPTION_MAX)
    except ENAMETOOLONG:
        raise EINVAL from None


def check_payload(kind: bytes, data: bytes) -> None:
    """Raise ``EINVAL`` for a payload that a key of this type cannot have."""
    if kind == KEYRING:
        if data:
            raise EINVAL
    elif not 0 < len(data) <= MAX_PAYLOAD:
        raise EINVAL
