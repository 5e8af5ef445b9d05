"""Who waits on which futex (futex(2), get_robust_list(2), <linux/futex.h>).

A key names the word: a private one by address space and address, a shared one by what
lies behind the mapping, so that two processes meet.  Everything between a look at the word
and the entry into the queue happens without an ``await``, which is the atomicity that
futex(2) promises.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from ...abi.errno import EFAULT, EINVAL
from ...abi.futex import (
    FUTEX_BITSET_MATCH_ANY,
    FUTEX_OWNER_DIED,
    FUTEX_TID_MASK,
    FUTEX_WAITERS,
    ROBUST_LIST_LIMIT,
)
from ..mm.areas import VM_SHARED
from .pi_futexes import PiFutexes, PiWaiter, own_tid

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..mm.space import AddressSpace
    from ..thread import Thread


class FutexWaiter:
    """One thread in one queue; ``queue`` is None once it was woken."""

    __slots__ = ("bitset", "key", "queue", "thread")

    def __init__(self, thread: Thread, key: Hashable, bitset: int, queue: Queue) -> None:
        self.thread = thread
        self.key = key
        self.bitset = bitset
        self.queue: Queue | None = queue


Queue = dict[FutexWaiter, None]  #: oldest first


def futex_key(mm: AddressSpace, addr: int, private: int) -> Hashable:
    """Return the name of the word at ``addr``; raise ``EINVAL`` unless it is aligned.

    Without ``private`` the word may lie in a shared mapping, and is named by what is mapped;
    raises ``EFAULT`` where nothing is.
    """
    if addr & 3:
        raise EINVAL
    if private:
        return (mm, addr)
    area = mm.find(addr)
    if area is None:
        raise EFAULT
    if area.flags & VM_SHARED and area.source is not None:
        return (area.source, area.offset + addr - area.start)
    return (mm, addr)


class FutexTable(PiFutexes):
    """All futex queues of one kernel.  A queue exists only while somebody waits in it."""

    def __init__(self) -> None:
        super().__init__()
        self.queues: dict[Hashable, Queue] = {}

    def __len__(self) -> int:
        return (
            sum(map(len, self.queues.values()))
            + sum(len(lock.waiters) for lock in self.pi.values())
            + sum(map(len, self.requeues.values()))
        )

    def waiting(self) -> Iterator[tuple[Hashable, Thread, Thread | None]]:
        """Yield key, waiting thread, and the owner where it is known (for the wait graph)."""
        for key, queue in self.queues.items():
            for waiter in queue:
                yield key, waiter.thread, None
        for key, requeue in self.requeues.items():
            for waiting in requeue:
                yield key, waiting.thread, None
        for key, lock in self.pi.items():
            for pi_waiter in lock.waiters:
                yield key, pi_waiter.thread, lock.owner

    # -- plain futexes --------------------------------------------------------------------

    def enter(self, thread: Thread, key: Hashable, bitset: int) -> FutexWaiter:
        """Queue ``thread``; it must `leave` unless it was woken."""
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = {}
        waiter = FutexWaiter(thread, key, bitset, queue)
        queue[waiter] = None
        return waiter

    def leave(self, waiter: FutexWaiter) -> None:
        """Take ``waiter`` out of its queue, if it is still in one."""
        queue = waiter.queue
        if queue is None:
            return
        waiter.queue = None
        del queue[waiter]
        if not queue:
            del self.queues[waiter.key]

    def wake(self, key: Hashable, count: int, bitset: int = FUTEX_BITSET_MATCH_ANY) -> int:
        """Wake at most ``count`` waiters whose bits meet ``bitset``; return how many."""
        queue = self.queues.get(key)
        if queue is None:
            if key in self.requeues:
                raise EINVAL  # they wait for FUTEX_CMP_REQUEUE_PI alone
            return 0
        if len(queue) == 1:  # the usual case
            (waiter,) = queue
            if not waiter.bitset & bitset:
                return 0
            waiter.queue = None
            del self.queues[key]
            waiter.thread.wake()
            return 1
        woken = 0
        for waiter in self._in_order(queue):
            if waiter.bitset & bitset:
                waiter.queue = None
                del queue[waiter]
                waiter.thread.wake()
                woken += 1
                if woken >= count:
                    break
        if not queue:
            del self.queues[key]
        return woken

    @staticmethod
    def _in_order(queue: Queue) -> list[FutexWaiter]:
        """Return the waiters, real-time priorities first, else as they came."""
        waiters = list(queue)
        if len(waiters) > 1 and any(waiter.thread.priority for waiter in waiters):
            waiters.sort(key=lambda waiter: -waiter.thread.priority)
        return waiters

    def requeue(self, source: Hashable, target: Hashable, wake: int, move: int) -> tuple[int, int]:
        """Wake ``wake`` waiters of ``source`` and move up to ``move`` more to ``target``.

        Returns how many were woken and moved.
        """
        woken = self.wake(source, wake) if wake else 0
        queue = self.queues.get(source)
        if queue is None or source == target:
            return woken, min(move, len(queue)) if queue else 0
        moved = self._in_order(queue)[:move]
        if not moved:
            return woken, 0
        goal = self.queues.setdefault(target, {})
        for waiter in moved:
            del queue[waiter]
            goal[waiter] = None
            waiter.queue = goal
            waiter.key = target
        if not queue:
            del self.queues[source]
        return woken, len(moved)


def futex_wake(kernel: Kernel, mm: AddressSpace, addr: int, count: int) -> int:
    """Wake waiters of the word at ``addr``, shared or private; 0 if the address is bad."""
    table = kernel.futexes
    if not table.queues:  # nobody waits for anything
        return 0
    try:
        key = futex_key(mm, addr, 0)
        woken = table.wake(key, count)
        if woken < count and key != (mm, addr):
            woken += table.wake((mm, addr), count - woken)
    except (EFAULT, EINVAL):
        return 0
    return woken


def exit_robust_list(thread: Thread) -> None:
    """Mark the futexes that ``thread`` still holds, and wake who waits for them.

    The list is user memory: it may be circular, endless or unreadable, so the walk has a
    limit and stops at the first bad address.
    """
    table = thread.kernel.futexes
    if table.pi or table.lent:
        table.owner_died(thread)
    head = thread.robust_list
    if not head:
        return
    thread.robust_list = 0
    try:
        _walk(thread, head)
    except EFAULT:
        return


def _walk(thread: Thread, head: int) -> None:
    read_u64 = thread.mm.read_u64
    entry = read_u64(head)
    offset = read_u64(head + 8)
    pending = read_u64(head + 16)
    for _ in range(ROBUST_LIST_LIMIT):
        if entry & ~1 == head:
            break
        # The entry may be freed by whoever is woken, so its successor is read first.
        following = read_u64(entry & ~1)
        if entry & ~1 != pending & ~1:
            _mark_dead(thread, (entry & ~1) + offset, bool(entry & 1), pending=False)
        entry = following
    if pending & ~1:
        _mark_dead(thread, (pending & ~1) + offset, bool(pending & 1), pending=True)


def _mark_dead(thread: Thread, addr: int, pi: bool, *, pending: bool) -> None:
    addr &= (1 << 64) - 1
    if addr & 3:
        raise EFAULT
    mm = thread.mm
    word = mm.read_u32(addr)
    if pending and not pi and not word:
        # Died between the unlock in user memory and the wake that was to follow.
        futex_wake(thread.kernel, mm, addr, 1)
        return
    if word & FUTEX_TID_MASK != own_tid(thread):
        return
    mm.write_u32(addr, word & FUTEX_WAITERS | FUTEX_OWNER_DIED)
    if not pi and word & FUTEX_WAITERS:
        futex_wake(thread.kernel, mm, addr, 1)


__all__ = [
    "FutexTable", "FutexWaiter", "PiWaiter", "exit_robust_list", "futex_key",
    "futex_wake",
]  # fmt: skip
