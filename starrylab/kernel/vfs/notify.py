"""Who wants to know what happens to nodes (inotify(7), fanotify(7), and F_NOTIFY of fcntl(2)).

What happens to a file is told to those who watch it, and with its name to those who watch its
directory.  A file system has its watches in `watched`: nothing is looked for where there are none.
`files.inotify` and `files.dnotify` implement a `Watch` of one node; a mark of `files.fanotify` may
be on a node, a mount or a file system, and all of one group that an event concerns are looked at
together (send_to_group() of Linux's fs/notify/fsnotify.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from weakref import WeakKeyDictionary, finalize

from ...abi.fanotify import FAN_RENAME
from ...abi.inotify import IN_DELETE_SELF, IN_ISDIR, IN_MOVE_SELF
from .dentry import DirEntry
from .handles import Handle, identify
from .node import DIRECTORY, FilesystemOps, NodeOps

if TYPE_CHECKING:
    from .mount import Location, Mountpoint

#: What a mark is on, as seen from an event.
ON_NODE: Final = 0
ON_PARENT: Final = 1  #: the directory of the node
ON_TARGET: Final = 2  #: the directory that a node moves to
ON_MOUNT: Final = 3
ON_FILESYSTEM: Final = 4


class Ending(Protocol):
    """What a file system knows of a watch or mark in it."""

    def unmounted(self) -> None:
        """End: the last mount of the file system is gone."""
        ...


class Watch(Ending, Protocol):
    """One watch of a node."""

    def event(self, mask: int, name: bytes, cookie: int, *, unlinked: bool) -> None:
        """Note an event; ``name`` is that of the entry in the watched directory, or b""."""
        ...

    def gone(self) -> None:
        """End: the node has no name any more, and nobody uses the last one."""
        ...


class Watches(dict[Watch, None]):
    """The watches of a node, bound to it."""


class Identity(NamedTuple):
    """What is left to tell of a node, even when it is gone."""

    handle: Handle
    is_directory: bool

    @classmethod
    def of(cls, node: NodeOps) -> Identity:
        """Return what tells ``node`` from others."""
        return cls(identify(node), node.kind == DIRECTORY)


@dataclass(slots=True)
class Event:
    """What happened, for those who mark more than one node."""

    mask: int  #: FAN_*
    fs: FilesystemOps
    subject: Identity
    place: Location | None = None  #: how it was reached, if somebody had it open
    directory: NodeOps | None = None  #: where it is, or was
    name: bytes = b""  #: as what
    target: tuple[NodeOps, bytes] | None = None  #: of FAN_RENAME: where to


class Listener(Protocol):
    """A group of marks (fanotify_init(2))."""

    priority: int  #: who has more hears of an event first

    def tell(self, event: Event, marks: Found) -> None:
        """Note an event that concerns ``marks`` of this listener."""
        ...


Found = list[tuple[int, Any]]  #: what a mark is on, and the mark
Table = dict[Listener, Any]  #: the mark of each listener


class NodeMarks(Table):
    """The marks of a node, bound to it."""


class Marks:
    """What is marked in a file system."""

    __slots__ = ("count", "mounts", "whole")

    def __init__(self) -> None:
        self.count = 0  #: of all marks, those of nodes as well
        self.mounts: WeakKeyDictionary[Mountpoint, Table] = WeakKeyDictionary()
        self.whole: Table = {}


def concerned(
    event: Event, node: NodeOps | None, parent: NodeOps | None, target: NodeOps | None = None
) -> Iterator[tuple[Listener, Found]]:
    """Yield all listeners with marks near ``event``, and these marks."""
    marks = event.fs.marks
    if marks is None:
        return
    found: dict[Listener, Found] = {}
    tables = (
        (ON_NODE, None if node is None else node.bound(NodeMarks)),
        (ON_PARENT, None if parent is None else parent.bound(NodeMarks)),
        (ON_TARGET, None if target is None else target.bound(NodeMarks)),
        (ON_MOUNT, None if event.place is None else marks.mounts.get(event.place.mount)),
        (ON_FILESYSTEM, marks.whole),
    )
    for kind, table in tables:
        for listener, mark in (table or {}).items():
            if kind != ON_PARENT or mark.of_children:
                found.setdefault(listener, []).append((kind, mark))
    yield from sorted(found.items(), key=lambda item: -item[0].priority)


def _tell_watches(
    node: NodeOps, mask: int, name: bytes = b"", cookie: int = 0, *, unlinked: bool = False
) -> None:
    data = node.data
    watches = None if data is None else data.get(Watches)
    if watches:
        for watch in list(watches):
            watch.event(mask, name, cookie, unlinked=unlinked)


def tell_node(node: NodeOps, mask: int) -> None:
    """Tell what happened to ``node``, by no name."""
    fs = node.fs
    if not fs.watched:
        return
    folder = IN_ISDIR if node.kind == DIRECTORY else 0
    _tell_watches(node, mask if mask & IN_MOVE_SELF else mask | folder)
    if fs.marks is not None:
        mask |= folder
        event = Event(mask, fs, Identity.of(node))
        for listener, marks in concerned(event, node, None):
            listener.tell(event, marks)


def about_entry(entry: DirEntry, mask: int, place: Location | None = None) -> Event:
    """Return the event for the node of ``entry``, which was reached by ``place``."""
    node = entry.node
    assert node is not None
    if node.kind == DIRECTORY:
        mask |= IN_ISDIR
    directory = None if entry.parent is None else entry.parent.node
    return Event(mask, node.fs, Identity.of(node), place, directory, entry.name)


def tell_entry(entry: DirEntry, mask: int, place: Location | None = None) -> None:
    """Tell those who watch the node of ``entry``, or the directory that it is in.

    ``place``: somebody has it open there.
    """
    node = entry.node
    if node is None:
        return
    shown = mask | IN_ISDIR if node.kind == DIRECTORY else mask
    directory = None if entry.parent is None else entry.parent.node
    unlinked = place is not None and entry.unlinked
    if directory is not None:
        _tell_watches(directory, shown, entry.name, unlinked=unlinked)
    _tell_watches(node, shown, unlinked=unlinked)
    if node.fs.marks is not None:
        event = about_entry(entry, mask, place)
        for listener, marks in concerned(event, node, directory):
            listener.tell(event, marks)


def tell_place(place: Location, mask: int) -> None:
    """Tell what happened to what is at ``place``, if anybody watches that file system."""
    if place.mount.fs.watched:
        tell_entry(place.entry, mask)


def tell_file(place: Location, mask: int) -> None:
    """Tell what was done to a file that is, or was, open at ``place``."""
    if place.mount.fs.watched and not place.quiet:
        tell_entry(place.entry, mask, place)


def tell_name(
    directory: NodeOps, mask: int, name: bytes, subject: NodeOps | Identity, cookie: int = 0
) -> None:
    """Tell those who watch ``directory`` what happened to a name of ``subject`` in it."""
    fs = directory.fs
    if not fs.watched:
        return
    made = Identity.of(subject) if isinstance(subject, NodeOps) else subject
    if made.is_directory:
        mask |= IN_ISDIR
    _tell_watches(directory, mask, name, cookie)
    if fs.marks is not None:
        event = Event(mask, fs, made, None, directory, name)
        for listener, marks in concerned(event, directory, None):
            listener.tell(event, marks)


def tell_rename(
    directory: NodeOps, name: bytes, target: NodeOps, new_name: bytes, node: NodeOps
) -> None:
    """Tell of a move as one event (FS_RENAME)."""
    fs = directory.fs
    if not fs.watched:
        return
    subject = Identity.of(node)
    mask = FAN_RENAME | (IN_ISDIR if subject.is_directory else 0)
    if directory is target:  # F_NOTIFY knows no other
        _tell_watches(directory, mask, name)
    if fs.marks is not None:
        event = Event(mask, fs, subject, None, directory, name, (target, new_name))
        for listener, marks in concerned(event, directory, None, target):
            listener.tell(event, marks)


def will_go(entry: DirEntry) -> Identity | None:
    """Note that the name ``entry`` was removed: if it was the last, the node's end is to be told.

    It is told when nobody uses that name any more, even if the node is still open by another
    (dentry_unlink_inode() in Linux).  Returns what will be left, ``None`` where nobody watches.
    """
    node = entry.node
    assert node is not None
    if not node.fs.watched:
        return None
    left = Identity.of(node)
    finalize(entry, _gone, node, left).atexit = False
    return left


def _gone(node: NodeOps, left: Identity) -> None:
    """Tell of the end of a node, and end its watches and marks, if it has no name left."""
    if node.nlink and not left.is_directory:
        return
    fs = node.fs
    for watch in list(node.bound(Watches) or ()):
        watch.gone()
    if fs.marks is None:
        return
    event = Event(IN_DELETE_SELF | (IN_ISDIR if left.is_directory else 0), fs, left)
    for listener, marks in concerned(event, node, None):
        listener.tell(event, marks)
    for mark in list((node.bound(NodeMarks) or {}).values()):
        mark.end()


def tell_unmount(fs: FilesystemOps) -> None:
    """Tell all who watch nodes of ``fs`` that its last mount is gone, and end their watches."""
    for watch in reversed(list(fs.watched)):
        watch.unmounted()
