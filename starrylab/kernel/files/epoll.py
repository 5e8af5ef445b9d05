"""An interest list and its ready list as a file (epoll(7), epoll_ctl(2)).

Each item is a waker of its own.  At any time an item is either in the ready list or
registered with its file, so a wait costs what is ready and not what is watched.  A
level-triggered item that was ready stays in the list, at its end, and is asked again by the
next wait; one that turns out not to be ready goes back to its file.
"""

from __future__ import annotations

from collections import deque
from struct import Struct
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from ...abi.errno import EEXIST, EINVAL, ELOOP, ENOENT, EPERM
from ...abi.fcntl import O_RDWR
from ...abi.poll import (
    EPOLLERR,
    EPOLLET,
    EPOLLEXCLUSIVE,
    EPOLLHUP,
    EPOLLIN,
    EPOLLONESHOT,
    EPOLLOUT,
    EPOLLWAKEUP,
    POLLIN,
    POLLRDNORM,
)
from ..core.poll import PollSet
from ..core.sched import Waker
from .file import File

EVENT: Final = Struct("<I4xQ")  #: struct epoll_event; only x86-64 packs it
MAX_NESTING: Final = 5  #: epoll files in a row

_ALWAYS: Final = EPOLLERR | EPOLLHUP
_READY_BITS: Final = 0xFFFF  #: the part of an event mask that `File.poll` answers with
_EXCLUSIVE_OK: Final = (
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE
)
_READABLE: Final = POLLIN | POLLRDNORM


class EpollItem(Waker):
    """One watched descriptor: woken by its file, it enters the ready list."""

    __slots__ = ("data", "epoll", "events", "fd", "file", "mask", "queued")

    def __init__(self, epoll: Epoll, fd: int) -> None:
        self.epoll = epoll
        self.fd = fd
        self.file: File | None = None  #: None: not watched any more
        self.events = 0  #: as the user gave them
        self.mask = 0  #: readiness asked for; 0: disabled by EPOLLONESHOT
        self.data = 0
        self.queued = False  #: in the ready list

    @property
    def alive(self) -> bool:
        """Whether the descriptor is still watched."""
        return self.file is not None

    def wake(self) -> None:
        """Enter the ready list, and wake who waits for it."""
        if not self.queued and self.mask:
            self.queued = True
            self.epoll.ready.append(self)
            self.epoll.waiters.wake()

    def set_events(self, events: int, data: int) -> None:
        """Watch for ``events`` and hand out ``data`` with them."""
        self.events = events
        self.mask = events & _READY_BITS | _ALWAYS
        self.data = data


class Epoll(File):
    """The epoll instance."""

    __slots__ = ("_adds", "_items", "_spare", "ready", "waiters", "watchers")

    kind = "eventpoll"

    def __init__(self, flags: int = 0) -> None:
        super().__init__(O_RDWR | flags)
        self._items: dict[tuple[int, File], EpollItem] = {}
        self.ready: deque[EpollItem] = deque()
        self.waiters = PollSet()
        # A removed item may still be registered with its file; adding the file again
        # reuses it, so that registrations cannot pile up.
        self._spare: WeakKeyDictionary[File, EpollItem] = WeakKeyDictionary()
        self.watchers: WeakSet[Epoll] = WeakSet()  #: epoll files that watch this one
        self._adds = 0  #: since closed files were last swept out

    def items(self) -> list[EpollItem]:
        """Return what is watched (/proc/PID/fdinfo)."""
        return list(self._items.values())

    # -- the interest list ---------------------------------------------------------------

    def add(self, fd: int, file: File, events: int, data: int) -> None:
        """EPOLL_CTL_ADD; ``EPERM`` for a file that is always ready, ``EEXIST``, ``ELOOP``."""
        if type(file).register is File.register:
            raise EPERM
        if file is self:
            raise EINVAL
        if events & EPOLLEXCLUSIVE and (events & ~_EXCLUSIVE_OK or isinstance(file, Epoll)):
            raise EINVAL
        self._sweep()
        if (fd, file) in self._items:
            raise EEXIST
        if isinstance(file, Epoll):
            self._check_nesting(file)
            file.watchers.add(self)
        item = self._spare.pop(file, None) or EpollItem(self, fd)
        item.fd = fd
        item.file = file
        item.set_events(events, data)
        self._items[fd, file] = item
        self._arm(item)

    def modify(self, fd: int, file: File, events: int, data: int) -> None:
        """EPOLL_CTL_MOD; ``ENOENT`` if it is not watched, ``EINVAL`` with EPOLLEXCLUSIVE."""
        item = self._items.get((fd, file))
        if events & EPOLLEXCLUSIVE or (item is not None and item.events & EPOLLEXCLUSIVE):
            raise EINVAL
        if item is None:
            raise ENOENT
        item.set_events(events, data)
        self._arm(item)

    def remove(self, fd: int, file: File) -> None:
        """EPOLL_CTL_DEL; ``ENOENT`` if it is not watched."""
        item = self._items.get((fd, file))
        if item is None:
            raise ENOENT
        self._forget(item, file)

    def _arm(self, item: EpollItem) -> None:
        """Put the item where it belongs: the ready list, or its file."""
        file = item.file
        if item.queued or file is None:
            return
        if file.poll() & item.mask:
            item.wake()
        else:
            file.register(item, item.mask)

    def _forget(self, item: EpollItem, file: File) -> None:
        del self._items[item.fd, file]
        item.file = None
        item.mask = 0
        self._spare[file] = item
        if isinstance(file, Epoll) and not any(other is file for _, other in self._items):
            file.watchers.discard(self)

    def _sweep(self) -> None:
        """Forget files that were closed: once for each time the list could have doubled."""
        self._adds += 1
        if self._adds > len(self._items) // 2:
            self._adds = 0
            for (_, file), item in list(self._items.items()):
                if file.refs <= 0:
                    self._forget(item, file)

    # -- nesting -------------------------------------------------------------------------

    def _check_nesting(self, target: Epoll) -> None:
        """Raise ``ELOOP`` for a circle, and for more than `MAX_NESTING` in a row."""
        if target.depth_below(self) + self.depth_above() > MAX_NESTING:
            raise ELOOP

    def depth_below(self, origin: Epoll) -> int:
        """Return the longest row of epoll files from here down; ``ELOOP`` at ``origin``."""
        if self is origin:
            raise ELOOP
        below = [file for _, file in self._items if isinstance(file, Epoll)]
        return 1 + max((epoll.depth_below(origin) for epoll in below), default=0)

    def depth_above(self) -> int:
        """Return the longest row of epoll files from here up."""
        return 1 + max((epoll.depth_above() for epoll in self.watchers), default=0)

    # -- the ready list ---------------------------------------------------------------------

    def collect(self, limit: int) -> list[tuple[int, int]]:
        """Return up to ``limit`` pairs of events and data, and re-arm what they came from."""
        ready = self.ready
        found: list[tuple[int, int]] = []
        for _ in range(len(ready)):
            if len(found) == limit:
                break
            item = ready.popleft()
            item.queued = False
            file = item.file
            if file is None:
                continue
            if file.refs <= 0:
                self._forget(item, file)
                continue
            events = file.poll() & item.mask
            if not events:
                if item.mask:
                    file.register(item, item.mask)
                continue
            found.append((events, item.data))
            if item.events & EPOLLONESHOT:
                item.mask = 0
            elif item.events & EPOLLET:
                file.register(item, item.mask)
            else:
                item.queued = True
                ready.append(item)
        return found

    def seek(self, offset: int, whence: int) -> int:
        """Do nothing: lseek(2) succeeds on what has no position (``noop_llseek``)."""
        return 0

    def poll(self) -> int:
        """See ``File.poll``; readable when `collect` would find something."""
        ready = self.ready
        while ready:
            item = ready[0]
            file = item.file
            if file is not None and file.refs > 0:
                if file.poll() & item.mask:
                    return _READABLE
                if item.mask:
                    file.register(item, item.mask)
            ready.popleft()
            item.queued = False
        return 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.waiters.register(waker)

    def closed(self) -> None:
        """Stop watching everything."""
        for (_, file), item in self._items.items():
            item.file = None
            item.mask = 0
            if isinstance(file, Epoll):
                file.watchers.discard(self)
        self._items.clear()
        self.ready.clear()
