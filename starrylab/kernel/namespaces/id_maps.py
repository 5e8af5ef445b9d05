"""uid_map and gid_map as they are written: a map that its writer may make (user_namespaces(7)).

The checks and their order are those of map_write() in Linux's kernel/user_namespace.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SETFCAP, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN
from ...abi.errno import EINVAL, EPERM
from .user import Extent, IdMap, UserNamespace

if TYPE_CHECKING:
    from ..task.cred import Credentials

_MAX_EXTENTS: Final = 340
_MAX_TEXT: Final = 4096  #: bytes of one write
_NO_ID: Final = 0xFFFF_FFFF


def write_map(ns: UserNamespace, kind: str, text: bytes, opener: Credentials) -> None:
    """Set the map of ``kind``, "uid" or "gid", of ``ns``, whose file ``opener`` opened.

    Raises ``EPERM`` for the initial namespace, a second write, and ids that ``opener`` may not
    map; ``EINVAL`` for text that is no map.
    """
    if not ns.level or opener.user_ns not in (ns, ns.parent):
        raise EPERM
    if len(text) >= _MAX_TEXT:
        raise EINVAL
    if (ns.uids if kind == "uid" else ns.gids).extents:
        raise EPERM
    if not opener.capable_in(ns, CAP_SYS_ADMIN):
        raise EPERM
    extents = _parse(text)
    if not _permitted(ns, kind, extents, opener):
        raise EPERM
    made = IdMap(tuple(_lowered(ns, kind, extent) for extent in extents))
    if kind == "uid":
        ns.uids = made
    else:
        ns.gids = made


def write_setgroups(ns: UserNamespace, text: bytes) -> None:
    """Permit setgroups(2) in ``ns`` or forbid it for good; raise ``EINVAL``, ``EPERM``."""
    word = text.strip()
    if word not in (b"allow", b"deny"):
        raise EINVAL
    if word == b"allow":
        if not ns.may_set_groups:
            raise EPERM
    elif ns.gids.extents or not ns.level:
        raise EPERM
    else:
        ns.may_set_groups = False


def _parse(text: bytes) -> list[Extent]:
    """Return the lines of a map; their `kernel` is the parent's id still."""
    extents: list[Extent] = []
    for line in text.removesuffix(b"\n").split(b"\n"):
        words = line.split()
        if len(words) != 3 or not all(word.isdigit() for word in words):
            raise EINVAL
        extent = Extent(*map(int, words))
        ends = (extent.first + extent.size, extent.kernel + extent.size)
        if not extent.size or max(ends) > _NO_ID or any(_overlap(extent, e) for e in extents):
            raise EINVAL
        extents.append(extent)
    if len(extents) > _MAX_EXTENTS:
        raise EINVAL
    return extents


def _overlap(one: Extent, other: Extent) -> bool:
    upper = one.first < other.first + other.size and other.first < one.first + one.size
    lower = one.kernel < other.kernel + other.size and other.kernel < one.kernel + one.size
    return upper or lower


def _permitted(ns: UserNamespace, kind: str, extents: list[Extent], opener: Credentials) -> bool:
    """Tell whether ``opener`` may map these ids (new_idmap_permitted())."""
    parent = ns.parent
    if kind == "uid" and any(extent.kernel == 0 for extent in extents):
        above = opener.user_ns is not ns
        if not (opener.capable_in(parent, CAP_SETFCAP) if above else ns.owner_could_setfcap):
            return False
    if len(extents) == 1 and extents[0].size == 1 and ns.owner == opener.euid:
        lowered = _lower(parent, kind, extents[0])
        if kind == "uid" and lowered == opener.euid:
            return True
        if kind == "gid" and not ns.may_set_groups and lowered == opener.egid:
            return True
    return opener.capable_in(parent, CAP_SETUID if kind == "uid" else CAP_SETGID)


def _lower(parent: UserNamespace | None, kind: str, extent: Extent) -> int | None:
    """Return the kernel's id for the parent's first one, if all of the extent is mapped there."""
    if parent is None:
        return extent.kernel
    above = parent.uids if kind == "uid" else parent.gids
    for first, kernel, size in above.extents:
        if first <= extent.kernel and extent.kernel + extent.size <= first + size:
            return extent.kernel - first + kernel
    return None


def _lowered(ns: UserNamespace, kind: str, extent: Extent) -> Extent:
    kernel = _lower(ns.parent, kind, extent)
    if kernel is None:
        raise EPERM
    return extent._replace(kernel=kernel)
