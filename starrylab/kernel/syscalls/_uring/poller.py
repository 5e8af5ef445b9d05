"""IORING_SETUP_SQPOLL: a task of the kernel that looks for entries (io_uring_setup(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.uring import IORING_SETUP_R_DISABLED, IORING_SQ_NEED_WAKEUP
from ...core.parking import State
from ...core.sched import Task, Timer
from ...uring.tasks import rings_of
from .submit import submit

if TYPE_CHECKING:
    from ...thread import Thread
    from ...uring.ring import Ring

_IDLE_MS: Final = 1000  #: how long it looks without finding anything, unless told
_FIRST_NS: Final = 50_000  #: it looks again after so long, then after twice as long ...
_LAST_NS: Final = 1_000_000


def start_poller(t: Thread, ring: Ring, idle_ms: int) -> None:
    """Begin to look for entries; they are submitted on behalf of ``t``, and end with it."""
    rings_of(t).used.add(ring)
    ring.poller = poller = Poller(ring, (idle_ms or _IDLE_MS) * 1_000_000)
    t.executor.enqueue(poller)


class Poller(Task):
    """Looks at the submission queue, ever more rarely, and sleeps when nothing comes.

    A program sees in the queue's flags that it sleeps, and has to wake it.
    """

    __slots__ = ("_idle_ns", "_last", "_ring", "_sleeping", "_step", "_timer")

    def __init__(self, ring: Ring, idle_ns: int) -> None:
        super().__init__(ring.maker.executor)
        self._ring = ring
        self._idle_ns = idle_ns
        self._last = self.executor.now  #: when it found something
        self._step = _FIRST_NS
        self._sleeping = False
        self._timer: Timer | None = None

    @property
    def name(self) -> str:
        """See `Task.name`."""
        return f"io_uring poller of pid {self._ring.maker.process.pid}"

    def step(self) -> None:
        """See `Task.step`."""
        ring = self._ring
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if ring.poller is not self:
            self.state = State.DONE
            return
        if self._sleeping:
            self._show(sleeping=False)
            self._last, self._step = self.executor.now, _FIRST_NS
        if self._submit():
            self._last, self._step = self.executor.now, _FIRST_NS
        self._rest()

    def _submit(self) -> int:
        ring = self._ring
        if ring.setup & IORING_SETUP_R_DISABLED or not ring.queues.submitted:
            return 0
        return submit(ring.maker, ring, ring.queues.shape.sq_entries)

    def _rest(self) -> None:
        """Sleep for a moment, or until somebody wakes the task."""
        executor = self.executor
        now = executor.now
        if now - self._last >= self._idle_ns:
            self._show(sleeping=True)
            if self._ring.queues.submitted and not self._ring.setup & IORING_SETUP_R_DISABLED:
                return  # it came just now: look again
        else:
            self._timer = executor.call_at(now + self._step, self.wake)
            self._step = min(2 * self._step, _LAST_NS)
        self.state = State.PARKED

    def _show(self, *, sleeping: bool) -> None:
        self._sleeping = sleeping
        self._ring.queues.set_flag(IORING_SQ_NEED_WAKEUP, on=sleeping)
