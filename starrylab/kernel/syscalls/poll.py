"""ppoll(2) and pselect6(2): wait for any of several files.

Both look first and make a coroutine only when they have to sleep.  The temporary signal
mask is set only then too: a call that finds a file ready never delivers a signal.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...abi.errno import EBADF, EINTR, EINVAL
from ...abi.fcntl import O_PATH
from ...abi.poll import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLNVAL,
    POLLOUT,
    POLLPRI,
    POLLRDBAND,
    POLLRDNORM,
    POLLWRBAND,
    POLLWRNORM,
)
from ...abi.resource import RLIMIT_NOFILE
from ..core.poll import poll_any
from ..core.sched import park
from ..files.file import File
from ..thread_signals import use_temporary_mask
from ._declare import syscall
from ._shown import FdSet, InSignals, InTime, PollFds
from ._timespec import MAX_NS, read_timespec, write_remaining
from ._types import Int, Ptr, Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread

T = TypeVar("T")
Watched = list[tuple[File, int]]

_ALWAYS: Final = POLLERR | POLLHUP | POLLNVAL  #: found unasked; O_PATH answers POLLNVAL
_SIGSET_SIZE: Final = 8

# What select(2) means by its three sets (fs/select.c).
_READ_EVENTS: Final = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR
_WRITE_EVENTS: Final = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR
_EXCEPT_EVENTS: Final = POLLPRI


def read_sigmask(t: Thread, addr: int, size: int) -> int | None:
    """Return the signal mask at ``addr``, None for a null pointer; ``EINVAL``, ``EFAULT``."""
    if not addr:
        return None
    if size != _SIGSET_SIZE:
        raise EINVAL
    return t.mm.read_u64(addr)


async def under_mask(t: Thread, mask: int, waiting: Coroutine[Any, Any, T]) -> T:
    """Run ``waiting`` with ``mask`` for the thread's signal mask.

    When a handler is to run, its frame keeps the former mask; otherwise it comes back here.
    """
    use_temporary_mask(t, mask)
    handled = False
    try:
        return await waiting
    except EINTR:
        handled = True
        raise
    finally:
        if not handled:
            t.signals.restore_mask()


async def look_for_signals(t: Thread) -> None:
    """Raise ``EINTR`` if a handler is due; the thread looks when it falls asleep."""
    timer = t.executor.call_at(t.executor.now, t.waker.wake)
    try:
        await park()
    finally:
        timer.cancel()


async def wait_ready(
    t: Thread, look: Callable[[], int], watched: Watched, deadline: int | None, *, masked: bool
) -> int:
    """Return ``look()`` once it is not 0, or 0 at ``deadline`` (monotonic, ns).

    Raises ``EINTR`` when a signal handler is to run.  ``masked`` tells that a temporary
    mask may have let a signal in, which is worth an EINTR even at the end of the time.
    """
    for file, _ in watched:
        file.acquire()
    try:
        while not (ready := look()):  # once: some files tell of an event to one look only
            if not await poll_any(t, watched, deadline):
                if masked:
                    await look_for_signals(t)
                return look()
        return ready
    except EINTR:
        # What is ready counts more than a signal that came with it (``do_poll`` in fs/select.c).
        ready = 0 if masked else look()
        if not ready:
            raise
        return ready
    finally:
        for file, _ in watched:
            file.release()


async def _finish(
    t: Thread,
    waiting: Coroutine[Any, Any, int],
    mask: int | None,
    timeout_addr: int,
    deadline: int | None,
) -> int:
    """Write back what is left of the timeout, whichever way the wait ends."""
    try:
        return await (waiting if mask is None else under_mask(t, mask, waiting))
    finally:
        if timeout_addr and deadline is not None:
            write_remaining(t.mm, timeout_addr, deadline - t.executor.now)


def _deadline(t: Thread, addr: int) -> int | None:
    if not addr:
        return None
    return min(t.executor.now + read_timespec(t.mm, addr), MAX_NS)


class _PollFds:
    """The array of ``struct pollfd`` of one call."""

    __slots__ = ("_addr", "_asked", "_layout", "_mm", "_numbers", "_table", "_wanted")

    def __init__(self, t: Thread, addr: int, count: int) -> None:
        self._mm = t.mm
        self._table = t.fds
        self._addr = addr
        self._layout = _layout(count)
        self._asked = self._layout.unpack(t.mm.read(addr, 8 * count)) if count else ()
        self._numbers = self._asked[0::3]
        self._wanted = [events & 0xFFFF | _ALWAYS for events in self._asked[1::3]]

    def look(self) -> int:
        """Poll every file; store the answers and return their number, if there are any."""
        ready = 0
        answers = []
        get = self._table.get
        for fd, events in zip(self._numbers, self._wanted, strict=True):
            found = 0
            if fd >= 0:
                file = get(fd)
                found = POLLNVAL if file is None else file.poll() & events
                if found:
                    ready += 1
            answers.append(found)
        if ready:
            self._store(answers)
        return ready

    def store_none(self) -> None:
        """Store that no file is ready."""
        if self._asked:
            self._store([0] * len(self._wanted))

    def _store(self, answers: list[int]) -> None:
        values = list(self._asked)
        values[2::3] = answers
        self._mm.write(self._addr, self._layout.pack(*values))

    def watched(self) -> Watched:
        """Return what to wait for; every descriptor is open, or `look` had found it."""
        pairs = zip(self._numbers, self._wanted, strict=True)
        return [(self._table[fd], events) for fd, events in pairs if fd >= 0]


@lru_cache(maxsize=64)
def _layout(count: int) -> Struct:
    return Struct("<" + "ihH" * count)


@syscall()
def ppoll(
    t: Thread, fds: PollFds, nfds: UInt, timeout: InTime, sigmask: InSignals, size: Size
) -> int | Coroutine[Any, Any, int]:
    """ppoll(2); the time that is left is written back."""
    deadline = _deadline(t, timeout)
    mask = read_sigmask(t, sigmask, size)
    if nfds > t.process.limits[RLIMIT_NOFILE][0]:
        raise EINVAL
    array = _PollFds(t, fds, nfds)
    ready = array.look()
    if not ready and (mask is not None or deadline is None or t.executor.now < deadline):
        return _finish(t, _poll_wait(t, array, deadline, mask), mask, timeout, deadline)
    if not ready:
        array.store_none()
    if deadline is not None:
        write_remaining(t.mm, timeout, deadline - t.executor.now)
    return ready


async def _poll_wait(t: Thread, array: _PollFds, deadline: int | None, mask: int | None) -> int:
    watched = array.watched()
    ready = await wait_ready(t, array.look, watched, deadline, masked=mask is not None)
    if not ready:
        array.store_none()
    return ready


class _Sets:
    """The three descriptor sets of select(2), as bit masks."""

    def __init__(self, t: Thread, nfds: int, addrs: tuple[int, int, int]) -> None:
        self._mm = t.mm
        self._addrs = addrs
        self._bytes = (nfds + 63) // 64 * 8
        limit = (1 << nfds) - 1
        self.asked = [self._read(addr) & limit for addr in addrs]
        self.found = [0, 0, 0]
        self.watched: list[tuple[File, int, int]] = []  #: file, its bit, events
        union = self.asked[0] | self.asked[1] | self.asked[2]
        while union:
            bit = union & -union
            union ^= bit
            file = t.fds.get(bit.bit_length() - 1)
            if file is None or file.flags & O_PATH:
                raise EBADF
            self.watched.append((file, bit, self._events(bit)))

    def _read(self, addr: int) -> int:
        if not addr or not self._bytes:
            return 0
        return int.from_bytes(self._mm.read(addr, self._bytes), "little")

    def _events(self, bit: int) -> int:
        reading, writing, excepting = self.asked
        return (
            (_READ_EVENTS if reading & bit else 0)
            | (_WRITE_EVENTS if writing & bit else 0)
            | (_EXCEPT_EVENTS if excepting & bit else 0)
        )

    def look(self) -> int:
        """Poll everything; return how many bits are set."""
        found = [0, 0, 0]
        for file, bit, _ in self.watched:
            events = file.poll()
            for index, kind in enumerate((_READ_EVENTS, _WRITE_EVENTS, _EXCEPT_EVENTS)):
                if events & kind and self.asked[index] & bit:
                    found[index] |= bit
        self.found = found
        return sum(mask.bit_count() for mask in found)

    def store(self) -> None:
        """Write the result over what was asked."""
        for addr, mask in zip(self._addrs, self.found, strict=True):
            if addr and self._bytes:
                self._mm.write(addr, mask.to_bytes(self._bytes, "little"))


@syscall()
def pselect6(
    t: Thread,
    nfds: Int,
    readfds: FdSet,
    writefds: FdSet,
    exceptfds: FdSet,
    timeout: InTime,
    sigmask: Ptr,
) -> int | Coroutine[Any, Any, int]:
    """pselect6(2); the time that is left is written back."""
    deadline = _deadline(t, timeout)
    mask = None
    if sigmask:
        mask = read_sigmask(t, t.mm.read_u64(sigmask), t.mm.read_u64(sigmask + 8))
    if nfds < 0:
        raise EINVAL
    # Descriptors beyond the table cannot be open; Linux does not look at them either.
    top = max(t.fds, default=0) // 64 * 64 + 64
    sets = _Sets(t, min(nfds, top), (readfds, writefds, exceptfds))
    ready = sets.look()
    if not ready and (mask is not None or deadline is None or t.executor.now < deadline):
        return _finish(t, _select_wait(t, sets, deadline, mask), mask, timeout, deadline)
    sets.store()
    if deadline is not None:
        write_remaining(t.mm, timeout, deadline - t.executor.now)
    return ready


async def _select_wait(t: Thread, sets: _Sets, deadline: int | None, mask: int | None) -> int:
    watched: Watched = [(file, events) for file, _, events in sets.watched]
    ready = await wait_ready(t, sets.look, watched, deadline, masked=mask is not None)
    sets.store()
    return ready
