"""Mount namespaces: which tree of mounts a thread sees (mount_namespaces(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.sched import CLONE_NEWNS
from .base import Namespace, Registry

if TYPE_CHECKING:
    from ..vfs.context import FsContext
    from ..vfs.mount import Location, MountNamespace
    from .user import UserNamespace


class MntNamespace(Namespace):
    """A tree of mounts that lives as long as somebody is in it, or has a descriptor of it."""

    name = "mnt"
    flag = CLONE_NEWNS

    def __init__(
        self,
        registry: Registry,
        user_ns: UserNamespace | None,
        tree: MountNamespace,
        ino: int = 0,
    ) -> None:
        self._made = False
        super().__init__(registry, user_ns, ino)
        self.tree = tree
        self._made = not ino

    def copy(self, user_ns: UserNamespace | None, context: FsContext) -> MntNamespace:
        """Return a namespace with a copy of the tree, into which ``context`` moves."""
        slaves = user_ns is not self.user_ns
        tree = self.tree.copy(context, owner=user_ns, slaves=slaves)
        return MntNamespace(self.registry, user_ns, tree)

    @property
    def top(self) -> Location:
        """What "/" is for whoever enters: the topmost mount at the root of the tree."""
        root = self.tree.root
        assert root is not None
        return root.root_location.topmost()

    def __del__(self) -> None:
        """Unmount everything: nobody is here any more."""
        if self._made:
            self.tree.dissolve()
