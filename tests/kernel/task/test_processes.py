"""Who holds whom: processes, groups and sessions go when nobody needs them."""

from __future__ import annotations

import gc
import weakref

from starrylab.kernel.task.limits import Limits
from starrylab.kernel.task.process import Process, ProcessGroup, Session, Usage


def make(pid: int, group: ProcessGroup, parent: Process | None = None) -> Process:
    process = Process(pid, parent, Limits())
    group.add(process)
    return process


def test_a_group_vanishes_with_its_last_process() -> None:
    session = Session(1)
    first = make(1, ProcessGroup(1, session))
    second = make(2, ProcessGroup(2, session), first)
    assert sorted(session.groups) == [1, 2]
    session.groups[1].add(second)
    gc.collect()
    assert sorted(session.groups) == [1]
    assert [p.pid for p in first.group.processes()] == [1, 2]


def test_a_session_vanishes_with_its_last_group() -> None:
    process = make(1, ProcessGroup(1, Session(1)))
    session = weakref.ref(process.session)
    ProcessGroup(1, Session(2)).add(process)
    gc.collect()
    assert session() is None
    assert process.session.sid == 2


def test_a_reaped_process_leaves_its_group() -> None:
    group = ProcessGroup(1, Session(1))
    process = make(1, group)
    group.remove(process)
    assert group.processes() == []


def test_orphaned_means_nobody_in_the_session_looks_after_it() -> None:
    session = Session(1)
    shell = make(1, ProcessGroup(1, session))
    job = ProcessGroup(2, session)
    member = make(2, job, shell)
    assert not job.orphaned
    assert shell.group.orphaned  # no parent at all
    member.parent = make(3, ProcessGroup(3, Session(3)))  # a parent in another session
    assert job.orphaned
    member.parent = make(4, job, shell)  # a parent in the same group does not count, but ...
    assert not job.orphaned  # ... that parent's own does
    shell.children.clear()


def test_usage_adds_up_and_keeps_the_greatest_peak() -> None:
    total, one = Usage(), Usage()
    one.utime_ns, one.minflt, one.maxrss_kib = 5, 2, 100
    total.maxrss_kib = 300
    total.add(one)
    total.add(one)
    assert (total.utime_ns, total.minflt, total.maxrss_kib) == (10, 4, 300)
