"""futex_wait(2), futex_wake(2), futex_requeue(2): futexes whose size and kind are flags.

As in Linux only words of 32 bits can be waited for.
"""

from __future__ import annotations

from collections.abc import Hashable
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EINVAL
from ...abi.futex import FUTEX2_MPOL, FUTEX2_NUMA, FUTEX2_PRIVATE, FUTEX2_SIZE_MASK, FUTEX2_SIZE_U32
from ...abi.time import CLOCK_MONOTONIC, CLOCK_REALTIME
from ..task.futexes import futex_key
from ._declare import Restart, syscall
from ._shown import ClockId, Futex2Flags, InTime
from ._timespec import read_timespec, to_kernel
from ._types import Int, Ptr, UInt, ULong
from .futex import Result, wait_on

if TYPE_CHECKING:
    from ..thread import Thread

_VALID: Final = FUTEX2_SIZE_MASK | FUTEX2_NUMA | FUTEX2_MPOL | FUTEX2_PRIVATE
_NO_NODE: Final = 0xFFFFFFFF
_ONLY_NODE: Final = 0
_WAITV: Final = Struct("<QQII")


@syscall()
def futex_wake(t: Thread, uaddr: Ptr, mask: ULong, nr: Int, flags: Futex2Flags) -> int:
    """futex_wake(2): other than FUTEX_WAKE it wakes nobody where ``nr`` is 0."""
    _check(flags, mask)
    if not mask:
        raise EINVAL
    key = _key(t, uaddr, flags)
    return t.kernel.futexes.wake(key, nr, mask) if nr else 0


@syscall(restart=Restart.SA_RESTART)
def futex_wait(
    t: Thread, uaddr: Ptr, val: ULong, mask: ULong, flags: Futex2Flags, timeout: InTime,
    clock_id: ClockId,
) -> Result:  # fmt: skip
    """futex_wait(2): the timeout is absolute."""
    _check(flags, val, mask)
    deadline = None
    if timeout:
        if clock_id not in (CLOCK_MONOTONIC, CLOCK_REALTIME):
            raise EINVAL
        deadline = (clock_id, to_kernel(t, clock_id, read_timespec(t.mm, timeout)))
    if not mask:
        raise EINVAL
    key = _key(t, uaddr, flags)
    if t.mm.read_u32(uaddr) != val:
        raise EAGAIN
    return wait_on(t, key, mask, deadline)


@syscall()
def futex_requeue(t: Thread, waiters: Ptr, flags: UInt, nr_wake: Int, nr_requeue: Int) -> int:
    """futex_requeue(2): ``waiters`` names two words, and what the first is expected to be."""
    if flags or not waiters:
        raise EINVAL
    words = list(_WAITV.iter_unpack(t.mm.read(waiters, 2 * _WAITV.size)))
    for val, _, word_flags, reserved in words:
        if reserved:
            raise EINVAL
        _check(word_flags, val)
    if words[0][2] != words[1][2] or nr_wake < 0 or nr_requeue < 0:
        raise EINVAL
    source, target = (_key(t, addr, word_flags) for _, addr, word_flags, _ in words)
    if t.mm.read_u32(words[0][1]) != words[0][0]:
        raise EAGAIN
    return sum(t.kernel.futexes.requeue(source, target, nr_wake, nr_requeue))


def _check(flags: int, *values: int) -> None:
    """Raise ``EINVAL`` for unknown flags, another size, or a value that does not fit it."""
    if flags & ~_VALID or flags & FUTEX2_SIZE_MASK != FUTEX2_SIZE_U32:
        raise EINVAL
    if any(value >> 32 for value in values):
        raise EINVAL


def _key(t: Thread, uaddr: int, flags: int) -> Hashable:
    """Name the word at ``uaddr``; with FUTEX2_NUMA its node follows, here the only one."""
    if flags & FUTEX2_NUMA:
        if uaddr & 7:
            raise EINVAL
        node = t.mm.read_u32(uaddr + 4)
        if node == _NO_NODE:
            t.mm.write_u32(uaddr + 4, _ONLY_NODE)
        elif node != _ONLY_NODE:
            raise EINVAL
    return futex_key(t.mm, uaddr, flags & FUTEX2_PRIVATE)
