"""prctl, personality, resource limits and usage on the scripted machine."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import prctl as pr
from starrylab.abi.capability import CAP_KILL, CAP_LAST_CAP
from starrylab.abi.errno import EFAULT, EINVAL, EPERM, ESRCH
from starrylab.abi.resource import (
    RLIM_NLIMITS,
    RLIMIT_NOFILE,
    RUSAGE_CHILDREN,
    RUSAGE_SELF,
    RUSAGE_THREAD,
)
from starrylab.kernel.task.cred import Credentials

USER = Credentials.user(1000, 1000)


def test_the_name_of_a_thread(lab) -> None:
    def program(m):
        m.string(m.scratch, b"a name that is too long")
        assert (yield m.call("prctl", pr.PR_SET_NAME, m.scratch)) == 0
        assert (yield m.call("prctl", pr.PR_GET_NAME, m.scratch + 64)) == 0
        assert m.load(m.scratch + 64, 16) == b"a name that is \0"
        assert (yield m.call("prctl", pr.PR_GET_NAME, 8)) == -EFAULT.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.kernel.init.comm == b"a name that is "


@pytest.mark.parametrize(
    ("setter", "getter", "good", "bad"),
    [
        (pr.PR_SET_DUMPABLE, pr.PR_GET_DUMPABLE, 0, 2),
        (pr.PR_SET_KEEPCAPS, pr.PR_GET_KEEPCAPS, 1, 2),
        (pr.PR_SET_NO_NEW_PRIVS, pr.PR_GET_NO_NEW_PRIVS, 1, 0),
        (pr.PR_SET_SECUREBITS, pr.PR_GET_SECUREBITS, 4, 0x100),
        (pr.PR_SET_TIMERSLACK, pr.PR_GET_TIMERSLACK, 1234, None),
    ],
)
def test_what_is_set_is_read_back(lab, setter, getter, good, bad) -> None:
    def program(m):
        assert (yield m.call("prctl", setter, good)) == 0
        assert (yield m.call("prctl", getter)) == good
        if bad is not None:
            assert (yield m.call("prctl", setter, bad)) == -EINVAL.errno
            assert (yield m.call("prctl", getter)) == good
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_what_is_read_through_a_pointer(lab) -> None:
    def program(m):
        yield m.call("prctl", pr.PR_SET_PDEATHSIG, 10)
        yield m.call("prctl", pr.PR_GET_PDEATHSIG, m.scratch)
        assert m.load(m.scratch, 4) == struct.pack("<i", 10)
        assert (yield m.call("prctl", pr.PR_SET_PDEATHSIG, 65)) == -EINVAL.errno
        yield m.call("prctl", pr.PR_SET_CHILD_SUBREAPER, 1)
        yield m.call("prctl", pr.PR_GET_CHILD_SUBREAPER, m.scratch)
        assert m.load(m.scratch, 4) == struct.pack("<i", 1)
        yield m.call("set_tid_address", 0x1234)
        yield m.call("prctl", pr.PR_GET_TID_ADDRESS, m.scratch)
        assert m.load(m.scratch, 8) == struct.pack("<Q", 0x1234)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_the_death_of_a_parent_sends_the_signal(lab) -> None:
    def grandchild(m):
        yield m.call("prctl", pr.PR_SET_PDEATHSIG, 9)
        while True:
            yield m.call("sched_yield")

    def child(m):
        yield m.fork(grandchild)
        for _ in range(3):
            yield m.call("sched_yield")
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == struct.pack("<i", 9)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_orphans_go_to_the_subreaper(lab) -> None:
    def grandchild(m):
        for _ in range(4):
            yield m.call("sched_yield")
        reaper = yield m.call("getppid")
        yield m.call("exit_group", reaper)

    def child(m):
        yield m.fork(grandchild)
        yield m.call("exit_group", 0)

    def reaper(m):
        yield m.call("prctl", pr.PR_SET_CHILD_SUBREAPER, 1)
        me = yield m.call("getpid")
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == struct.pack("<i", me << 8)
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(reaper)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == bytes(4)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_the_bounding_set_only_shrinks(lab) -> None:
    def program(m):
        assert (yield m.call("prctl", pr.PR_CAPBSET_READ, CAP_KILL)) == 1
        assert (yield m.call("prctl", pr.PR_CAPBSET_DROP, CAP_KILL)) == 0
        assert (yield m.call("prctl", pr.PR_CAPBSET_READ, CAP_KILL)) == 0
        for option in (pr.PR_CAPBSET_READ, pr.PR_CAPBSET_DROP):
            assert (yield m.call("prctl", option, CAP_LAST_CAP + 1)) == -EINVAL.errno
        yield m.call("setuid", 5)
        assert (yield m.call("prctl", pr.PR_CAPBSET_DROP, 1)) == -EPERM.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_ambient_needs_permitted_and_inheritable(lab) -> None:
    def program(m):
        ambient = pr.PR_CAP_AMBIENT
        ask = (ambient, pr.PR_CAP_AMBIENT_RAISE, CAP_KILL)
        assert (yield m.call("prctl", *ask)) == -EPERM.errno  # not inheritable
        m.store(m.scratch, struct.pack("<Ii", 0x20080522, 0))
        bit = 1 << CAP_KILL
        m.store(m.scratch + 8, struct.pack("<6I", bit, bit, bit, 0, 0, 0))
        yield m.call("capset", m.scratch, m.scratch + 8)
        assert (yield m.call("prctl", *ask)) == 0
        assert (yield m.call("prctl", ambient, pr.PR_CAP_AMBIENT_IS_SET, CAP_KILL)) == 1
        assert (yield m.call("prctl", ambient, pr.PR_CAP_AMBIENT_CLEAR_ALL)) == 0
        assert (yield m.call("prctl", ambient, pr.PR_CAP_AMBIENT_IS_SET, CAP_KILL)) == 0
        assert (yield m.call("prctl", ambient, 99, CAP_KILL)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_unknown_options_and_personalities_are_refused(lab) -> None:
    def program(m):
        assert (yield m.call("prctl", 0xDEAD)) == -EINVAL.errno
        assert (yield m.call("personality", 0xFFFF_FFFF)) == 0
        assert (yield m.call("personality", 8)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_limits_are_set_and_read(lab) -> None:
    def program(m):
        m.store(m.scratch, struct.pack("<QQ", 10, 20))
        assert (yield m.call("prlimit64", 0, RLIMIT_NOFILE, m.scratch, m.scratch + 16)) == 0
        assert struct.unpack("<Q", m.load(m.scratch + 16, 8))[0] == 1024  # what was before
        assert (yield m.call("getrlimit", RLIMIT_NOFILE, m.scratch + 32)) == 0
        assert m.load(m.scratch + 32, 16) == struct.pack("<QQ", 10, 20)
        assert (yield m.call("getrlimit", RLIM_NLIMITS, m.scratch)) == -EINVAL.errno
        assert (yield m.call("setrlimit", RLIM_NLIMITS, m.scratch)) == -EINVAL.errno
        assert (yield m.call("setrlimit", RLIMIT_NOFILE, 8)) == -EFAULT.errno
        assert (yield m.call("prlimit64", 99, RLIMIT_NOFILE, 0, 0)) == -ESRCH.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_limits_of_others_are_theirs(lab) -> None:
    def child(m):
        yield m.call("setuid", 1000)
        result = yield m.call("prlimit64", 1, RLIMIT_NOFILE, 0, m.scratch)
        assert result == -EPERM.errno
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == bytes(4)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_usage_of_self_thread_and_children(lab) -> None:
    def usage(m) -> tuple[int, ...]:
        return struct.unpack("<18q", m.load(m.scratch, 144))

    def child(m):
        m.store(m.scratch + 8192, bytes(3 * 4096))  # faults of its own
        yield m.call("exit_group", 0)

    def program(m):
        yield m.call("getrusage", RUSAGE_CHILDREN, m.scratch)
        assert usage(m) == (0,) * 18
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("getrusage", RUSAGE_CHILDREN, m.scratch)
        assert usage(m)[8] >= 3  # minflt
        yield m.call("getrusage", RUSAGE_SELF, m.scratch)
        assert usage(m)[4] > 0  # maxrss
        assert usage(m)[16] >= 1  # voluntary switches: it waited
        assert (yield m.call("getrusage", RUSAGE_THREAD, m.scratch)) == 0
        assert (yield m.call("getrusage", 7, m.scratch)) == -EINVAL.errno
        assert (yield m.call("getrusage", RUSAGE_SELF, 8)) == -EFAULT.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
