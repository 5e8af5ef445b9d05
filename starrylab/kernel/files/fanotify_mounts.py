"""A mark of a mount namespace: what is mounted and unmounted there (FAN_MARK_MNTNS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

from ...abi.fanotify import (
    FAN_EVENT_INFO_TYPE_MNT,
    FAN_MARK_MNTNS,
    FAN_MNT_ATTACH,
    FAN_MNT_DETACH,
    INFO_MNT,
)

if TYPE_CHECKING:
    from ..namespaces.mnt import MntNamespace
    from .fanotify import Fanotify
    from .watching import Share, Watching


class ToldMount(NamedTuple):
    """A mount, as an event tells it."""

    ident: int  #: the unique one of statmount(2)

    def pack(self, mask: int, mode: int) -> bytes:
        """Return the record as read(2) gives it."""
        return INFO_MNT.pack(FAN_EVENT_INFO_TYPE_MNT, 0, INFO_MNT.size, 0, self.ident)


class NamespaceMark:
    """A mark of a mount namespace, which it does not keep alive.

    It compares what is mounted with what was: after each call that may have changed it.
    """

    __slots__ = ("_known", "_share", "_watching", "flags", "group", "ignored", "mask", "object")

    kind = FAN_MARK_MNTNS

    def __init__(
        self, group: Fanotify, namespace: MntNamespace, watching: Watching, share: Share | None
    ) -> None:
        self.group = group
        self.mask = 0
        self.ignored = 0
        self.flags = 0  #: as of ``Mark``
        self.object = ref(namespace)
        self._known = _places(namespace)
        self._share = share
        self._watching = watching
        group.marks[self] = None
        watching.mount_marks[self] = None

    def look(self) -> None:
        """Tell what has changed."""
        namespace = self.object()
        if namespace is None:
            self.end()
            return
        before, now = self._known, _places(namespace)
        self._known = now
        for ident, place in now.items():
            if ident not in before:
                self._tell(FAN_MNT_ATTACH, ident)
            elif before[ident] != place:
                self._tell(FAN_MNT_ATTACH | FAN_MNT_DETACH, ident)
        for ident in before:
            if ident not in now:
                self._tell(FAN_MNT_DETACH, ident)

    def _tell(self, mask: int, ident: int) -> None:
        mask &= self.mask & ~self.ignored
        if mask:
            self.group.add(mask, ToldMount(ident))

    def end(self) -> None:
        """Take the mark away."""
        self.group.marks.pop(self, None)
        self._watching.mount_marks.pop(self, None)
        if self._share is not None:
            self._share.give_back()


def _places(namespace: MntNamespace) -> dict[int, tuple[int, int]]:
    """Return where each mount of a namespace hangs, by its number."""
    tree = namespace.tree
    return {
        mount.unique_id: (0 if mount.parent is None else mount.parent.unique_id, id(mount.at))
        for mount in tree
        if mount.parent is not None or mount is tree.root
    }
