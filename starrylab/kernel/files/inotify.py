"""Events of files, as a file (inotify(7))."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.errno import EAGAIN, EEXIST, EINVAL, ENOSPC, ENOTTY
from ...abi.inotify import (
    EVENT,
    IN_ALL_EVENTS,
    IN_DELETE_SELF,
    IN_EXCL_UNLINK,
    IN_IGNORED,
    IN_ISDIR,
    IN_MASK_ADD,
    IN_MASK_CREATE,
    IN_ONESHOT,
    IN_Q_OVERFLOW,
    IN_UNMOUNT,
    NAME_UNIT,
)
from ...abi.ioctl import FIONREAD
from ...abi.poll import POLLIN, POLLRDNORM
from ..core.poll import PollSet
from ..core.sched import Waker
from ..vfs.mount import Location
from ..vfs.node import DIRECTORY, FilesystemOps, NodeOps
from ..vfs.notify import Watches
from .file import File
from .watching import Kind, Share, Watching

if TYPE_CHECKING:
    from ..thread import Thread

_IN: Final = POLLIN | POLLRDNORM


class Event(NamedTuple):
    """``struct inotify_event``."""

    wd: int
    mask: int
    cookie: int = 0
    name: bytes = b""

    def pack(self) -> bytes:
        """Return the event as read(2) gives it."""
        name = self.name
        if name:
            size = -(-(len(name) + 1) // NAME_UNIT) * NAME_UNIT
            name = name.ljust(size, b"\0")
        return EVENT.pack(self.wd, self.mask, self.cookie, len(name)) + name


class InotifyWatch:
    """One watch.  It does not keep its node alive: that the node goes is an event."""

    __slots__ = ("__weakref__", "_gone", "fs", "inotify", "mask", "node", "share", "wd")

    def __init__(self, inotify: Inotify, wd: int, place: Location, mask: int, share: Share) -> None:
        self.inotify = inotify
        self.share = share  #: of what a user may watch
        self.wd = wd
        self.mask = mask
        node = place.node
        self.fs: FilesystemOps = place.mount.fs
        self.fs.watched[self] = None
        self.node = weakref.ref(node)
        watches = node.bound(Watches)
        if watches is None:
            watches = node.bind(Watches, Watches())
        watches[self] = None
        self._gone = weakref.finalize(node, InotifyWatch._node_gone, weakref.ref(self))
        self._gone.atexit = False

    @staticmethod
    def _node_gone(reference: weakref.ref[InotifyWatch]) -> None:
        watch = reference()
        if watch is not None:
            watch.gone()

    def gone(self) -> None:
        """See ``vfs.notify.Watch``."""
        self.event(IN_DELETE_SELF, b"", 0, unlinked=False)
        self.inotify.remove(self)

    def event(self, mask: int, name: bytes, cookie: int, *, unlinked: bool) -> None:
        """See ``vfs.notify.Watch``."""
        if not mask & self.mask & IN_ALL_EVENTS or (unlinked and self.mask & IN_EXCL_UNLINK):
            return
        self.inotify.add(Event(self.wd, mask, cookie, name))
        if self.mask & IN_ONESHOT:
            self.inotify.remove(self)

    def unmounted(self) -> None:
        """See ``vfs.notify.Ending``."""
        node = self.node()
        folder = IN_ISDIR if node is not None and node.kind == DIRECTORY else 0
        self.inotify.add(Event(self.wd, IN_UNMOUNT | folder))
        self.inotify.remove(self)

    def end(self) -> None:
        """Stop watching."""
        self._gone.detach()
        self.share.give_back()
        self.fs.watched.pop(self, None)
        node = self.node()
        if node is not None:
            watches = node.bound(Watches)
            del watches[self]
            if not watches:
                node.bind(Watches, None)


class Inotify(File):
    """An instance: its watches, and the events that were not read yet."""

    __slots__ = (
        "_closed",
        "_last_wd",
        "_limit",
        "_readers",
        "_watching",
        "events",
        "uid",
        "watches",
    )

    kind = "inotify"

    def __init__(
        self, flags: int, watching: Watching, uid: int, closed: Callable[[], object]
    ) -> None:
        super().__init__(flags)
        self._watching = watching  #: the limits
        self._limit = watching.queued_events["inotify"]
        self.uid = uid  #: who made it, on whose account its watches go
        self.watches: dict[int, InotifyWatch] = {}
        self.events: deque[Event] = deque()
        self._last_wd = 0
        self._readers = PollSet()
        self._closed = closed  #: is told of the end

    # -- watches ---------------------------------------------------------------------------

    def watch(self, place: Location, mask: int) -> int:
        """Watch a place, or change what is watched there; return its number.

        Raises ``EEXIST`` with IN_MASK_CREATE, ``ENOSPC``.
        """
        watch = self._of(place.node)
        kept = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK)
        if watch is not None:
            if mask & IN_MASK_CREATE:
                raise EEXIST
            watch.mask = watch.mask | kept if mask & IN_MASK_ADD else kept
            return watch.wd
        share = self._watching.take(Kind.INOTIFY_WATCHES, self.uid, ENOSPC)
        self._last_wd += 1
        self.watches[self._last_wd] = InotifyWatch(self, self._last_wd, place, kept, share)
        return self._last_wd

    def _of(self, node: NodeOps) -> InotifyWatch | None:
        found = (watch for watch in node.bound(Watches) or () if watch.inotify is self)
        return next(found, None)

    def remove(self, watch: InotifyWatch) -> None:
        """Stop a watch, which is an event itself."""
        if self.watches.pop(watch.wd, None) is not None:
            watch.end()
            self.add(Event(watch.wd, IN_IGNORED))

    def find(self, wd: int) -> InotifyWatch:
        """Return a watch by its number; raise ``EINVAL``."""
        watch = self.watches.get(wd)
        if watch is None:
            raise EINVAL
        return watch

    # -- events ----------------------------------------------------------------------------

    def add(self, event: Event) -> None:
        """Queue an event, unless the last one is the same, whatever its cookie."""
        events = self.events
        if events and events[-1]._replace(cookie=event.cookie) == event:
            return
        if len(events) >= self._limit:
            if events[-1].mask != IN_Q_OVERFLOW:
                events.append(Event(-1, IN_Q_OVERFLOW))
            return
        events.append(event)
        self._readers.wake()

    def read(self, size: int) -> bytes:
        """Return as many events as fit; ``EINVAL`` if not one does."""
        if not self.events:
            raise EAGAIN
        parts: list[bytes] = []
        while self.events:
            part = self.events[0].pack()
            size -= len(part)
            if size < 0:
                break
            parts.append(part)
            self.events.popleft()
        if not parts:
            raise EINVAL
        return b"".join(parts)

    def poll(self) -> int:
        """See ``File.poll``."""
        return _IN if self.events else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        if events & _IN:
            self._readers.register(waker)

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """FIONREAD: bytes that can be read."""
        if request != FIONREAD:
            raise ENOTTY
        thread.mm.write_u32(arg, sum(len(event.pack()) for event in self.events))
        return 0

    def closed(self) -> None:
        """See ``File.closed``."""
        watches, self.watches = self.watches, {}
        for watch in watches.values():
            watch.end()
        self.events.clear()
        self._closed()

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:inotify"
