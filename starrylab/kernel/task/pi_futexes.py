"""Futexes that lend priority (futex(2), "Priority-inheritance futexes").

The owner of a lock has at least the priority of whoever waits for it, and so has whoever that
owner waits for.  Only real-time priorities change who runs: as on Linux, a lent nice value is
shown as a thread's priority, and its share of the CPU stays its own nice value's.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from ...abi.errno import EDEADLK, EFAULT, EINVAL, EPERM, ESRCH
from ...abi.futex import FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS

if TYPE_CHECKING:
    from ..mm.space import AddressSpace
    from ..thread import Thread


class PiLock:
    """A priority-inheritance futex that somebody waits for."""

    __slots__ = ("addr", "mm", "owner", "waiters")

    def __init__(self, mm: AddressSpace, addr: int, owner: Thread) -> None:
        self.mm = mm
        self.addr = addr
        self.owner = owner
        self.waiters: list[PiWaiter] = []


class PiWaiter:
    """One thread that wants a `PiLock`."""

    __slots__ = ("acquired", "key", "thread")

    def __init__(self, thread: Thread, key: Hashable) -> None:
        self.thread = thread
        self.key = key
        self.acquired = False


class RequeueWaiter:
    """One thread that waits to be moved to a `PiLock` (FUTEX_WAIT_REQUEUE_PI)."""

    __slots__ = ("addr", "goal", "key", "pi", "thread")

    def __init__(self, thread: Thread, key: Hashable, goal: Hashable, addr: int) -> None:
        self.thread = thread
        self.key = key
        self.goal = goal  #: key of the lock
        self.addr = addr  #: of the lock, in the thread's memory
        self.pi: PiWaiter | None = None  #: once it was moved


def own_tid(thread: Thread) -> int:
    """Return the number by which the thread knows itself."""
    process = thread.process
    return thread.tid if process.pid_ns is None else process.shown(thread.tid)


class PiFutexes:
    """The priority-inheritance futexes that somebody waits for."""

    def __init__(self) -> None:
        self.pi: dict[Hashable, PiLock] = {}
        self.lent: dict[Thread, int] = {}  #: the own priority of threads that have a greater one
        self.requeues: dict[Hashable, list[RequeueWaiter]] = {}  #: oldest first

    # -- locking ---------------------------------------------------------------------------

    def try_lock(self, thread: Thread, addr: int, key: Hashable) -> bool:
        """Take the lock if it is free; raise ``EDEADLK`` if ``thread`` has it already."""
        word = thread.mm.read_u32(addr)
        holder = word & FUTEX_TID_MASK
        if holder == own_tid(thread):
            raise EDEADLK
        if holder:
            return False
        lock = self.pi.get(key)
        keep = word & FUTEX_OWNER_DIED
        thread.mm.write_u32(addr, own_tid(thread) | keep | (FUTEX_WAITERS if lock else 0))
        if lock is not None:
            lock.owner = thread
            self._lend(thread)
        return True

    def enter_pi(self, thread: Thread, addr: int, key: Hashable) -> PiWaiter:
        """Queue for a lock that is held, and lend its owner one's priority.

        Raises ``ESRCH`` if the owner does not exist, ``EDEADLK`` if it waits for ``thread``.
        """
        mm = thread.mm
        word = mm.read_u32(addr)
        owner = thread.kernel.threads.get(thread.process.meant(word & FUTEX_TID_MASK))
        if owner is None:
            raise ESRCH
        mm.write_u32(addr, word | FUTEX_WAITERS)
        lock = self.pi.get(key)
        if lock is not None and lock.owner is not owner:
            raise EINVAL  # user code changed the word behind our back
        if self._waits_for(owner, thread):
            raise EDEADLK
        if lock is None:
            lock = self.pi[key] = PiLock(mm, addr, owner)
        waiter = PiWaiter(thread, key)
        lock.waiters.append(waiter)
        self._lend(owner)
        return waiter

    def _waits_for(self, waiter: Thread, owner: Thread) -> bool:
        """Tell whether ``waiter`` waits for ``owner``, directly or not."""
        seen: Thread | None = waiter
        for _ in range(len(self.pi) + 1):
            if seen is owner:
                return True
            lock = None if seen is None else self._wanted_by(seen)
            if lock is None:
                return False
            seen = lock.owner
        return False

    def _wanted_by(self, thread: Thread) -> PiLock | None:
        found = (lock for lock in self.pi.values() if any(w.thread is thread for w in lock.waiters))
        return next(found, None)

    def leave_pi(self, waiter: PiWaiter) -> None:
        """Give up waiting, unless the lock was handed over."""
        lock = self.pi.get(waiter.key)
        if waiter.acquired or lock is None or waiter not in lock.waiters:
            return
        lock.waiters.remove(waiter)
        if not lock.waiters:
            del self.pi[waiter.key]
            self._clear_waiters(lock)
        self._lend(lock.owner)

    @staticmethod
    def _clear_waiters(lock: PiLock) -> None:
        try:
            word = lock.mm.read_u32(lock.addr)
            lock.mm.write_u32(lock.addr, word & ~FUTEX_WAITERS)
        except EFAULT:
            return  # the mapping is gone, and the word with it

    def unlock_pi(self, thread: Thread, addr: int, key: Hashable) -> None:
        """Hand the lock to the next waiter; raise ``EPERM`` if ``thread`` has it not."""
        mm = thread.mm
        if mm.read_u32(addr) & FUTEX_TID_MASK != own_tid(thread):
            raise EPERM
        if key not in self.pi:
            mm.write_u32(addr, 0)
        else:
            self._hand_over(mm, addr, key, 0)

    def _hand_over(self, mm: AddressSpace, addr: int, key: Hashable, bits: int) -> None:
        lock = self.pi[key]
        before = lock.owner
        waiter = max(lock.waiters, key=lambda candidate: candidate.thread.priority)
        lock.waiters.remove(waiter)
        if lock.waiters:
            bits |= FUTEX_WAITERS
            lock.owner = waiter.thread
        else:
            del self.pi[key]
        mm.write_u32(addr, own_tid(waiter.thread) | bits)
        waiter.acquired = True
        self._lend(before)
        self._lend(waiter.thread)
        waiter.thread.wake()

    def owner_died(self, thread: Thread) -> None:
        """Hand on every lock that ``thread`` held and others wait for."""
        held = [(key, lock) for key, lock in self.pi.items() if lock.owner is thread]
        for key, lock in held:
            try:
                self._hand_over(lock.mm, lock.addr, key, FUTEX_OWNER_DIED)
            except EFAULT:
                continue
        self.lent.pop(thread, None)

    # -- lending ---------------------------------------------------------------------------

    def own_priority(self, thread: Thread) -> int:
        """Return a thread's priority without what others lend it."""
        return self.lent.get(thread, thread.priority)

    def shown_nice(self, thread: Thread) -> int:
        """Return the nice value that a normal thread's priority in /proc/PID/stat stands for.

        The first that waits for the thread lends its own if that is less (``rt_mutex_setprio``).
        """
        first = next((lock.waiters[0] for lock in self.pi.values() if lock.owner is thread), None)
        return thread.nice if first is None else min(thread.nice, first.thread.nice)

    def set_own_priority(self, thread: Thread, priority: int) -> None:
        """Change a thread's priority, but for what others lend it."""
        if thread in self.lent:
            self.lent[thread] = priority
        else:
            thread.executor.set_priority(thread, priority)
        if self.pi:
            self._lend(thread)
            lock = self._wanted_by(thread)
            if lock is not None:
                self._lend(lock.owner)

    def _lend(self, owner: Thread) -> None:
        """Give ``owner`` the greatest priority of those that wait for it, and its own at least."""
        own = self.own_priority(owner)
        waiting = (
            waiter.thread.priority
            for lock in self.pi.values()
            if lock.owner is owner
            for waiter in lock.waiters
        )
        priority = max(own, max(waiting, default=0))
        if priority > own:
            self.lent[owner] = own
        else:
            self.lent.pop(owner, None)
        if priority == owner.priority:
            return
        owner.executor.set_priority(owner, priority)
        lock = self._wanted_by(owner)
        if lock is not None:
            self._lend(lock.owner)

    # -- from a condition to a lock ------------------------------------------------------------

    def enter_requeue(
        self, thread: Thread, key: Hashable, goal: Hashable, addr: int
    ) -> RequeueWaiter:
        """Queue ``thread`` to be moved to the lock ``goal``."""
        waiter = RequeueWaiter(thread, key, goal, addr)
        self.requeues.setdefault(key, []).append(waiter)
        return waiter

    def leave_requeue(self, waiter: RequeueWaiter) -> None:
        """Take ``waiter`` out of the queue that it is in, if any."""
        queue = self.requeues.get(waiter.key)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self.requeues[waiter.key]
        if waiter.pi is not None:
            self.leave_pi(waiter.pi)

    def requeue_pi(self, source: Hashable, target: Hashable, move: int) -> int:
        """Move one waiter, and up to ``move`` more, to a lock; the first that gets it is woken.

        Returns how many.  Raises ``EINVAL`` for one that waits for another lock.
        """
        done = 0
        queue = self.requeues.get(source, [])
        for waiter in sorted(queue, key=lambda one: -one.thread.priority)[: move + 1]:
            if waiter.goal != target:
                raise EINVAL
            thread = waiter.thread
            if self.try_lock(thread, waiter.addr, target):
                waiter.pi = PiWaiter(thread, target)
                waiter.pi.acquired = True
                thread.wake()
            else:
                waiter.pi = self.enter_pi(thread, waiter.addr, target)
            queue.remove(waiter)
            done += 1
        if done and not queue:
            del self.requeues[source]
        return done
