"""Policies, priorities and nice values; a higher priority really runs first (sched(7))."""

from __future__ import annotations

import struct

from starrylab.abi.errno import E2BIG, EACCES, EFAULT, EINVAL, EPERM, ESRCH
from starrylab.abi.resource import PRIO_PGRP, PRIO_PROCESS, PRIO_USER, RLIMIT_NICE, RLIMIT_RTPRIO
from starrylab.abi.sched import SCHED_BATCH, SCHED_FIFO, SCHED_IDLE, SCHED_NORMAL, SCHED_RR
from starrylab.kernel.task.cred import Credentials
from starrylab.machine.api import Interrupt

USER = Credentials.user(1000, 1000)
ROOT = Credentials()


def priority(m, value: int) -> int:
    m.store(m.scratch, struct.pack("<i", value))
    return m.scratch


def test_policies_and_their_priorities(lab) -> None:
    def program(m):
        assert (yield m.call("sched_getscheduler", 0)) == SCHED_NORMAL
        assert (yield m.call("sched_setscheduler", 0, SCHED_FIFO, priority(m, 10))) == 0
        assert (yield m.call("sched_getscheduler", 1)) == SCHED_FIFO
        yield m.call("sched_getparam", 0, m.scratch + 8)
        assert m.load(m.scratch + 8, 4) == struct.pack("<i", 10)
        assert (yield m.call("sched_setparam", 0, priority(m, 20))) == 0
        assert lab.kernel.threads[1].priority == 20
        for policy, value in ((SCHED_FIFO, 0), (SCHED_RR, 100), (SCHED_BATCH, 1), (17, 0)):
            result = yield m.call("sched_setscheduler", 0, policy, priority(m, value))
            assert result == -EINVAL.errno
        assert (yield m.call("sched_setscheduler", 99, 0, priority(m, 0))) == -ESRCH.errno
        assert (yield m.call("sched_setscheduler", 0, 0, 0)) == -EINVAL.errno
        assert (yield m.call("sched_getscheduler", -1)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_the_range_of_each_policy(lab) -> None:
    def program(m):
        for policy in (SCHED_FIFO, SCHED_RR):
            assert (yield m.call("sched_get_priority_min", policy)) == 1
            assert (yield m.call("sched_get_priority_max", policy)) == 99
        for policy in (SCHED_NORMAL, SCHED_BATCH, SCHED_IDLE):
            assert (yield m.call("sched_get_priority_min", policy)) == 0
            assert (yield m.call("sched_get_priority_max", policy)) == 0
        assert (yield m.call("sched_get_priority_max", 9)) == -EINVAL.errno
        assert (yield m.call("sched_get_priority_min", -1)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_user_needs_the_limit_for_real_time(lab) -> None:
    def program(m):
        limits = lab.kernel.processes[1].limits
        ask = ("sched_setscheduler", 0, SCHED_RR)
        assert (yield m.call(*ask, priority(m, 1))) == -EPERM.errno
        limits.set(RLIMIT_RTPRIO, 5, 5, ROOT)
        assert (yield m.call(*ask, priority(m, 6))) == -EPERM.errno
        assert (yield m.call(*ask, priority(m, 5))) == 0
        yield m.call("exit_group", 0)

    lab.run(program, cred=USER)
    assert lab.exit_status == 0


def test_attributes_are_set_and_read(lab) -> None:
    attr = struct.Struct("<IIQiIQQQ")

    def program(m):
        m.store(m.scratch, attr.pack(48, SCHED_BATCH, 0, 7, 0, 0, 0, 0))
        assert (yield m.call("sched_setattr", 0, m.scratch, 0)) == 0
        assert (yield m.call("sched_getattr", 0, m.scratch + 64, 48, 0)) == 0
        found = attr.unpack(m.load(m.scratch + 64, 48))
        assert found[:5] == (48, SCHED_BATCH, 0, 7, 0)
        assert (yield m.call("sched_getattr", 0, m.scratch, 40, 0)) == -EINVAL.errno
        assert (yield m.call("sched_setattr", 0, m.scratch, 1)) == -EINVAL.errno
        m.store(m.scratch, struct.pack("<I", 8))
        assert (yield m.call("sched_setattr", 0, m.scratch, 0)) == -E2BIG.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_slice_ends_for_rr_and_not_for_fifo(lab) -> None:
    def program(m):
        for policy, endless in ((SCHED_RR, False), (SCHED_FIFO, True)):
            yield m.call("sched_setscheduler", 0, policy, priority(m, 3))
            yield m.call("sched_rr_get_interval", 0, m.scratch)
            assert (m.load(m.scratch, 16) == bytes(16)) == endless
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_the_higher_priority_runs_first(lab) -> None:
    order = []

    def worker(name: str, level: int):
        def run(m):
            if level:
                yield m.call("sched_setscheduler", 0, SCHED_FIFO, priority(m, level))
            yield m.call("ppoll", 0, 0, m.scratch + 32, 0, 8)  # all wake at one moment
            for _ in range(2):
                order.append(name)
                yield Interrupt()
            yield m.call("exit_group", 0)

        return run

    def program(m):
        m.store(m.scratch + 32, struct.pack("<qq", 1, 0))
        for name, level in (("normal", 0), ("low", 10), ("high", 20)):
            yield m.fork(worker(name, level))
        for _ in range(3):
            yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert order.index("high") < order.index("low") < order.index("normal")
    assert order[:2] == ["high", "high"]


def test_there_is_one_cpu(lab) -> None:
    def program(m):
        assert (yield m.call("sched_getaffinity", 0, 8, m.scratch)) == 8
        assert m.load(m.scratch, 8) == (1).to_bytes(8, "little")
        assert (yield m.call("sched_getaffinity", 0, 4, m.scratch)) == -EINVAL.errno
        assert (yield m.call("sched_setaffinity", 0, 8, m.scratch)) == 0
        m.store(m.scratch, b"\2")
        assert (yield m.call("sched_setaffinity", 0, 8, m.scratch)) == -EINVAL.errno
        assert (yield m.call("sched_setaffinity", 99, 8, m.scratch)) == -ESRCH.errno
        assert (yield m.call("sched_setaffinity", -1, 8, m.scratch)) == -ESRCH.errno
        assert (yield m.call("sched_setaffinity", -1, 8, 0)) == -EFAULT.errno
        assert (yield m.call("sched_getaffinity", -1, 8, m.scratch)) == -ESRCH.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_nice_goes_up_freely_and_down_with_permission(lab) -> None:
    def program(m):
        assert (yield m.call("getpriority", PRIO_PROCESS, 0)) == 20
        assert (yield m.call("setpriority", PRIO_PROCESS, 0, 5)) == 0
        assert (yield m.call("getpriority", PRIO_PROCESS, 0)) == 15
        assert (yield m.call("setpriority", PRIO_PROCESS, 0, 4)) == -EACCES.errno
        lab.kernel.processes[1].limits.set(RLIMIT_NICE, 18, 18, ROOT)
        assert (yield m.call("setpriority", PRIO_PROCESS, 0, 1)) == -EACCES.errno
        assert (yield m.call("setpriority", PRIO_PROCESS, 0, 2)) == 0
        assert (yield m.call("setpriority", PRIO_PROCESS, 0, 99)) == 0
        assert lab.kernel.threads[1].nice == 19
        yield m.call("exit_group", 0)

    lab.run(program, cred=USER)
    assert lab.exit_status == 0


def test_a_group_and_a_user_are_changed_as_a_whole(lab) -> None:
    def child(m):
        while True:
            yield m.call("sched_yield")

    def program(m):
        pid = yield m.fork(child)
        assert (yield m.call("setpriority", PRIO_PGRP, 0, 3)) == 0
        assert [lab.kernel.threads[n].nice for n in (1, pid)] == [3, 3]
        yield m.call("setpriority", PRIO_PROCESS, pid, -5)
        assert (yield m.call("getpriority", PRIO_USER, 0)) == 25  # the most favoured one
        assert (yield m.call("getpriority", PRIO_USER, 4711)) == -ESRCH.errno
        assert (yield m.call("setpriority", PRIO_PGRP, 99, 0)) == -ESRCH.errno
        assert (yield m.call("setpriority", 7, 0, 0)) == -EINVAL.errno
        yield m.call("kill", pid, 9)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_user_leaves_others_alone(lab) -> None:
    def child(m):
        yield m.call("setuid", 1000)
        assert (yield m.call("setpriority", PRIO_PROCESS, 1, 5)) == -EPERM.errno
        result = yield m.call("sched_setscheduler", 1, SCHED_BATCH, priority(m, 0))
        assert result == -EPERM.errno
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == bytes(4)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
