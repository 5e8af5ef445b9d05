"""perf_event_open(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._declare import syscall
from ._shown import PerfAttrIn, PerfFlags
from ._types import FdNum, Int

if TYPE_CHECKING:
    from ..thread import Thread


@syscall(
    partial="no hardware counters, branch stacks, AUX buffers, cgroups, breakpoints of a CPU; "
    "no records of namespaces, of programs of bpf(2), of build ids"
)
def perf_event_open(
    t: Thread, attr: PerfAttrIn, pid: Int, cpu: Int, group_fd: FdNum, flags: PerfFlags
) -> FdNum:
    """perf_event_open(2)."""
    from ..perf.opening import open_event  # most runs have no events, and need not load it

    return open_event(t, attr, pid, cpu, group_fd, flags)
