"""Keys and keyrings (keyrings(7), security/keys of Linux).

A keyring holds its members; who has a keyring holds that.  What nobody holds is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from ...abi.errno import (
    EACCES,
    EDEADLK,
    EDQUOT,
    EINVAL,
    EKEYEXPIRED,
    EKEYREVOKED,
    ENOKEY,
    ENOTDIR,
    EPERM,
)
from ...abi.keyctl import KEY_ALL, KEY_GROUP, KEY_POSSESSOR, KEY_SEARCH, KEY_USER, KEY_VIEW

if TYPE_CHECKING:
    from .cred import Credentials

KEYRING, USER, LOGON = b"keyring", b"user", b"logon"
TYPES: Final = (KEYRING, USER, LOGON)
MAX_PAYLOAD: Final = 32_767  #: bytes of a user key
MAX_DEPTH: Final = 6  #: of keyrings in keyrings, for a search
POSSESSOR_ALL: Final = KEY_ALL << KEY_POSSESSOR
USER_VIEW: Final = KEY_VIEW << KEY_USER
#: Keys, and bytes, that a user may have: other users, root (/proc/sys/kernel/keys).
MAX_KEYS: Final = (200, 1_000_000)
MAX_BYTES: Final = (20_000, 25_000_000)
_NS: Final = 1_000_000_000


class Key:
    """One key; a keyring is a key whose content is other keys."""

    __slots__ = ("__weakref__", "data", "description", "expiry_ns", "gid", "invalid", "members",
                 "perm", "restricted", "revoked", "serial", "type", "uid")  # fmt: skip

    def __init__(
        self, serial: int, kind: bytes, description: bytes, owner: Credentials, perm: int,
        data: bytes = b"",
    ) -> None:  # fmt: skip
        self.serial = serial
        self.type = kind
        self.description = description
        self.uid = owner.fsuid
        self.gid = owner.fsgid
        self.perm = perm
        self.data = data
        self.members: dict[tuple[bytes, bytes], Key] = {}  #: by type and description
        self.expiry_ns = 0  #: wall clock; 0: never
        self.revoked = False
        self.invalid = False
        self.restricted = False  #: no more links to this keyring

    @property
    def name(self) -> tuple[bytes, bytes]:
        """How a keyring finds it."""
        return self.type, self.description

    def size(self) -> int:
        """Return the bytes that count for its owner."""
        return len(self.description) + 1 + len(self.data) + 4 * len(self.members)

    def validate(self, now_ns: int) -> None:
        """Raise ``ENOKEY``, ``EKEYREVOKED`` or ``EKEYEXPIRED`` for a key that is no more."""
        if self.invalid:
            raise ENOKEY
        if self.revoked:
            raise EKEYREVOKED
        if self.expiry_ns and now_ns >= self.expiry_ns:
            raise EKEYEXPIRED

    def check(self, cred: Credentials, wanted: int, *, possessed: bool) -> None:
        """Raise ``EACCES`` without the permissions (key_task_permission)."""
        perm = self.perm
        if self.uid == cred.fsuid:
            granted = perm >> KEY_USER
        elif perm >> KEY_GROUP & KEY_ALL and cred.in_group(self.gid):
            granted = perm >> KEY_GROUP
        else:
            granted = perm
        if possessed:
            granted |= perm >> KEY_POSSESSOR
        if wanted & ~granted & KEY_ALL:
            raise EACCES

    # -- keyrings ----------------------------------------------------------------------------

    def link(self, key: Key) -> None:
        """Add a key; one of the same type and description goes.

        Raises ``ENOTDIR``, ``EPERM`` (restricted), ``EDEADLK`` (a keyring would be in itself).
        """
        if self.type != KEYRING:
            raise ENOTDIR
        if self.restricted:
            raise EPERM
        if key.type == KEYRING and (key is self or any(k is self for k in below(key))):
            raise EDEADLK
        self.members[key.name] = key

    def revoke(self) -> None:
        """Make the key useless; its content goes."""
        self.revoked = True
        self.data = b""
        self.members.clear()


def below(ring: Key) -> Iterator[Key]:
    """Yield what is in a keyring and in those in it, no key twice."""
    seen: set[Key] = set()
    waiting = list(ring.members.values())
    while waiting:
        key = waiting.pop(0)
        if key not in seen:
            seen.add(key)
            yield key
            waiting += key.members.values()


class KeyTable:
    """All keys of a kernel, by serial number."""

    def __init__(self, random: Callable[[int], bytes], now: Callable[[], int]) -> None:
        self.keys: WeakValueDictionary[int, Key] = WeakValueDictionary()
        self._random = random
        self.now = now  #: wall clock, nanoseconds

    def make(
        self, kind: bytes, description: bytes, owner: Credentials, perm: int, data: bytes = b""
    ) -> Key:
        """Make a key that nobody holds as yet; raise ``EDQUOT``."""
        self._charge(owner.fsuid, len(description) + 1 + len(data))
        serial = 0
        while serial < 3 or serial in self.keys:
            serial = int.from_bytes(self._random(4), "little") & 0x7FFFFFFF
        key = self.keys[serial] = Key(serial, kind, description, owner, perm, data)
        return key

    def _charge(self, uid: int, size: int) -> None:
        mine = [key for key in self.keys.values() if key.uid == uid]
        if len(mine) >= MAX_KEYS[uid == 0]:
            raise EDQUOT
        if size + sum(key.size() for key in mine) > MAX_BYTES[uid == 0]:
            raise EDQUOT

    def find(self, serial: int) -> Key:
        """Return a key by its number; raise ``ENOKEY``, and ``EINVAL`` for what is no number."""
        if serial < 1:
            raise EINVAL
        key = self.keys.get(serial)
        if key is None or key.invalid:
            raise ENOKEY
        return key

    def named_ring(self, name: bytes, cred: Credentials) -> Key | None:
        """Return a keyring that the caller may join by its name."""
        for key in list(self.keys.values()):
            if key.name == (KEYRING, name) and not key.revoked and not key.invalid:
                try:
                    key.check(cred, KEY_SEARCH, possessed=False)
                except EACCES:
                    continue
                return key
        return None

    def invalidate(self, key: Key) -> None:
        """Take a key out of every keyring at once (KEYCTL_INVALIDATE)."""
        key.invalid = True
        for ring in list(self.keys.values()):
            if ring.members.get(key.name) is key:
                del ring.members[key.name]

    def search(self, ring: Key, cred: Credentials, name: tuple[bytes, bytes]) -> Key:
        """Return the key of a name in a keyring that the caller possesses, or below it.

        Raises ``ENOKEY``; and ``EACCES``, ``EKEYREVOKED``, ``EKEYEXPIRED`` if that is all there is.
        """
        ring.check(cred, KEY_SEARCH, possessed=True)
        error: Exception = ENOKEY()
        level, seen = [ring], {ring}
        for _ in range(MAX_DEPTH):
            following = []
            for one in level:
                for key in one.members.values():
                    try:
                        if key.name == name:
                            key.validate(self.now())
                            key.check(cred, KEY_SEARCH, possessed=True)
                            return key
                        if key.type == KEYRING and key not in seen:
                            key.check(cred, KEY_SEARCH, possessed=True)
                            seen.add(key)
                            following.append(key)
                    except (EACCES, EKEYREVOKED, EKEYEXPIRED) as refused:
                        if key.name == name:
                            error = refused
            level = following
        raise error

    def possesses(self, rings: list[Key], cred: Credentials, key: Key) -> bool:
        """Tell whether a key is in one of ``rings``, or is one, and may be found there."""
        try:
            key.check(cred, KEY_SEARCH, possessed=True)
        except EACCES:
            return False
        level, seen = rings, set(rings)
        for _ in range(MAX_DEPTH + 1):
            if any(one is key for one in level):
                return True
            following = []
            for ring in level:
                try:
                    ring.check(cred, KEY_SEARCH, possessed=True)
                except EACCES:
                    continue
                following += [one for one in ring.members.values() if one not in seen]
                seen.update(following)
            level = following
        return False
