"""Areas whose page faults a program serves (userfaultfd(2)).

A registered area has a `Watched` backend around its former one.  So nothing else of the
memory manager looks at registration, and memory that nobody registered costs nothing more.

A fault that waits for the program is a `UserFault`.  It is a `BadAccess`, so whoever cannot
wait (a signal frame, a debugger) gets the error that Linux has for SIGBUS.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ...abi.signal import BUS_ADRERR, SIGBUS
from ...abi.userfaultfd import (
    UFFD_EVENT_FORK,
    UFFD_EVENT_REMAP,
    UFFD_EVENT_REMOVE,
    UFFD_EVENT_UNMAP,
    UFFD_FEATURE_EVENT_FORK,
    UFFD_FEATURE_EVENT_REMAP,
    UFFD_FEATURE_EVENT_REMOVE,
    UFFD_FEATURE_EVENT_UNMAP,
    UFFD_FEATURE_SIGBUS,
    UFFD_FEATURE_WP_ASYNC,
    UFFD_PAGEFAULT_FLAG_MINOR,
    UFFD_PAGEFAULT_FLAG_WP,
    UFFD_PAGEFAULT_FLAG_WRITE,
)
from ...machine.api import EXEC, WRITE
from ..core.poll import PollSet
from .areas import ANON, UFFD_WP, VM_UFFD, VM_UFFD_MINOR, VM_UFFD_MISSING, VM_UFFD_WP, Area
from .backends import Backend, BadAccess

if TYPE_CHECKING:
    from ..core.sched import Task
    from .faults import Faults
    from .space import AddressSpace

POISONED: Final = -1  #: a mark: an access is a hardware error (UFFDIO_POISON)
PROTECTED: Final = UFFD_WP  #: a mark: write-protected before it has a page


class UserFault(BadAccess):
    """A fault that a program is to serve; whoever made it waits and tries again."""

    def __init__(self, context: Userfaults, addr: int, flags: int) -> None:
        super().__init__(SIGBUS, BUS_ADRERR, addr)
        self.context = context
        self.flags = flags  #: UFFD_PAGEFAULT_FLAG_*

    def by_kernel(self) -> BadAccess:
        """See `BadAccess.by_kernel`: UFFD_USER_MODE_ONLY leaves such faults alone."""
        if self.context.user_only:
            return BadAccess(SIGBUS, BUS_ADRERR, self.addr)
        return self


class Waiting:
    """One thread that waits for a page."""

    __slots__ = ("addr", "flags", "read", "task", "tid")

    def __init__(self, fault: UserFault, task: Task, tid: int) -> None:
        self.addr = fault.addr  #: exact
        self.flags = fault.flags
        self.task = task
        self.tid = tid
        self.read = False  #: the program knows of it


class Event:
    """What happened to registered memory; who caused it waits until it was read."""

    __slots__ = ("child", "code", "sender", "words")

    def __init__(
        self, sender: Userfaults, code: int, words: tuple[int, ...], child: Userfaults | None = None
    ) -> None:
        self.sender = sender
        self.code = code  #: UFFD_EVENT_*
        self.words = words
        self.child = child  #: what a fork made

    @property
    def unread(self) -> bool:
        """Whether the program does not know of it yet."""
        return self in self.sender.events


class Userfaults:
    """One userfaultfd: the memory it watches, who waits, what happened."""

    def __init__(self, space: AddressSpace, *, user_only: bool = False) -> None:
        self.space: AddressSpace | None = space  #: ``None`` once its program is gone
        self.user_only = user_only  #: UFFD_USER_MODE_ONLY
        self.features = 0
        self.ready = False  #: UFFDIO_API was done
        self.closed = False
        self.waiting: dict[Waiting, None] = {}  #: oldest first
        self.events: deque[Event] = deque()
        self.readers = PollSet()  #: of the descriptor
        self.senders = PollSet()  #: who waits for an event to be read
        self._watched: dict[tuple[Backend, int], Watched] = {}
        spaces_watch(space).contexts[self] = None

    def watched(self, inner: Backend, modes: int) -> Watched:
        """Return the backend for areas that were backed by ``inner``."""
        found = self._watched.get((inner, modes))
        if found is None:
            found = self._watched[inner, modes] = Watched(inner, self, modes)
        return found

    def refuse(self, addr: int, flags: int) -> BadAccess:
        """Return what a fault at ``addr`` is to raise."""
        if self.features & UFFD_FEATURE_SIGBUS:
            return BadAccess(SIGBUS, BUS_ADRERR, addr)
        return UserFault(self, addr, flags)

    def enter(self, waiting: Waiting) -> None:
        """Let a thread wait for its page, unless nobody is left to serve it."""
        if not self.closed:
            self.waiting[waiting] = None
            self.readers.wake()

    def wake(self, low: int, high: int) -> None:
        """Let who waits for pages between two addresses try again."""
        for waiting in [w for w in self.waiting if low <= w.addr < high]:
            del self.waiting[waiting]
            waiting.task.wake()

    def tell(self, code: int, words: tuple[int, ...] = (), child: Userfaults | None = None) -> None:
        """Queue an event; the running call will wait until it was read."""
        event = Event(self, code, words, child)
        self.events.append(event)
        if self.space is not None:
            spaces_watch(self.space).unsettled.append(event)
        self.readers.wake()

    def close(self) -> None:
        """Watch no more: what waits goes on, and areas are what they were."""
        self.closed = True
        for event in self.events:
            if event.child is not None:
                event.child.close()
        self.events.clear()
        space, self.space = self.space, None
        if space is not None:
            for area in [a for a in space.areas if watcher(a) is self]:
                unwatch(space, area.start, area.end)
            watch = spaces_watch(space)
            del watch.contexts[self]
            if not watch.contexts:
                space.watch = None
        self.wake(0, 1 << 64)
        self.senders.wake()


class SpaceWatch:
    """What an address space knows of the userfaultfds that were made for it."""

    __slots__ = ("contexts", "marks", "unsettled")

    def __init__(self) -> None:
        self.contexts: dict[Userfaults, None] = {}
        self.marks: dict[int, int] = {}  #: page without an entry -> PROTECTED or POISONED
        self.unsettled: list[Event] = []  #: of the running call

    def end(self) -> None:
        """Let who watches be told ESRCH from now on: the memory is gone."""
        for context in self.contexts:
            context.space = None
            context.readers.wake()

    def forget(self, low: int, high: int) -> None:
        """Drop marks between two addresses."""
        if self.marks:
            for vpn in [v for v in self.marks if low >> 12 <= v < high >> 12]:
                del self.marks[vpn]

    # -- events ----------------------------------------------------------------------------

    def unmapping(self, areas: list[Area], low: int, high: int) -> None:
        """Note that areas are about to go."""
        self.forget(low, high)
        told = set()
        for area in areas:
            context = watcher(area)
            if context is None or context in told:
                continue
            told.add(context)  # Linux tells the whole range once
            if context.features & UFFD_FEATURE_EVENT_UNMAP:
                context.tell(UFFD_EVENT_UNMAP, (low, high))

    def removing(self, area: Area, low: int, high: int) -> None:
        """Note that the pages of an area are about to go."""
        self.forget(low, high)
        context = watcher(area)
        if context is not None and context.features & UFFD_FEATURE_EVENT_REMOVE:
            context.tell(UFFD_EVENT_REMOVE, (low, high))

    def moved(self, area: Area, old: int, new: int, size: int) -> None:
        """Note that an area was moved: it is watched on only if the program learns of it."""
        context = watcher(area)
        if context is None or context.space is None:
            return
        if context.features & UFFD_FEATURE_EVENT_REMAP:
            shift = (new >> 12) - (old >> 12)
            for vpn in [v for v in self.marks if old >> 12 <= v < old + size >> 12]:
                self.marks[vpn + shift] = self.marks.pop(vpn)
            context.tell(UFFD_EVENT_REMAP, (old, new, size))
        else:
            unwatch(context.space, new, new + size)


class Watched(Backend):
    """Memory whose faults a program serves."""

    def __init__(self, inner: Backend, context: Userfaults, modes: int) -> None:
        self.name = inner.name  # type: ignore[misc]  # what /proc and the screens show
        self.inner = inner
        self.context = context
        self.modes = modes  #: VM_UFFD_*

    def fault(self, space: Faults, area: Area, vpn: int, access: int) -> int:
        """See `Backend.fault`."""
        mark = spaces_watch(space).marks.get(vpn, 0)
        if mark == POISONED:
            raise BadAccess(SIGBUS, BUS_ADRERR, vpn << 12)  # as riscv64 has it
        self._ask(area, vpn, access)
        if mark and access == WRITE and not self._async(space, vpn):
            raise self.context.refuse(vpn << 12, UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP)
        if area.source is None:
            entry = _zeros(space, area, vpn, access)
        else:
            entry = self.inner.fault(space, area, vpn, access)
        if mark and access != WRITE:
            spaces_watch(space).marks.pop(vpn, None)
            entry = space.table[vpn] = entry & ~WRITE | UFFD_WP
        return entry

    def upgrade(self, space: Faults, area: Area, vpn: int, access: int, entry: int) -> int:
        """See `Backend.upgrade`."""
        if access == WRITE and entry & UFFD_WP:
            if not self._async(space, vpn):
                raise self.context.refuse(
                    vpn << 12, UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP
                )
            entry = space.table[vpn] = entry & ~UFFD_WP
        return self.inner.upgrade(space, area, vpn, access, entry)

    def _ask(self, area: Area, vpn: int, access: int) -> None:
        """Raise `UserFault` if the program is to bring the page."""
        source, modes = area.source, self.modes
        flags = UFFD_PAGEFAULT_FLAG_WRITE if access == WRITE else 0
        if source is None or not source.cached(area.index(vpn)):
            beyond = source is not None and area.index(vpn) << 12 >= source.size
            if modes & VM_UFFD_MISSING and not beyond:
                raise self.context.refuse(vpn << 12, flags)
        elif modes & VM_UFFD_MINOR:
            raise self.context.refuse(vpn << 12, flags | UFFD_PAGEFAULT_FLAG_MINOR)

    def _async(self, space: Faults, vpn: int) -> bool:
        """UFFD_FEATURE_WP_ASYNC: the write goes on, and leaves its trace."""
        if not self.context.features & UFFD_FEATURE_WP_ASYNC:
            return False
        spaces_watch(space).marks.pop(vpn, None)
        return True


def _zeros(space: Faults, area: Area, vpn: int, access: int) -> int:
    """Make a page of private memory, as `Faults.fault` does."""
    frames, pte = space.frames, area.pte
    if access == WRITE or pte & EXEC:
        entry = frames.alloc_zeroed() | pte | ANON
        if pte & EXEC:
            frames.code[entry >> 12] = 1
    else:
        entry = frames.zero | pte & ~WRITE
        frames.refs[entry >> 12] += 1
    space.table[vpn] = entry
    space.minflt += 1
    return entry


def spaces_watch(space: Faults) -> SpaceWatch:
    """Return what ``space`` knows of userfaultfds."""
    if space.watch is None:
        space.watch = SpaceWatch()
    return space.watch


def watcher(area: Area) -> Userfaults | None:
    """Return who watches an area."""
    backend = area.backend
    return backend.context if isinstance(backend, Watched) else None


def unwatched(area: Area) -> Area:
    """Return an area as it was before it was registered."""
    backend = area.backend
    if not isinstance(backend, Watched):
        return area
    return area.backed(backend.inner, area.flags & ~VM_UFFD)


def unwatch(space: AddressSpace, low: int, high: int) -> None:
    """Let the kernel alone serve faults between two addresses again."""
    for vpn in space.present(low >> 12, high >> 12):
        space.table[vpn] &= ~UFFD_WP
    spaces_watch(space).forget(low, high)
    space.rewrite(low, high, unwatched)


def forked(space: AddressSpace, child: AddressSpace) -> None:
    """Say what becomes of registered memory in a copy of ``space`` (fork(2))."""
    contexts: dict[Userfaults, Userfaults] = {}
    for area in [a for a in child.areas if watcher(a) is not None]:
        context = watcher(area)
        assert context is not None
        if not context.features & UFFD_FEATURE_EVENT_FORK:
            unwatch(child, area.start, area.end)
            continue
        new = contexts.get(context)
        if new is None:
            new = contexts[context] = Userfaults(child, user_only=context.user_only)
            new.features, new.ready = context.features, True
        twin = _twin(area, new)
        child.rewrite(area.start, area.end, lambda _, twin=twin: twin)  # type: ignore[misc]
    if child.watch is not None:
        if contexts and space.watch is not None:
            child.watch.marks.update(space.watch.marks)
        if not child.watch.contexts:
            child.watch = None
    for context, new in contexts.items():
        context.tell(UFFD_EVENT_FORK, (), new)


def _twin(area: Area, context: Userfaults) -> Area:
    backend = area.backend
    assert isinstance(backend, Watched)
    return area.backed(context.watched(backend.inner, backend.modes), area.flags)


__all__ = [
    "POISONED",
    "PROTECTED",
    "VM_UFFD_WP",
    "SpaceWatch",
    "UserFault",
    "Userfaults",
    "Waiting",
    "forked",
    "spaces_watch",
    "unwatch",
    "unwatched",
    "watcher",
]
