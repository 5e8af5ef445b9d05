"""Changing user and group ids (credentials(7)): the rules are the same for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.capability import CAP_SETGID, CAP_SETUID
from ...abi.errno import EINVAL, EPERM
from ..task.cred import Credentials

if TYPE_CHECKING:
    from ..thread import Thread

_KEEP: Final = 0xFFFF_FFFF  #: (uid_t) -1: leave as it is
_Four = tuple[int, int, int, int]  #: real, effective, saved, of the file system


class Ids(NamedTuple):
    """What is different for users and groups."""

    capability: int  #: who has it may take any id
    of: Callable[[Credentials], _Four]
    meant: Callable[[Credentials, int], int | None]
    shown: Callable[[Credentials, int], int]
    change: Callable[[Credentials, int, int, int, int], Credentials]


def _with_gids(cred: Credentials, gid: int, egid: int, sgid: int, fsgid: int) -> Credentials:
    return replace(cred, gid=gid, egid=egid, sgid=sgid, fsgid=fsgid)


USERS: Final = Ids(
    CAP_SETUID,
    lambda cred: (cred.uid, cred.euid, cred.suid, cred.fsuid),
    Credentials.meant_uid,
    Credentials.shown_uid,
    Credentials.with_uids,
)
GROUPS: Final = Ids(
    CAP_SETGID,
    lambda cred: (cred.gid, cred.egid, cred.sgid, cred.fsgid),
    Credentials.meant_gid,
    Credentials.shown_gid,
    _with_gids,
)


def kernel_id(t: Thread, ids: Ids, id_: int) -> int:
    """Return the kernel's id for one of the caller's; -1 stays; ``EINVAL`` if it is not mapped."""
    found = ids.meant(t.cred, id_)
    if found is not None:
        return found
    if id_ == _KEEP:
        return id_
    raise EINVAL


def _set(t: Thread, ids: Ids, real: int, effective: int, saved: int, fs: int) -> None:
    _, old_effective, _, old_fs = ids.of(t.cred)
    if (old_effective, old_fs) != (effective, fs):
        t.process.dumpable = 0
    t.cred = ids.change(t.cred, real, effective, saved, fs)


def set_all(t: Thread, ids: Ids, id_: int) -> None:
    """setuid(2), setgid(2)."""
    id_ = kernel_id(t, ids, id_)
    if id_ == _KEEP:
        raise EINVAL
    real, _, saved, _ = ids.of(t.cred)
    if t.cred.capable_here(ids.capability):
        _set(t, ids, id_, id_, id_, id_)
    elif id_ in (real, saved):
        _set(t, ids, real, id_, saved, id_)
    else:
        raise EPERM


def set_two(t: Thread, ids: Ids, real: int, effective: int) -> None:
    """setreuid(2), setregid(2)."""
    real, effective = kernel_id(t, ids, real), kernel_id(t, ids, effective)
    old_real, old_effective, old_saved, _ = ids.of(t.cred)
    new_real = old_real if real == _KEEP else real
    new_effective = old_effective if effective == _KEEP else effective
    if not t.cred.capable_here(ids.capability) and (
        new_real not in (old_real, old_effective)
        or new_effective not in (old_real, old_effective, old_saved)
    ):
        raise EPERM
    moved = real != _KEEP or (effective != _KEEP and new_effective != old_real)
    saved = new_effective if moved else old_saved
    _set(t, ids, new_real, new_effective, saved, new_effective)


def set_three(t: Thread, ids: Ids, *wanted: int) -> None:
    """setresuid(2), setresgid(2): real, effective and saved."""
    wanted = tuple(kernel_id(t, ids, id_) for id_ in wanted)
    own = ids.of(t.cred)[:3]
    new = [old if id_ == _KEEP else id_ for id_, old in zip(wanted, own, strict=True)]
    if not t.cred.capable_here(ids.capability) and any(id_ not in own for id_ in new):
        raise EPERM
    real, effective, saved = new
    _set(t, ids, real, effective, saved, effective)


def set_fs(t: Thread, ids: Ids, id_: int) -> int:
    """setfsuid(2), setfsgid(2): return the old id whether or not it changed."""
    cred = t.cred
    real, effective, saved, fs = own = ids.of(cred)
    found = ids.meant(cred, id_)
    if found is not None and (found in own or cred.capable_here(ids.capability)):
        _set(t, ids, real, effective, saved, found)
    return ids.shown(cred, fs)
