"""System V semaphore sets (sysvipc(7), semop(2)).

As in Linux, who makes an operation possible also does it, for whoever waited longest: nobody
can snatch it away in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.errno import EAGAIN, EIDRM, ERANGE, LinuxError
from ...abi.ipc import IPC_NOWAIT, SEM_UNDO
from ...base.cstruct import Struct, cstruct, i64, u64
from ..core.poll import PollSet
from ..core.sched import Waker
from ..mm.sysv import IpcPerm
from .objects import IpcObject, IpcTable

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap
    from ..mm.sysv import Caller

SEMMSL: Final = 32_000  #: semaphores of a set
SEMMNS: Final = 1_024_000_000  #: of all sets
SEMOPM: Final = 500  #: operations of one call
SEMVMX: Final = 32_767  #: the highest value, and the highest adjustment at exit
_COST: Final = 64  #: bytes that a semaphore costs the kernel


@cstruct
class SemidDs(Struct):
    """``struct semid64_ds``."""

    sem_perm: IpcPerm
    sem_otime: i64
    sem_ctime: i64
    sem_nsems: u64
    unused3: u64
    unused4: u64


class Operation(NamedTuple):
    """``struct sembuf``."""

    number: int
    change: int
    flags: int


class Waiter:
    """A list of operations that cannot be done yet."""

    __slots__ = ("_woken", "blocked", "done", "error", "operations", "pid")

    def __init__(self, operations: list[Operation], pid: int, blocked: Operation) -> None:
        self.operations = operations
        self.pid = pid
        self.blocked = blocked  #: the first that is not possible
        self.done = False
        self.error: type[LinuxError] | None = None
        self._woken = PollSet()

    def finish(self, error: type[LinuxError] | None = None) -> None:
        """Let the caller return."""
        self.done, self.error = True, error
        self._woken.wake()

    def result(self) -> None:
        """Return when everything is done; raise ``EAGAIN`` until then, or the error."""
        if not self.done:
            raise EAGAIN
        if self.error is not None:
            raise self.error

    def poll(self) -> int:
        """See ``Pollable.poll``; there are no events."""
        return 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self._woken.register(waker)


class SemaphoreSet(IpcObject):
    """Semaphores that are operated on together or not at all."""

    __slots__ = ("otime", "pids", "undo", "values", "waiters")

    def __init__(
        self, count: int, owner: Caller, mode: int, now: int, heap: KernelHeap | None = None
    ) -> None:
        super().__init__(owner, mode, now, heap)
        self.charge.cover(_COST * count)
        self.values = [0] * count
        self.pids = [0] * count  #: who changed each one last
        self.otime = 0  #: seconds
        self.waiters: list[Waiter] = []
        #: What is added to the values when a process ends (SEM_UNDO), by its number.
        self.undo: dict[int, dict[int, int]] = {}

    def operate(self, operations: list[Operation], pid: int, now: int) -> Waiter | None:
        """Do all operations, or return what waits for them.

        Raises ``EAGAIN`` where an operation has IPC_NOWAIT, and ``ERANGE``.
        """
        blocked = self._try(operations, pid)
        if blocked is None:
            self.otime = now
            self.update(now)
            return None
        if blocked.flags & IPC_NOWAIT:
            raise EAGAIN
        waiter = Waiter(operations, pid, blocked)
        self.waiters.append(waiter)
        return waiter

    def _try(self, operations: list[Operation], pid: int) -> Operation | None:
        """Do all operations and return ``None``, or none and return the one that blocks."""
        values = list(self.values)
        undo = dict(self.undo.get(pid, {}))
        for operation in operations:
            number, change, flags = operation
            value = values[number] + change
            if value < 0 or (not change and value):
                return operation
            if value > SEMVMX:
                raise ERANGE
            if flags & SEM_UNDO:
                undo[number] = undo.get(number, 0) - change
                if not -SEMVMX - 1 <= undo[number] <= SEMVMX:
                    raise ERANGE
            values[number] = value
        self.values = values
        for operation in operations:
            self.pids[operation.number] = pid
        if any(operation.flags & SEM_UNDO for operation in operations):
            self.undo[pid] = undo
        return None

    def update(self, now: int) -> None:
        """Do what has become possible, for whoever waited longest first."""
        again = True
        while again:
            again = False
            for waiter in list(self.waiters):
                error: type[LinuxError] | None = None
                try:
                    blocked = self._try(waiter.operations, waiter.pid)
                except ERANGE:
                    blocked, error = None, ERANGE
                if blocked is not None:
                    waiter.blocked = blocked
                    if not blocked.flags & IPC_NOWAIT:
                        continue
                    error = EAGAIN
                self.waiters.remove(waiter)
                if error is None:
                    self.otime = now
                    again = True
                waiter.finish(error)

    def set_values(self, values: dict[int, int], pid: int, now: int) -> None:
        """SETVAL and SETALL: the values are within range; adjustments at exit are forgotten."""
        for number, value in values.items():
            self.values[number] = value
            self.pids[number] = pid
            for adjustments in self.undo.values():
                adjustments.pop(number, None)
        self.ctime = now
        self.update(now)

    def waiting(self, number: int, *, for_zero: bool) -> int:
        """Return how many wait for a semaphore to grow, or to become 0 (semctl(2))."""
        return sum(
            waiter.blocked.number == number and (not waiter.blocked.change) == for_zero
            for waiter in self.waiters
        )

    def process_ended(self, pid: int, now: int) -> None:
        """Undo what a process did with SEM_UNDO; a value stays within 0 and SEMVMX."""
        adjustments = self.undo.pop(pid, None)
        if adjustments is None:
            return
        for number, change in adjustments.items():
            if change:
                self.values[number] = max(0, min(self.values[number] + change, SEMVMX))
                self.pids[number] = pid
        self.otime = now
        self.update(now)

    def status(self) -> SemidDs:
        """Return ``struct semid_ds``."""
        return SemidDs(self.perm, self.otime, self.ctime, len(self.values))

    def ended(self) -> None:
        """See `IpcObject.ended`."""
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            waiter.finish(EIDRM)


class Semaphores(IpcTable[SemaphoreSet]):
    """The sets of one kernel."""

    def total(self) -> int:
        """Return the number of semaphores of all sets."""
        return sum(len(found.values) for found in self)

    def process_ended(self, pid: int, now: int) -> None:
        """Undo what a process did with SEM_UNDO, in all sets."""
        for found in self:
            found.process_ended(pid, now)
