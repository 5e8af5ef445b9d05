"""The out-of-memory killer (design document 5.2; proc_pid_oom_score(5), proc_pid_oom_score_adj(5)).

The frame allocator calls it when nothing can be reclaimed, in whatever the kernel is doing.  So
the victim's pages are taken at once, which it will not miss, and it ends itself when its turn
comes, as with Linux's reaper.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TypeGuard

from ...abi.signal import SIGKILL

if TYPE_CHECKING:
    from ..kernel import Kernel
    from .process import Process

_NEVER: Final = -1000  #: OOM_SCORE_ADJ_MIN
_CROWD_NS: Final = 500_000_000  #: how long the choice of a crowd stands
_NOTABLE: Final = 30  #: score of a process that is worth killing for its own memory


def oom_score(kernel: Kernel, process: Process) -> int:
    """Return 0..2000: the share of memory in thousandths, plus oom_score_adj."""
    thread = next(iter(process.threads.values()), None)
    if thread is None:
        return 0
    pages = kernel.ram.size >> 12
    return max(0, thread.mm.rss_pages() * 1000 // pages + process.oom_score_adj)


class Killer:
    """Chooses who ends when memory does."""

    __slots__ = ("_crowd", "_crowd_until", "_kernel")

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._crowd: bytes | None = None  #: name of the processes that together are worst
        self._crowd_until = 0  #: when to look again: with thousands of them, that takes a while

    def make_room(self) -> int:
        """Kill a process and take its memory; return how many frames are free now.

        Returns 0 when there is nobody to kill, or when the victim is the process that asks: its
        system call fails, and it is gone before its next instruction.
        """
        kernel = self._kernel
        asking: Process | None = getattr(kernel.executor.current, "process", None)
        if asking is not None and asking.exit_status is not None:
            return 0  # it ends anyway
        if self._is_of_crowd(asking):
            self._kill(asking)
            return 0
        for process in list(kernel.processes.values()):  # those that were killed and still wait
            if process.exit_status is None or not _take_memory(process):
                continue
            if free := kernel.frames.free_frames():  # not if others share all the pages
                return free
        while victim := self._choose(asking):
            self._kill(victim)
            if victim is asking:
                return 0
            if _take_memory(victim) and (free := kernel.frames.free_frames()):
                return free
        return 0

    def _is_of_crowd(self, asking: Process | None) -> TypeGuard[Process]:
        return (
            asking is not None
            and asking.comm == self._crowd
            and asking is not self._kernel.init
            and asking.oom_score_adj > _NEVER
            and self._kernel.executor.now < self._crowd_until
        )

    def _kill(self, victim: Process) -> None:
        kernel = self._kernel
        kernel.log(
            f"Out of memory: Killed process {victim.pid} "
            f"({victim.comm.decode(errors='replace')}) score {oom_score(kernel, victim)}"
        )
        victim.exit_group(SIGKILL)

    def _choose(self, asking: Process | None) -> Process | None:
        """Return the process with the highest score, or one of the many that together are worst.

        Where no process is large by itself, memory went to a crowd (a fork bomb): of those with
        the name that has most of it one goes, and not the largest bystander.  It is the one that
        asks for more if that is among them, so that the crowd does not grow again.
        """
        kernel = self._kernel
        scores = {
            process: oom_score(kernel, process)
            for process in kernel.processes.values()
            if process.threads and process.oom_score_adj > _NEVER and process.exit_status is None
        }
        if len(scores) > 1:
            scores.pop(kernel.init, None)
        if not scores:
            return None
        worst = max(scores, key=scores.__getitem__)
        if scores[worst] >= _NOTABLE:
            return worst
        crowds: Counter[bytes] = Counter()
        for process in scores:
            crowds[process.comm] += next(iter(process.threads.values())).mm.rss_pages()
        name = self._crowd = crowds.most_common(1)[0][0]
        self._crowd_until = kernel.executor.now + _CROWD_NS
        if asking in scores and asking.comm == name:
            return asking
        return max((p for p in scores if p.comm == name), key=lambda p: p.pid)


def _take_memory(process: Process) -> bool:
    """Give back the pages of a process that ends; tell whether there were any."""
    taken = False
    for space in {thread.mm for thread in process.threads.values()}:
        if space.users == 1 and space.table:
            space.clear_pages()
            taken = True
    return taken
