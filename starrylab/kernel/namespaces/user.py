"""User namespaces: ids and capabilities that count inside only (user_namespaces(7)).

The kernel keeps ids of the initial namespace everywhere; they are translated where a program
tells or is told one.  ``None`` stands for the initial user namespace in credentials and owners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.capability import CAP_SETFCAP
from ...abi.errno import ENOSPC, EPERM
from ...abi.sched import CLONE_NEWUSER
from .base import Namespace, Registry

if TYPE_CHECKING:
    from ..task.cred import Credentials

OVERFLOW_ID: Final = (
    65534  #: what an id without a mapping is shown as (/proc/sys/kernel/overflowuid)
)
_MAX_LEVEL: Final = 32


class Extent(NamedTuple):
    """A line of a map: ``size`` ids from ``first`` here are those from ``kernel`` elsewhere."""

    first: int
    kernel: int
    size: int


class IdMap:
    """uid_map or gid_map; empty until somebody writes it."""

    __slots__ = ("extents",)

    def __init__(self, extents: tuple[Extent, ...] = ()) -> None:
        self.extents = extents

    def inside(self, ident: int) -> int | None:
        """Return what the kernel's ``ident`` is in the namespace; ``None`` if it is not mapped."""
        for first, kernel, size in self.extents:
            if kernel <= ident < kernel + size:
                return ident - kernel + first
        return None

    def shown(self, ident: int) -> int:
        """Return what programs see: the overflow id for what is not mapped."""
        found = self.inside(ident)
        return OVERFLOW_ID if found is None else found

    def kernel(self, ident: int) -> int | None:
        """Return the kernel's id for the namespace's ``ident``; ``None`` if it is not mapped."""
        for first, kernel, size in self.extents:
            if first <= ident < first + size:
                return ident - first + kernel
        return None


class UserNamespace(Namespace):
    """One user namespace: who made it, and what its ids mean."""

    name = "user"
    flag = CLONE_NEWUSER

    def __init__(
        self, registry: Registry, parent: UserNamespace | None, owner: int, group: int, ino: int = 0
    ) -> None:
        """Make a child of ``parent`` for who has these effective ids; ``ENOSPC`` if too deep."""
        self.parent = parent
        self.level: int = 0 if ino else 1 if parent is None else parent.level + 1
        if self.level > _MAX_LEVEL:
            raise ENOSPC
        super().__init__(registry, parent, ino)
        self.owner = owner
        self.group = group
        self.uids = IdMap()
        self.gids = IdMap()
        self.owner_could_setfcap = True  #: whoever made it had CAP_SETFCAP
        self.may_set_groups: bool = True if parent is None else parent.may_set_groups

    def is_below(self, ancestor: UserNamespace | None) -> bool:
        """Tell whether ``ancestor`` is this namespace or above it."""
        here: UserNamespace | None = self
        while here is not ancestor and here is not None:
            here = here.parent
        return here is ancestor


def made_for(registry: Registry, cred: Credentials) -> UserNamespace:
    """Return a new user namespace as ``cred`` may make one (create_user_ns()).

    Raises ``EPERM`` for whoever has no ids in the parent, ``ENOSPC`` for too many or too deep ones.
    """
    parent = cred.user_ns
    if parent is not None and (
        parent.uids.inside(cred.euid) is None or parent.gids.inside(cred.egid) is None
    ):
        raise EPERM
    made = UserNamespace(registry, parent, cred.euid, cred.egid)
    made.owner_could_setfcap = cred.capable_here(CAP_SETFCAP)
    return made
