"""Who could wake a futex: the owner where the word or its neighbours tell, else who can reach it.

A plain futex has no owner for the kernel.  What its user keeps there is known for locks with
priority inheritance, robust mutexes (get_robust_list(2)), mutexes of glibc, mutexes of musl that
check who unlocks them, musl's locks of FILEs, and the word that is cleared when a thread ends
(set_tid_address(2)), on which glibc's pthread_join waits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.futex import FUTEX_TID_MASK
from ..peek import Peek
from .holders import Holders, in_order
from .model import Need

if TYPE_CHECKING:
    from ...kernel.thread import Thread

#: glibc, struct __pthread_mutex_s on 64 bits: lock, count, owner, nusers, kind
_GLIBC_MUTEX: Final = Struct("<iIiIi")
_GLIBC_KINDS: Final = 0x7F | 0x80 | 0x200 | 0x100  #: type, shared, elision hints
_GLIBC_LOCKED: Final = 2  #: the value of a lock that somebody waits for (lll_lock)
#: musl, pthread_mutex_t: _m_type, _m_lock
_MUSL_MUTEX: Final = Struct("<II")
_MUSL_OWNED: Final = (1, 2)  #: PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK
_MUSL_TYPE: Final = 15
#: musl, lock of a FILE that somebody waits for: MAYBE_WAITERS and the owner (stdio_impl.h)
_MUSL_FILE: Final = 0x40000000
_MUSL_FLAGS: Final = 0x8F  #: type, robust or PI (4, 8), process-shared (128)

Symbol = Callable[["Thread", int], str]


def futex_need(holders: Holders, thread: Thread, key: Hashable, addr: int, symbol: Symbol) -> Need:
    """Return what a thread that waits at the word ``addr`` needs."""
    data = Peek(thread.mm).read(addr, 4)
    word = int.from_bytes(data, "little")
    what = f"on futex {addr:#x}{symbol(thread, addr)}" + (
        f", value {word:#x}" if len(data) == 4 else ", not mapped any more"
    )
    reach = holders.of_key(key)
    owner, because = _owner(holders, thread, addr, word, reach)
    if owner:
        return Need(what, (owner,), because)
    return Need(what, in_order(reach - {thread.tid}), "the word, whose owner is not known")


def pi_need(thread: Thread, addr: int, owner: Thread, symbol: Symbol) -> Need:
    """Return what a thread that waits for a priority-inheritance lock needs."""
    what = f"for the PI lock {addr:#x}{symbol(thread, addr)}"
    return Need(what, (owner.tid,), "the lock")


def _owner(
    holders: Holders, thread: Thread, addr: int, word: int, reach: set[int]
) -> tuple[int, str]:
    """Return the thread that owns what the word stands for, 0 if it is not known."""
    threads = holders.kernel.threads
    # Words have numbers of the program's pid namespace.
    numbers = {thread.process.shown(tid): tid for tid in reach}
    for number, tid in numbers.items():
        if threads[tid].clear_child_tid == addr and word == number:
            return tid, "the word, which is cleared when it ends"
    peek = Peek(thread.mm)
    owner = _glibc_owner(peek, addr, word) or _musl_owner(peek, addr, word)
    if owner in numbers:
        return numbers[owner], "the mutex"
    if word & ~FUTEX_TID_MASK == _MUSL_FILE and word & FUTEX_TID_MASK in numbers:
        return numbers[word & FUTEX_TID_MASK], "the lock"
    return 0, ""


def _glibc_owner(peek: Peek, addr: int, word: int) -> int:
    data = peek.read(addr, _GLIBC_MUTEX.size)
    if len(data) < _GLIBC_MUTEX.size:
        return 0
    _, _, owner, users, kind = _GLIBC_MUTEX.unpack(data)
    if kind & ~_GLIBC_KINDS or not users:
        return 0
    robust = word & FUTEX_TID_MASK == owner
    return owner if word == _GLIBC_LOCKED or robust else 0


def _musl_owner(peek: Peek, addr: int, word: int) -> int:
    data = peek.read(addr - 4, _MUSL_MUTEX.size)
    if len(data) < _MUSL_MUTEX.size:
        return 0
    kind = _MUSL_MUTEX.unpack(data)[0]
    if kind & ~_MUSL_FLAGS or (kind & _MUSL_TYPE & 3 not in _MUSL_OWNED and not kind & 4):
        return 0  # a normal mutex says that it is locked, and not by whom
    return word & FUTEX_TID_MASK
