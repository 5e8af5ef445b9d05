"""/proc/keys and /proc/key-users (keyrings(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....abi.errno import EACCES, EKEYEXPIRED, EKEYREVOKED
from ....abi.keyctl import KEY_VIEW
from ...task.keys import KEYRING, MAX_BYTES, MAX_KEYS, Key
from ._declare import proc

if TYPE_CHECKING:
    from ...kernel import Kernel
    from ...task.keyrings import Keyrings

_NS = 1_000_000_000
#: what a timeout is shown in: from how many seconds on, the unit's seconds, its letter
_UNITS = ((7 * 86400, 7 * 86400, "w"), (86400, 86400, "d"), (3600, 3600, "h"), (60, 60, "m"))


@proc("keys")
def keys(kernel: Kernel) -> bytes:
    """Show the keys that the reader may view."""
    table = kernel.keyrings
    reader = kernel.executor.current
    if table is None or reader is None:
        return b""
    rows = []
    anchors = table.anchors(reader)  # type: ignore[arg-type]  # only threads read files
    for key in sorted(table.keys.values(), key=lambda one: one.serial):
        cred = reader.cred  # type: ignore[attr-defined]
        try:
            key.check(cred, KEY_VIEW, possessed=table.possesses(anchors, cred, key))
        except EACCES:
            continue
        rows.append(_row(table, key))
    return b"".join(rows)


def _row(table: Keyrings, key: Key) -> bytes:
    flags = f"I{'R' if key.revoked else '-'}-Q--{'i' if key.invalid else '-'}"
    uses = 1 + sum(one.members.get(key.name) is key for one in table.keys.values())
    if key.type == KEYRING:
        text = b": %d" % len(key.members) if key.members else b": empty"
    else:
        text = b": %d" % len(key.data)
    head = (
        f"{key.serial:08x} {flags} {uses:5d} {_left(table, key):>4} {key.perm:08x} "
        f"{key.uid:5d} {(key.gid ^ 1 << 31) - (1 << 31):5d} {key.type.decode():<9.9s} "
    )
    return head.encode() + key.description + text + b"\n"


def _left(table: Keyrings, key: Key) -> str:
    """Return how long a key lives, as Linux shows it."""
    try:
        key.validate(table.now())
    except EKEYEXPIRED:
        return "expd"
    except EKEYREVOKED:
        return "perm" if not key.expiry_ns else "expd"
    if not key.expiry_ns:
        return "perm"
    seconds = (key.expiry_ns - table.now()) // _NS
    for least, unit, letter in _UNITS:
        if seconds >= least:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


@proc("key-users")
def key_users(kernel: Kernel) -> str:
    """Show how many keys each user has, and how many it may have."""
    table = kernel.keyrings
    if table is None:
        return ""
    rows = []
    for uid in sorted({key.uid for key in table.keys.values()}):
        mine = [key for key in table.keys.values() if key.uid == uid]
        size = sum(key.size() for key in mine)
        number = len(mine)
        rows.append(
            f"{uid:5d}: {number + 1:5d} {number}/{number} "
            f"{number}/{MAX_KEYS[uid == 0]} {size}/{MAX_BYTES[uid == 0]}\n"
        )
    return "".join(rows)
