"""Ids in the structures of System V objects, as the caller's namespaces have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ...abi.errno import EINVAL

if TYPE_CHECKING:
    from ...base.cstruct import Struct
    from ..mm.sysv import IpcPerm
    from ..thread import Thread

S = TypeVar("S", bound="Struct")


def shown_status(t: Thread, status: S, perm: str, *pids: str) -> S:
    """Translate the owners in the member ``perm``, and the process numbers ``pids``, for ``t``."""
    if t.process.nested:
        owners: IpcPerm = getattr(status, perm)
        owners.uid, owners.cuid = t.cred.shown_uid(owners.uid), t.cred.shown_uid(owners.cuid)
        owners.gid, owners.cgid = t.cred.shown_gid(owners.gid), t.cred.shown_gid(owners.cgid)
        for name in pids:
            setattr(status, name, t.process.shown(getattr(status, name)))
    return status


def meant_owner(t: Thread, perm: IpcPerm) -> IpcPerm:
    """Return IPC_SET's owner in the kernel's ids; raise ``EINVAL`` for ids without a mapping."""
    uid, gid = t.cred.meant_uid(perm.uid), t.cred.meant_gid(perm.gid)
    if uid is None or gid is None:
        raise EINVAL
    perm.uid, perm.gid = uid, gid
    return perm
