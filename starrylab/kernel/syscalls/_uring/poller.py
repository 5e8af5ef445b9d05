"""IORING_SETUP_SQPOLL: a task of the kernel that looks for entries (io_uring_setup(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.uring import IORING_SETUP_R_DISABLED, IORING_SQ_NEED_WAKEUP
from ...core.parking import park
from ...uring.tasks import rings_of
from .submit import submit

if TYPE_CHECKING:
    from ...core.sched import CoroutineTask
    from ...thread import Thread
    from ...uring.ring import Ring

_IDLE_MS: Final = 1000  #: how long it looks without finding anything, unless told
_FIRST_NS: Final = 50_000  #: it looks again after so long, then after twice as long ...
_LAST_NS: Final = 1_000_000


def start_poller(t: Thread, ring: Ring, idle_ms: int) -> None:
    """Begin to look for entries; they are submitted on behalf of ``t``'s process."""
    rings_of(t).used.add(ring)
    poller = _Poller(ring, (idle_ms or _IDLE_MS) * 1_000_000)
    poller.task = ring.poller = t.executor.spawn(f"io_uring poller of pid {t.process.pid}",
                                                 poller.run())  # fmt: skip


class _Poller:
    """Looks at the submission queue, ever more rarely, and sleeps when nothing comes."""

    __slots__ = ("_idle_ns", "_ring", "task")

    def __init__(self, ring: Ring, idle_ns: int) -> None:
        self._ring = ring
        self._idle_ns = idle_ns
        self.task: CoroutineTask = None  # type: ignore[assignment]  # set when it is there

    async def run(self) -> None:
        """Do it until the ring is gone, or whose memory it is."""
        ring = self._ring
        executor = self.task.executor
        last, step = executor.now, _FIRST_NS
        while ring.poller is self.task:
            if self._submit():
                last, step = executor.now, _FIRST_NS
            elif executor.now - last < self._idle_ns:
                await self._pause(step)
                step = min(2 * step, _LAST_NS)
            else:
                await self._sleep()
                last, step = executor.now, _FIRST_NS

    def _submit(self) -> int:
        ring = self._ring
        if ring.setup & IORING_SETUP_R_DISABLED or not ring.queues.submitted:
            return 0
        return submit(ring.maker, ring, ring.queues.shape.sq_entries)

    async def _pause(self, duration_ns: int) -> None:
        executor = self.task.executor
        timer = executor.call_at(executor.now + duration_ns, self.task.wake)
        try:
            await park()
        finally:
            timer.cancel()

    async def _sleep(self) -> None:
        """Sleep until io_uring_enter(2) wakes the task; the program sees that it has to."""
        queues = self._ring.queues
        queues.set_flag(IORING_SQ_NEED_WAKEUP, on=True)
        if not queues.submitted or self._ring.setup & IORING_SETUP_R_DISABLED:
            await park()
        if not self._ring.dead:
            queues.set_flag(IORING_SQ_NEED_WAKEUP, on=False)
