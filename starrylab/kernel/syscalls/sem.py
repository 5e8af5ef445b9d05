"""System V semaphores: semget(2), semop(2), semtimedop(2), semctl(2)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ...abi import ipc
from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import E2BIG, EFBIG, EINTR, EINVAL, ENOSPC, ERANGE
from ..ipc.objects import MOST
from ..ipc.semaphores import (
    SEMMNS,
    SEMMSL,
    SEMOPM,
    SEMVMX,
    Operation,
    SemaphoreSet,
    SemidDs,
    Waiter,
)
from ._declare import syscall
from ._ipc_ids import meant_owner, shown_status
from ._shown import InTime, SemCommand, ShmGetFlags
from ._timespec import read_timespec
from ._types import Int, Ptr, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_NS: Final = 1_000_000_000
_OPERATION: Final = Struct("<Hhh")  #: struct sembuf
_INFO: Final = Struct("<10i")  #: struct seminfo
_SIZE_OF_UNDO: Final = 20  #: SEMUSZ
_R, _W = 4, 2  # permission bits of a mode


def _now(t: Thread) -> int:
    return t.kernel.clock.realtime() // _NS


@syscall()
def semget(t: Thread, key: Int, count: Int, flags: ShmGetFlags) -> int:
    """semget(2)."""
    if not 0 <= count <= SEMMSL:
        raise EINVAL
    table = t.namespaces.ipc.semaphores

    def make() -> SemaphoreSet:
        if not count:
            raise EINVAL
        if table.total() + count > SEMMNS:
            raise ENOSPC
        return SemaphoreSet(count, t.cred, flags & 0o777, _now(t), t.kernel.heap)

    return table.get(key, flags, t.cred, make, lambda found: count <= len(found.values)).id


@syscall()
def semop(t: Thread, semid: Int, operations: Ptr, count: UInt) -> Coroutine[Any, Any, None] | None:
    """semop(2)."""
    return semtimedop(t, semid, operations, count, 0)


@syscall()
def semtimedop(
    t: Thread, semid: Int, operations: Ptr, count: UInt, timeout: InTime
) -> Coroutine[Any, Any, None] | None:
    """semtimedop(2)."""
    limit = read_timespec(t.mm, timeout) if timeout else None
    if semid < 0 or not count:
        raise EINVAL
    if count > SEMOPM:
        raise E2BIG
    data = t.mm.read(operations, count * _OPERATION.size)
    wanted = [Operation(*fields) for fields in _OPERATION.iter_unpack(data)]
    found = t.namespaces.ipc.semaphores.find(semid)
    if max(operation.number for operation in wanted) >= len(found.values):
        raise EFBIG
    alters = any(operation.change for operation in wanted)
    found.check(t.cred, _W if alters else _R)
    waiter = found.operate(wanted, t.process.pid, _now(t))
    return None if waiter is None else _wait(t, found, waiter, limit)


async def _wait(t: Thread, found: SemaphoreSet, waiter: Waiter, limit: int | None) -> None:
    try:
        await t.wait_io(waiter, 0, waiter.result, limit)
    except EINTR:
        if not waiter.done:
            raise
        waiter.result()
    finally:
        if waiter in found.waiters:
            found.waiters.remove(waiter)


# -- control -----------------------------------------------------------------------------------


@syscall()
def semctl(t: Thread, semid: Int, number: Int, cmd: SemCommand, arg: Ptr) -> int:
    """semctl(2); ``arg`` is a value or an address, as ``cmd`` has it."""
    action = _ACTIONS.get(cmd)
    if action is None or semid < 0:
        raise EINVAL
    return action(t, semid, number, arg)


def _of(t: Thread, semid: int, wanted: int) -> SemaphoreSet:
    found = t.namespaces.ipc.semaphores.find(semid)
    found.check(t.cred, wanted)
    return found


def _one(t: Thread, semid: int, number: int) -> SemaphoreSet:
    found = _of(t, semid, _R)
    if not 0 <= number < len(found.values):
        raise EINVAL
    return found


def _get_value(t: Thread, semid: int, number: int, arg: int) -> int:
    return _one(t, semid, number).values[number]


def _get_pid(t: Thread, semid: int, number: int, arg: int) -> int:
    return t.process.shown(_one(t, semid, number).pids[number])


def _get_growth_waiters(t: Thread, semid: int, number: int, arg: int) -> int:
    return _one(t, semid, number).waiting(number, for_zero=False)


def _get_zero_waiters(t: Thread, semid: int, number: int, arg: int) -> int:
    return _one(t, semid, number).waiting(number, for_zero=True)


def _set_value(t: Thread, semid: int, number: int, arg: int) -> int:
    value = arg & 0xFFFFFFFF
    if value > SEMVMX:
        raise ERANGE
    found = t.namespaces.ipc.semaphores.find(semid)
    if not 0 <= number < len(found.values):
        raise EINVAL
    found.check(t.cred, _W)
    found.set_values({number: value}, t.process.pid, _now(t))
    return 0


def _get_all(t: Thread, semid: int, number: int, arg: int) -> int:
    values = _of(t, semid, _R).values
    t.mm.write(arg, Struct(f"<{len(values)}H").pack(*values))
    return 0


def _set_all(t: Thread, semid: int, number: int, arg: int) -> int:
    found = _of(t, semid, _W)
    count = len(found.values)
    values = Struct(f"<{count}H").unpack(t.mm.read(arg, 2 * count))
    if max(values) > SEMVMX:
        raise ERANGE
    found.set_values(dict(enumerate(values)), t.process.pid, _now(t))
    return 0


def _status(t: Thread, found: SemaphoreSet) -> SemidDs:
    return shown_status(t, found.status(), "sem_perm")


def _stat(t: Thread, semid: int, number: int, arg: int) -> int:
    t.mm.write_struct(arg, _status(t, _of(t, semid, _R)))
    return 0


def _slot_stat(t: Thread, slot: int, number: int, arg: int) -> int:
    found = t.namespaces.ipc.semaphores.at(slot)
    found.check(t.cred, _R)
    t.mm.write_struct(arg, _status(t, found))
    return found.id


def _slot_stat_any(t: Thread, slot: int, number: int, arg: int) -> int:
    found = t.namespaces.ipc.semaphores.at(slot)
    t.mm.write_struct(arg, _status(t, found))
    return found.id


def _owned(t: Thread, semid: int) -> SemaphoreSet:
    found = t.namespaces.ipc.semaphores.find(semid)
    if t.cred.euid not in (found.uid, found.cuid):
        t.cred.require_in(t.namespaces.ipc.user_ns, CAP_SYS_ADMIN)
    return found


def _set(t: Thread, semid: int, number: int, arg: int) -> int:
    wanted = t.mm.read_struct(SemidDs, arg).sem_perm
    _owned(t, semid).set_perm(meant_owner(t, wanted), _now(t))
    return 0


def _remove(t: Thread, semid: int, number: int, arg: int) -> int:
    t.namespaces.ipc.semaphores.remove(_owned(t, semid))
    return 0


def _put_info(t: Thread, arg: int, undo_size: int, most_at_exit: int) -> int:
    info = _INFO.pack(
        SEMMNS, MOST, SEMMNS, SEMMNS, SEMMSL, SEMOPM, SEMOPM, undo_size, SEMVMX, most_at_exit
    )
    t.mm.write(arg, info)
    return t.namespaces.ipc.semaphores.highest_slot()


def _limits(t: Thread, semid: int, number: int, arg: int) -> int:
    return _put_info(t, arg, _SIZE_OF_UNDO, SEMVMX)


def _info(t: Thread, semid: int, number: int, arg: int) -> int:
    return _put_info(t, arg, len(t.namespaces.ipc.semaphores), t.namespaces.ipc.semaphores.total())


_ACTIONS: Final[Mapping[int, Callable[[Thread, int, int, int], int]]] = MappingProxyType(
    {
        ipc.GETVAL: _get_value,
        ipc.GETPID: _get_pid,
        ipc.GETNCNT: _get_growth_waiters,
        ipc.GETZCNT: _get_zero_waiters,
        ipc.GETALL: _get_all,
        ipc.SETVAL: _set_value,
        ipc.SETALL: _set_all,
        ipc.IPC_STAT: _stat,
        ipc.SEM_STAT: _slot_stat,
        ipc.SEM_STAT_ANY: _slot_stat_any,
        ipc.IPC_SET: _set,
        ipc.IPC_RMID: _remove,
        ipc.IPC_INFO: _limits,
        ipc.SEM_INFO: _info,
    }
)
