"""A mark of fanotify_mark(2): what a group wants to know of a node, a mount or a file system."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from weakref import finalize, ref

from ...abi.fanotify import (
    EVENT_FLAGS,
    FAN_EVENT_ON_CHILD,
    FAN_MARK_FILESYSTEM,
    FAN_MARK_IGNORE,
    FAN_MARK_IGNORED_SURV_MODIFY,
    FAN_MARK_INODE,
    FAN_MARK_MOUNT,
    FAN_ONDIR,
)
from ..vfs.mount import Location, Mountpoint
from ..vfs.node import FilesystemOps, NodeOps
from ..vfs.notify import ON_PARENT, Marks, NodeMarks, Table

if TYPE_CHECKING:
    from .fanotify import Fanotify
    from .watching import Share

_EVENTS: Final = ~EVENT_FLAGS


def table_of(kind: int, place: Location, *, make: bool = False) -> Table | None:
    """Return the marks of what FAN_MARK_* ``kind`` means at ``place``, made if there are none."""
    fs = place.mount.fs
    marks = fs.marks
    if marks is None:
        if not make:
            return None
        marks = fs.marks = Marks()
    if kind == FAN_MARK_FILESYSTEM:
        return marks.whole
    if kind == FAN_MARK_MOUNT:
        return marks.mounts.setdefault(place.mount, {}) if make else marks.mounts.get(place.mount)
    table: Table | None = place.node.bound(NodeMarks)
    if table is None and make:
        table = place.node.bind(NodeMarks, NodeMarks())
    return table


class Mark:
    """One mark.  What it is on may go before it does, which ends it."""

    __slots__ = ("__weakref__", "_end", "_table", "flags", "fs", "group", "ignored", "kind",
                 "mask", "object")  # fmt: skip

    def __init__(self, group: Fanotify, kind: int, place: Location, share: Share | None) -> None:
        self.group = group
        self.kind = kind  #: FAN_MARK_INODE, ...
        self.mask = 0
        self.ignored = 0
        self.flags = 0  #: FAN_MARK_* that fdinfo shows
        self.fs: FilesystemOps = place.mount.fs
        #: the node or mount; a file system lives as long as the mark
        marked: NodeOps | Mountpoint | FilesystemOps = (
            place.node if kind == FAN_MARK_INODE
            else place.mount if kind == FAN_MARK_MOUNT
            else self.fs
        )  # fmt: skip
        self.object: Callable[[], NodeOps | Mountpoint | FilesystemOps | None] = ref(marked)
        table = table_of(kind, place, make=True)
        marks = self.fs.marks
        assert table is not None
        assert marks is not None
        self._table = table
        table[group] = self
        group.marks[self] = None
        marks.count += 1
        self.fs.watched[self] = None
        self._end = finalize(marked, Mark._finish, ref(self), share)
        self._end.atexit = False

    @staticmethod
    def _finish(reference: ref[Mark], share: Share | None) -> None:
        if share is not None:
            share.give_back()
        mark = reference()
        if mark is not None:
            mark.leave()

    def leave(self) -> None:
        """Be no mark of anything any more; `end` does it once."""
        fs = self.fs
        self._table.pop(self.group, None)
        self.group.marks.pop(self, None)
        fs.watched.pop(self, None)
        if fs.marks is not None:
            fs.marks.count -= 1
            if not fs.marks.count:
                fs.marks = None

    def end(self) -> None:
        """Take the mark away."""
        self._end()

    def unmounted(self) -> None:
        """See ``vfs.notify.Ending``."""
        self.end()

    @property
    def of_children(self) -> bool:
        """Whether what happens to nodes in this directory is to be told, or ignored."""
        wanted = self.mask | (self.ignored if self.flags & FAN_MARK_IGNORE else 0)
        return bool(wanted & FAN_EVENT_ON_CHILD)

    def applies(self, directory: int, kind: int) -> bool:
        """Tell whether the mask is about directories, and about children, if the event is."""
        return _applies(self.mask, directory, kind)

    def ignores(self, directory: int, kind: int) -> int:
        """Return the events that are ignored (fsnotify_effective_ignore_mask())."""
        events = self.ignored & _EVENTS
        if not events or (not directory and kind != ON_PARENT):
            return events
        ignored = self.ignored
        if not self.flags & FAN_MARK_IGNORE:  # the old kind takes it from the mask
            ignored |= FAN_ONDIR | self.mask & FAN_EVENT_ON_CHILD
        return events if _applies(ignored, directory, kind) else 0

    def modified(self) -> None:
        """Note that the file was written: most marks ignore nothing any more."""
        if not self.flags & FAN_MARK_IGNORED_SURV_MODIFY:
            self.ignored = 0


def _applies(mask: int, directory: int, kind: int) -> bool:
    if directory and not mask & FAN_ONDIR:
        return False
    return kind != ON_PARENT or bool(mask & FAN_EVENT_ON_CHILD)
