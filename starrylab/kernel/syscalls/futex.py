"""futex(2), futex_waitv(2).

Waiting and waking are most of what threads do in the kernel, so ``futex`` looks at these
two first and takes the other operations from a table.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import EAGAIN, EINTR, EINVAL, ENOSYS
from ...abi.futex import (
    FUTEX_32,
    FUTEX_BITSET_MATCH_ANY,
    FUTEX_CLOCK_REALTIME,
    FUTEX_CMP_REQUEUE,
    FUTEX_CMP_REQUEUE_PI,
    FUTEX_LOCK_PI,
    FUTEX_LOCK_PI2,
    FUTEX_PRIVATE_FLAG,
    FUTEX_REQUEUE,
    FUTEX_TRYLOCK_PI,
    FUTEX_UNLOCK_PI,
    FUTEX_WAIT,
    FUTEX_WAIT_BITSET,
    FUTEX_WAIT_REQUEUE_PI,
    FUTEX_WAITV_MAX,
    FUTEX_WAKE,
    FUTEX_WAKE_BITSET,
    FUTEX_WAKE_OP,
)
from ...abi.time import CLOCK_MONOTONIC, CLOCK_REALTIME
from ..core.sched import park
from ..task.futexes import FutexWaiter, futex_key
from ._declare import Restart, syscall
from ._futex_waits import Deadline, park_until, sleep_pi, sleep_requeue
from ._shown import ClockId, FutexOp, FutexSecond, FutexTimeout, FutexVal, FutexVal3, InTime
from ._timespec import read_timespec, to_kernel
from ._types import Ptr, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_CMD: Final = ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)
_WAIT_PRIVATE: Final = FUTEX_WAIT | FUTEX_PRIVATE_FLAG
_WAKE_PRIVATE: Final = FUTEX_WAKE | FUTEX_PRIVATE_FLAG
_ANY: Final = FUTEX_BITSET_MATCH_ANY
_WITH_CLOCK: Final = (FUTEX_WAIT_BITSET, FUTEX_LOCK_PI2, FUTEX_WAIT_REQUEUE_PI)
_WAITV: Final = Struct("<QQII")

Result = int | Coroutine[Any, Any, int]


@syscall(restart=Restart.SA_RESTART)
def futex(
    t: Thread,
    uaddr: Ptr,
    op: FutexOp,
    val: FutexVal,
    timeout: FutexTimeout,
    uaddr2: FutexSecond,
    val3: FutexVal3,
) -> Result:
    """futex(2)."""
    if op == _WAKE_PRIVATE:
        if uaddr & 3:
            raise EINVAL
        return t.kernel.futexes.wake((t.mm, uaddr), val)
    if op == _WAIT_PRIVATE and not timeout:
        if uaddr & 3:
            raise EINVAL
        if t.mm.read_u32(uaddr) != val:
            raise EAGAIN
        return _sleep(t, t.kernel.futexes.enter(t, (t.mm, uaddr), _ANY))
    command = op & _CMD
    if op & FUTEX_CLOCK_REALTIME and command not in _WITH_CLOCK:
        raise ENOSYS
    operation = _OPERATIONS.get(command)
    if operation is None:
        raise ENOSYS
    return operation(t, uaddr, op, val, timeout, uaddr2, val3)


async def _sleep(t: Thread, waiter: FutexWaiter) -> int:
    try:
        while waiter.queue is not None:
            await park()
    except EINTR:
        # A wake-up that was spent on this thread must not be lost.
        if waiter.queue is not None:
            raise
    finally:
        if waiter.queue is not None:
            t.kernel.futexes.leave(waiter)
    return 0


async def _sleep_until(t: Thread, waiters: list[FutexWaiter], deadline: Deadline) -> int:
    """Sleep until one of ``waiters`` is woken; return which."""
    table = t.kernel.futexes
    try:
        while True:
            for index, waiter in enumerate(waiters):
                if waiter.queue is None:
                    return index
            await park_until(t, deadline)
    except EINTR:
        for index, waiter in enumerate(waiters):
            if waiter.queue is None:
                return index
        raise
    finally:
        for waiter in waiters:
            table.leave(waiter)


def _wait(t: Thread, uaddr: int, op: int, val: int, timeout: int, uaddr2: int, val3: int) -> Result:
    """FUTEX_WAIT with a timeout or shared: the timeout is relative."""
    deadline = None
    if timeout:
        deadline = (CLOCK_MONOTONIC, t.executor.now + read_timespec(t.mm, timeout))
    return _start_wait(t, uaddr, op, val, _ANY, deadline)


def _wait_bitset(
    t: Thread, uaddr: int, op: int, val: int, timeout: int, uaddr2: int, val3: int
) -> Result:
    """FUTEX_WAIT_BITSET: the timeout is absolute."""
    deadline = _until(t, timeout, realtime=op & FUTEX_CLOCK_REALTIME)
    return _start_wait(t, uaddr, op, val, val3, deadline)


def _until(t: Thread, timeout: int, *, realtime: int) -> Deadline | None:
    """Return the absolute time at address ``timeout``, None for a null pointer."""
    if not timeout:
        return None
    clock_id = CLOCK_REALTIME if realtime else CLOCK_MONOTONIC
    return clock_id, to_kernel(t, clock_id, read_timespec(t.mm, timeout))


def _start_wait(
    t: Thread, uaddr: int, op: int, val: int, bitset: int, deadline: Deadline | None
) -> Result:
    if not bitset:
        raise EINVAL
    key = futex_key(t.mm, uaddr, op & FUTEX_PRIVATE_FLAG)
    if t.mm.read_u32(uaddr) != val:
        raise EAGAIN
    return wait_on(t, key, bitset, deadline)


def wait_on(t: Thread, key: Hashable, bitset: int, deadline: Deadline | None) -> Result:
    """Wait for a wake-up of ``key`` whose bits meet ``bitset``."""
    waiter = t.kernel.futexes.enter(t, key, bitset)
    if deadline is None:
        return _sleep(t, waiter)
    return _sleep_until(t, [waiter], deadline)


def _wake(t: Thread, uaddr: int, op: int, val: int, timeout: int, uaddr2: int, val3: int) -> int:
    key = futex_key(t.mm, uaddr, op & FUTEX_PRIVATE_FLAG)
    return t.kernel.futexes.wake(key, val)


def _wake_bitset(
    t: Thread, uaddr: int, op: int, val: int, timeout: int, uaddr2: int, val3: int
) -> int:
    if not val3:
        raise EINVAL
    key = futex_key(t.mm, uaddr, op & FUTEX_PRIVATE_FLAG)
    return t.kernel.futexes.wake(key, val, val3)


def _requeue(t: Thread, uaddr: int, op: int, val: int, val2: int, uaddr2: int, val3: int) -> int:
    """FUTEX_REQUEUE and FUTEX_CMP_REQUEUE: ``val2`` comes in the place of the timeout."""
    val2 &= 0xFFFFFFFF
    if val >> 31 or val2 >> 31:
        raise EINVAL
    private = op & FUTEX_PRIVATE_FLAG
    source = futex_key(t.mm, uaddr, private)
    target = futex_key(t.mm, uaddr2, private)
    if op & _CMD == FUTEX_CMP_REQUEUE and t.mm.read_u32(uaddr) != val3:
        raise EAGAIN
    return sum(t.kernel.futexes.requeue(source, target, val, val2))


def _signed(value: int, bits: int) -> int:
    return (value ^ 1 << bits - 1) - (1 << bits - 1)


_OPS: Final[tuple[Callable[[int, int], int], ...]] = (
    lambda _old, arg: arg,
    lambda old, arg: old + arg,
    lambda old, arg: old | arg,
    lambda old, arg: old & ~arg,
    lambda old, arg: old ^ arg,
)
_COMPARISONS: Final[tuple[Callable[[int, int], bool], ...]] = (
    lambda old, arg: old == arg,
    lambda old, arg: old != arg,
    lambda old, arg: old < arg,
    lambda old, arg: old <= arg,
    lambda old, arg: old > arg,
    lambda old, arg: old >= arg,
)


def _wake_op(t: Thread, uaddr: int, op: int, val: int, val2: int, uaddr2: int, code: int) -> int:
    """FUTEX_WAKE_OP: modify the second word, wake at the first, perhaps at the second."""
    private = op & FUTEX_PRIVATE_FLAG
    first = futex_key(t.mm, uaddr, private)
    second = futex_key(t.mm, uaddr2, private)
    operation, comparison = code >> 28 & 7, code >> 24 & 15
    if operation >= len(_OPS) or comparison >= len(_COMPARISONS):
        raise ENOSYS
    oparg, cmparg = _signed(code >> 12 & 0xFFF, 12), _signed(code & 0xFFF, 12)
    if code >> 31:
        oparg = 1 << (oparg & 31)
    old = t.mm.read_u32(uaddr2)
    t.mm.write_u32(uaddr2, _OPS[operation](old, oparg) & 0xFFFFFFFF)
    table = t.kernel.futexes
    woken = table.wake(first, val)
    if _COMPARISONS[comparison](_signed(old, 32), cmparg):
        woken += table.wake(second, val2 & 0xFFFFFFFF)
    return woken


def _lock_pi(
    t: Thread, uaddr: int, op: int, val: int, timeout: int, uaddr2: int, val3: int
) -> Result:
    realtime = op & _CMD != FUTEX_LOCK_PI2 or op & FUTEX_CLOCK_REALTIME
    deadline = _until(t, timeout, realtime=realtime)
    key = futex_key(t.mm, uaddr, op & FUTEX_PRIVATE_FLAG)
    table = t.kernel.futexes
    if table.try_lock(t, uaddr, key):
        return 0
    return sleep_pi(t, table.enter_pi(t, uaddr, key), deadline)


def _trylock_pi(
    t: Thread, uaddr: int, op: int, val: int, timeout: int, uaddr2: int, val3: int
) -> int:
    key = futex_key(t.mm, uaddr, op & FUTEX_PRIVATE_FLAG)
    if not t.kernel.futexes.try_lock(t, uaddr, key):
        raise EAGAIN
    return 0


def _unlock_pi(
    t: Thread, uaddr: int, op: int, val: int, timeout: int, uaddr2: int, val3: int
) -> int:
    t.kernel.futexes.unlock_pi(t, uaddr, futex_key(t.mm, uaddr, op & FUTEX_PRIVATE_FLAG))
    return 0


def _wait_requeue_pi(
    t: Thread, uaddr: int, op: int, val: int, timeout: int, uaddr2: int, val3: int
) -> Result:
    """FUTEX_WAIT_REQUEUE_PI: wait at one word, and then for the lock that the other is."""
    deadline = _until(t, timeout, realtime=op & FUTEX_CLOCK_REALTIME)
    if uaddr == uaddr2:
        raise EINVAL
    private = op & FUTEX_PRIVATE_FLAG
    goal = futex_key(t.mm, uaddr2, private)
    key = futex_key(t.mm, uaddr, private)
    if t.mm.read_u32(uaddr) != val:
        raise EAGAIN
    if key == goal:
        raise EINVAL
    return sleep_requeue(t, t.kernel.futexes.enter_requeue(t, key, goal, uaddr2), deadline)


def _cmp_requeue_pi(
    t: Thread, uaddr: int, op: int, val: int, val2: int, uaddr2: int, val3: int
) -> int:
    """FUTEX_CMP_REQUEUE_PI: one is woken if the lock is free, the others wait for it."""
    val2 &= 0xFFFFFFFF
    if val >> 31 or val2 >> 31 or uaddr == uaddr2 or val != 1:
        raise EINVAL
    private = op & FUTEX_PRIVATE_FLAG
    source = futex_key(t.mm, uaddr, private)
    target = futex_key(t.mm, uaddr2, private)
    if t.mm.read_u32(uaddr) != val3:
        raise EAGAIN
    if source in t.kernel.futexes.queues:
        raise EINVAL  # they wait for FUTEX_WAKE
    return t.kernel.futexes.requeue_pi(source, target, val2)


_OPERATIONS: Final[dict[int, Callable[[Thread, int, int, int, int, int, int], Result]]] = {
    FUTEX_WAIT: _wait,
    FUTEX_WAKE: _wake,
    FUTEX_REQUEUE: _requeue,
    FUTEX_CMP_REQUEUE: _requeue,
    FUTEX_WAKE_OP: _wake_op,
    FUTEX_LOCK_PI: _lock_pi,
    FUTEX_LOCK_PI2: _lock_pi,
    FUTEX_TRYLOCK_PI: _trylock_pi,
    FUTEX_UNLOCK_PI: _unlock_pi,
    FUTEX_WAIT_BITSET: _wait_bitset,
    FUTEX_WAKE_BITSET: _wake_bitset,
    FUTEX_WAIT_REQUEUE_PI: _wait_requeue_pi,
    FUTEX_CMP_REQUEUE_PI: _cmp_requeue_pi,
}


@syscall(restart=Restart.SA_RESTART)
def futex_waitv(
    t: Thread, waiters: Ptr, count: UInt, flags: UInt, timeout: InTime, clock_id: ClockId
) -> Result:
    """futex_waitv(2): wait on several words; the result tells which was woken."""
    if flags or not 1 <= count <= FUTEX_WAITV_MAX or not waiters:
        raise EINVAL
    deadline = None
    if timeout:
        if clock_id not in (CLOCK_MONOTONIC, CLOCK_REALTIME):
            raise EINVAL
        deadline = (clock_id, to_kernel(t, clock_id, read_timespec(t.mm, timeout)))
    words: list[tuple[int, int, int]] = []
    for val, addr, word_flags, reserved in _WAITV.iter_unpack(t.mm.read(waiters, count * 24)):
        if reserved or word_flags & ~FUTEX_PRIVATE_FLAG != FUTEX_32:
            raise EINVAL
        words.append((val, addr, word_flags))
    keys = [futex_key(t.mm, addr, flag & FUTEX_PRIVATE_FLAG) for _, addr, flag in words]
    for val, addr, _ in words:
        if t.mm.read_u32(addr) != val & 0xFFFFFFFF:
            raise EAGAIN
    entered = [t.kernel.futexes.enter(t, key, _ANY) for key in keys]
    return _sleep_until(t, entered, deadline) if deadline else _sleep_any(t, entered)


async def _sleep_any(t: Thread, waiters: list[FutexWaiter]) -> int:
    table = t.kernel.futexes
    try:
        while True:
            for index, waiter in enumerate(waiters):
                if waiter.queue is None:
                    return index
            try:
                await park()
            except EINTR:
                if all(waiter.queue is not None for waiter in waiters):
                    raise
    finally:
        for waiter in waiters:
            table.leave(waiter)
