"""Events of files with the files or handles of them, and permission to go on (fanotify(7))."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from ...abi.errno import (
    EAGAIN,
    EBUSY,
    EDQUOT,
    EFAULT,
    EINVAL,
    EIO,
    ENOENT,
    ENOSPC,
    ENOTTY,
    EPERM,
    ESRCH,
    ETXTBSY,
    LinuxError,
)
from ...abi.fanotify import (
    CLASS_BITS,
    EVENT_FLAGS,
    FAN_ALLOW,
    FAN_AUDIT,
    FAN_CLASS_CONTENT,
    FAN_CLASS_PRE_CONTENT,
    FAN_DENY,
    FAN_EPIDFD,
    FAN_ERRNO_SHIFT,
    FAN_EVENT_INFO_TYPE_PIDFD,
    FAN_INFO,
    FAN_MODIFY,
    FAN_NOFD,
    FAN_NONBLOCK,
    FAN_NOPIDFD,
    FAN_ONDIR,
    FAN_Q_OVERFLOW,
    FAN_RENAME,
    FAN_REPORT_FD_ERROR,
    FAN_REPORT_FID,
    FAN_REPORT_PIDFD,
    FAN_REPORT_TID,
    FID_BITS,
    INFO_PIDFD,
    METADATA,
    METADATA_VERSION,
    OUTGOING_EVENTS,
    RESPONSE,
    RESPONSE_VALID,
)
from ...abi.fcntl import O_CLOEXEC, O_NONBLOCK, O_RDWR
from ...abi.ioctl import FIONREAD
from ...abi.poll import POLLIN, POLLRDNORM
from ...abi.stat import S_IFMT, S_IFREG
from ..core.poll import PollSet
from ..core.sched import Waker
from ..mm.space import AddressSpace
from ..vfs.mount import Location
from ..vfs.node import DIRECTORY
from ..vfs.notify import Event, Found
from .fanotify_event import Item, Question, check_rule, told
from .fanotify_mark import Mark
from .file import File
from .opening import open_place
from .pidfd import PidFd

if TYPE_CHECKING:
    from ..task.process import Process
    from ..thread import Thread
    from .fanotify_mounts import NamespaceMark, ToldMount

_IN: Final = POLLIN | POLLRDNORM
_PRIORITY: Final = {FAN_CLASS_CONTENT: 1, FAN_CLASS_PRE_CONTENT: 2}
#: errors that a denial may name (process_access_response())
_DENIALS: Final[dict[int, type[LinuxError]]] = {
    0: EPERM,
    **{error.errno: error for error in (EIO, EPERM, EBUSY, ETXTBSY, EAGAIN, ENOSPC, EDQUOT)},
}


class QuietLocation(Location):
    """Where a file lies that a listener was given: what he does with it is told to nobody."""

    __slots__ = ()
    quiet = True


class Fanotify(File):
    """A group: its marks, and the events that were not read yet."""

    __slots__ = ("_asked", "_closed", "_current", "_last", "_queue", "_readers", "event_flags",
                 "limit", "marks", "mode", "priority", "privileged", "uid")  # fmt: skip

    kind = "fanotify"

    def __init__(
        self,
        mode: int,
        event_flags: int,
        limit: int | None,
        current: Callable[[], Thread | None],
        closed: Callable[[], object],
        *,
        uid: int,
        privileged: bool,
    ) -> None:
        super().__init__(O_RDWR | (O_NONBLOCK if mode & FAN_NONBLOCK else 0))
        self.mode = mode  #: FAN_REPORT_*, FAN_CLASS_*, ...
        self.event_flags = event_flags  #: O_* of the files in events
        self.limit = limit  #: how many events are kept; ``None``: all
        self.priority = _PRIORITY.get(mode & CLASS_BITS, 0)
        self.uid = uid  #: who made it, on whose account its marks go
        self.privileged = privileged  #: else it learns no numbers of processes
        self.marks: dict[Mark | NamespaceMark, None] = {}
        self._queue: deque[Item] = deque()
        self._last: dict[object, Item] = {}  #: events that more may be added to
        self._asked: list[Question] = []  #: that were read, and not answered
        self._readers = PollSet()
        self._current = current
        self._closed = closed  #: is told of the end

    # -- events ----------------------------------------------------------------------------

    def tell(self, event: Event, marks: Found) -> None:
        """See ``vfs.notify.Listener``."""
        mask, matched = self._wanted(event, marks)
        if mask:
            self._add(self._item(event, mask, matched))

    def ask(self, event: Event, marks: Found) -> Question | None:
        """Ask whether what ``event`` says may be done; ``None``: this group does not care."""
        mask, matched = self._wanted(event, marks)
        if not mask:
            return None
        item = self._item(event, mask, matched)
        item.key = None
        item.question = Question()
        return item.question if self._add(item) else None

    def _wanted(self, event: Event, marks: Found) -> tuple[int, int]:
        """Return what to report of an event, and bits of what the marks are on.

        send_to_group() and fanotify_group_event_mask() in Linux.
        """
        directory = event.mask & FAN_ONDIR
        if event.mask & FAN_MODIFY:
            for _, mark in marks:
                mark.modified()
        if not self._tellable(event):
            return 0, 0
        wanted = ignored = matched = 0
        for kind, mark in marks:
            ignored |= mark.ignores(directory, kind)
            if mark.applies(directory, kind):
                wanted |= mark.mask
                matched |= 1 << kind
        mask = event.mask & wanted & ~ignored
        if not mask & ~EVENT_FLAGS:
            return 0, 0
        return (mask if self.mode & FID_BITS else mask & ~EVENT_FLAGS), matched

    def _tellable(self, event: Event) -> bool:
        if not self.mode & FID_BITS:
            if event.place is None:
                return False
            node = event.place.node
            return node.kind == DIRECTORY or node.mode & S_IFMT == S_IFREG
        return bool(
            self.mode & FAN_REPORT_FID or event.directory is not None or event.mask & FAN_ONDIR
        )

    def _item(self, event: Event, mask: int, matched: int) -> Item:
        process, pid = self._who()
        nodes = told(event, mask, self.mode, matched)
        place = None if self.mode & FID_BITS else event.place
        where = nodes if place is None else (place.mount, place.entry)
        joins = nodes is None or nodes.joins
        key = (where, pid, mask & (FAN_ONDIR | FAN_RENAME)) if joins else None
        return Item(mask, pid, process, place, nodes, key)

    def _who(self) -> tuple[Process | None, int]:
        """Return who does what is told, and the number that stands for him."""
        thread = self._current()
        if thread is None:
            return None, 0
        process = thread.process
        return process, thread.tid if self.mode & FAN_REPORT_TID else process.pid

    def add(self, mask: int, told: ToldMount) -> None:
        """Queue an event of a mount."""
        process, pid = self._who()
        self._add(Item(mask, pid, process, told=told))

    def _add(self, item: Item) -> bool:
        """Queue an event, or add it to one that is there; False: it is lost."""
        if item.key is not None and (before := self._last.get(item.key)) is not None:
            before.mask |= item.mask
            return True
        if self.limit is not None and len(self._queue) >= self.limit:
            item = Item(FAN_Q_OVERFLOW, key=FAN_Q_OVERFLOW)
            if FAN_Q_OVERFLOW in self._last:
                return False
        self._queue.append(item)
        if item.key is not None:
            self._last[item.key] = item
        self._readers.wake()
        return item.mask != FAN_Q_OVERFLOW

    def forget(self, question: Question) -> None:
        """Drop a question that nobody waits for any more."""
        for item in self._queue:
            if item.question is question:
                self._queue.remove(item)
                return
        if question in self._asked:
            self._asked.remove(question)

    # -- reading and answering -------------------------------------------------------------

    def read(self, size: int) -> bytes:
        """Return as many events as fit; ``EINVAL`` if not one does."""
        return self._take(size)[0]

    def read_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """See ``File.read_user``; what nobody gets to know of is closed."""
        data, fds, questions = self._take(size)
        try:
            mm.write(addr, data)
        except EFAULT:
            thread = cast("Thread", self._current())
            for fd in fds:
                thread.fds.close(fd)
            for question in questions:
                self.forget(question)
                question.decide(EPERM)
            raise
        return len(data)

    def _take(self, size: int) -> tuple[bytes, list[int], list[Question]]:
        parts: list[bytes] = []
        fds: list[int] = []
        questions: list[Question] = []
        error: LinuxError = EAGAIN()
        while self._queue:
            item = self._queue[0]
            size -= self._size(item)
            if size < 0:
                error = EINVAL()
                break
            self._queue.popleft()
            self._last.pop(item.key, None)
            try:
                parts.append(self._show(item, fds))
            except LinuxError as why:
                error = why
                if item.question is not None:
                    item.question.decide(EPERM)
                break
            if item.question is not None:
                questions.append(item.question)
        if not parts:
            raise error
        return b"".join(parts), fds, questions

    def _size(self, item: Item) -> int:
        pidfd = INFO_PIDFD.size if self.mode & FAN_REPORT_PIDFD else 0
        return METADATA.size + len(self._records(item)) + pidfd

    def _records(self, item: Item) -> bytes:
        return b"" if item.told is None else item.told.pack(item.mask, self.mode)

    def _show(self, item: Item, fds: list[int]) -> bytes:
        """Return an event as ``struct fanotify_event_metadata`` and what follows it."""
        thread = cast("Thread", self._current())
        fd = FAN_NOFD
        if item.place is not None:
            fd = self._open(thread, item.place, fds)
        if item.question is not None:
            if fd < 0:
                item.question.decide(EPERM)
            else:
                item.question.fd = fd
                self._asked.append(item.question)
        own = thread.process is item.process
        pid = thread.process.shown(item.pid) if self.privileged or own else 0
        tail = self._records(item)
        if self.mode & FAN_REPORT_PIDFD:
            pidfd = self._open_process(thread, item, fds)
            tail += INFO_PIDFD.pack(FAN_EVENT_INFO_TYPE_PIDFD, 0, INFO_PIDFD.size, pidfd)
        mask = item.mask & OUTGOING_EVENTS
        size = METADATA.size + len(tail)
        return METADATA.pack(size, METADATA_VERSION, 0, METADATA.size, mask, fd, pid) + tail

    def _open(self, thread: Thread, place: Location, fds: list[int]) -> int:
        """Open what an event is about; return its number, or -errno with FAN_REPORT_FD_ERROR."""
        flags = self.event_flags
        quiet = QuietLocation(place.mount, place.entry)
        try:
            file = open_place(thread, quiet, flags, thread.cred)
            file.flags |= flags & O_CLOEXEC  # dentry_open() of Linux keeps it
            fd = thread.install(file, cloexec=bool(flags & O_CLOEXEC))
        except LinuxError as error:
            if self.mode & FAN_REPORT_FD_ERROR:
                return -error.errno
            raise
        fds.append(fd)
        return fd

    def _open_process(self, thread: Thread, item: Item, fds: list[int]) -> int:
        process = item.process
        if process is None or thread.kernel.processes.get(process.pid) is not process:
            return -ESRCH.errno if self.mode & FAN_REPORT_FD_ERROR else FAN_NOPIDFD
        try:
            fd = thread.install(PidFd(process), cloexec=True)
        except LinuxError as error:
            return -error.errno if self.mode & FAN_REPORT_FD_ERROR else FAN_EPIDFD
        fds.append(fd)
        return fd

    def write(self, data: bytes) -> int:
        """Take an answer, a ``struct fanotify_response``; raise ``EINVAL``, ``ENOENT``."""
        if len(data) < RESPONSE.size:
            raise EINVAL
        fd, response = RESPONSE.unpack_from(data)
        denial = self._denial(response)
        if response & FAN_INFO:
            check_rule(data[RESPONSE.size :])
            if fd == FAN_NOFD:
                return len(data)
        if fd < 0:
            raise EINVAL
        for question in self._asked:
            if question.fd == fd:
                self._asked.remove(question)
                question.decide(denial)
                return len(data)
        raise ENOENT

    def _denial(self, response: int) -> type[LinuxError] | None:
        """Return the error that an answer means, ``None`` for FAN_ALLOW; raise ``EINVAL``."""
        if response & ~RESPONSE_VALID or response & FAN_AUDIT:  # nobody has FAN_ENABLE_AUDIT
            raise EINVAL
        number = response >> FAN_ERRNO_SHIFT
        decision = response & (FAN_ALLOW | FAN_DENY)
        if decision == FAN_ALLOW and not number:
            return None
        error = _DENIALS.get(number)
        if decision != FAN_DENY or error is None:
            raise EINVAL
        if number and self.mode & CLASS_BITS != FAN_CLASS_PRE_CONTENT:
            raise EINVAL
        return error

    # -- the rest --------------------------------------------------------------------------

    def poll(self) -> int:
        """See ``File.poll``."""
        return _IN if self._queue else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        if events & _IN:
            self._readers.register(waker)

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """FIONREAD: bytes that can be read, without what follows the metadata, as on Linux."""
        if request != FIONREAD:
            raise ENOTTY
        thread.mm.write_u32(arg, METADATA.size * len(self._queue))
        return 0

    def seek(self, offset: int, whence: int) -> int:
        """Do nothing: lseek(2) succeeds on what has no position (``noop_llseek``)."""
        return 0

    def closed(self) -> None:
        """See ``File.closed``; what was asked is permitted."""
        for mark in list(self.marks):
            mark.end()
        asked, self._asked = self._asked, []
        asked += [item.question for item in self._queue if item.question is not None]
        self._queue.clear()
        self._last.clear()
        for question in asked:
            question.decide(None)
        self._closed()
