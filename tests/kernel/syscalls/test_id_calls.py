"""Process numbers, groups and sessions; user and group ids; capabilities (credentials(7))."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.capability import CAP_CHOWN, CAP_KILL
from starrylab.abi.errno import EACCES, EFAULT, EINVAL, EPERM, ESRCH
from starrylab.kernel.task.cred import ALL_CAPABILITIES, Credentials

KEEP = 0xFFFF_FFFF
USER = Credentials.user(1000, 100)
VERSION_1, VERSION_3 = 0x19980330, 0x20080522


def forever(m):
    while True:
        yield m.call("sched_yield")


def end(m, *pids):
    """Kill and collect children, then exit."""
    for pid in pids:
        yield m.call("kill", pid, 9)
        yield m.call("wait4", pid, 0, 0, 0)
    yield m.call("exit_group", 0)


def uids(lab) -> tuple[int, int, int, int]:
    cred = lab.kernel.threads[1].cred
    return cred.uid, cred.euid, cred.suid, cred.fsuid


def gids(lab) -> tuple[int, int, int, int]:
    cred = lab.kernel.threads[1].cred
    return cred.gid, cred.egid, cred.sgid, cred.fsgid


# -- processes, groups, sessions -------------------------------------------------------------


def test_a_child_knows_its_numbers(lab) -> None:
    def child(m):
        pid = yield m.call("getpid")
        assert (yield m.call("gettid")) == pid
        assert (yield m.call("getppid")) == 1
        assert (yield m.call("getpgid", 0)) == (yield m.call("getsid", 0)) == 1
        yield m.call("exit_group", 0)

    def program(m):
        assert (yield m.call("getppid")) == 0
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        assert (yield m.call("getpgid", 99)) == -ESRCH.errno
        assert (yield m.call("getsid", 99)) == -ESRCH.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_parent_moves_its_children(lab) -> None:
    def program(m):
        a = yield m.fork(forever)
        b = yield m.fork(forever)
        assert (yield m.call("setpgid", a, 0)) == 0
        assert (yield m.call("getpgid", a)) == a
        assert (yield m.call("setpgid", b, a)) == 0
        assert [p.pid for p in lab.kernel.groups[a].processes()] == [a, b]
        assert (yield m.call("setpgid", b, 77)) == -EPERM.errno  # no such group
        assert (yield m.call("setpgid", b, -1)) == -EINVAL.errno
        assert (yield m.call("setpgid", 99, 0)) == -ESRCH.errno
        assert (yield m.call("setpgid", 0, 0)) == -EPERM.errno  # leads its session
        lab.kernel.processes[b].execed = True
        assert (yield m.call("setpgid", b, 0)) == -EACCES.errno
        yield from end(m, a, b)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_new_session(lab) -> None:
    def child(m):
        assert (yield m.call("setsid")) == (yield m.call("getpid"))
        assert (yield m.call("setsid")) == -EPERM.errno  # leads a group now
        yield from forever(m)

    def program(m):
        pid = yield m.fork(child)
        while (yield m.call("getsid", pid)) != pid:
            yield m.call("sched_yield")
        assert (yield m.call("getpgid", pid)) == pid
        assert (yield m.call("setpgid", pid, 1)) == -EPERM.errno  # in another session
        yield from end(m, pid)

    lab.run(program)
    assert lab.exit_status == 0


# -- user and group ids ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["uid", "gid"])
def test_root_sets_all_ids_for_good(lab, kind: str) -> None:
    seen = []

    def program(m):
        yield m.call(f"set{kind}", 7)
        seen.append(uids(lab) if kind == "uid" else gids(lab))
        if kind == "uid":
            assert (yield m.call("setuid", 0)) == -EPERM.errno
        assert (yield m.call(f"set{kind}", KEEP)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [(7, 7, 7, 7)]


@pytest.mark.parametrize("kind", ["uid", "gid"])
def test_a_user_moves_among_its_own_ids(lab, kind: str) -> None:
    own = 1000 if kind == "uid" else 100

    def program(m):
        get = (lambda: uids(lab)) if kind == "uid" else (lambda: gids(lab))
        assert (yield m.call(f"set{kind}", own)) == 0
        assert (yield m.call(f"set{kind}", 5)) == -EPERM.errno
        assert (yield m.call(f"setre{kind}", 5, KEEP)) == -EPERM.errno
        assert (yield m.call(f"setre{kind}", KEEP, 5)) == -EPERM.errno
        assert (yield m.call(f"setres{kind}", KEEP, KEEP, 5)) == -EPERM.errno
        assert (yield m.call(f"setres{kind}", own, KEEP, own)) == 0
        assert get() == (own,) * 4
        assert (yield m.call(f"setfs{kind}", 5)) == own  # refused, and tells the old one
        assert get()[3] == own
        yield m.call("exit_group", 0)

    lab.run(program, cred=USER)
    assert lab.exit_status == 0


def test_swapping_real_and_effective(lab) -> None:
    def program(m):
        assert (yield m.call("setresuid", 1000, 2000, 3000)) == 0
        assert uids(lab) == (1000, 2000, 3000, 2000)
        assert (yield m.call("setreuid", 2000, 1000)) == 0
        assert uids(lab) == (2000, 1000, 1000, 1000)  # saved follows effective
        assert (yield m.call("setresuid", KEEP, 2000, KEEP)) == 0
        assert uids(lab) == (2000, 2000, 1000, 2000)
        yield m.call("getresuid", m.scratch, m.scratch + 4, m.scratch + 8)
        assert struct.unpack("<3I", m.load(m.scratch, 12)) == (2000, 2000, 1000)
        assert (yield m.call("getresuid", m.scratch, 0, 0)) == -EFAULT.errno
        assert (yield m.call("getuid")) == (yield m.call("geteuid")) == 2000
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_change_of_user_makes_a_process_undumpable(lab) -> None:
    def program(m):
        assert lab.kernel.processes[1].dumpable == 1
        yield m.call("setuid", 0)
        assert lab.kernel.processes[1].dumpable == 1
        yield m.call("setfsuid", 9)
        assert lab.kernel.processes[1].dumpable == 0
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_supplementary_groups(lab) -> None:
    def program(m):
        m.store(m.scratch, struct.pack("<3I", 9, 4, 6))
        assert (yield m.call("setgroups", 3, m.scratch)) == 0
        assert (yield m.call("getgroups", 0, 0)) == 3
        assert (yield m.call("getgroups", 2, m.scratch)) == -EINVAL.errno
        assert (yield m.call("getgroups", -1, m.scratch)) == -EINVAL.errno
        assert (yield m.call("getgroups", 8, m.scratch + 64)) == 3
        assert struct.unpack("<3I", m.load(m.scratch + 64, 12)) == (4, 6, 9)
        assert (yield m.call("setgroups", 65537, m.scratch)) == -EINVAL.errno
        yield m.call("setuid", 5)
        assert (yield m.call("setgroups", 0, 0)) == -EPERM.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


# -- capabilities ------------------------------------------------------------------------------


def header(m, version: int, pid: int = 0) -> int:
    m.store(m.scratch, struct.pack("<Ii", version, pid))
    return m.scratch


def test_capget_tells_the_version_and_both_words(lab) -> None:
    def program(m):
        data = m.scratch + 64
        assert (yield m.call("capget", header(m, 0), 0)) == 0
        assert struct.unpack("<I", m.load(m.scratch, 4))[0] == VERSION_3
        assert (yield m.call("capget", header(m, 0), data)) == -EINVAL.errno
        assert (yield m.call("capget", header(m, VERSION_3), data)) == 0
        low, _permitted, inheritable, high = struct.unpack("<4I", m.load(data, 16))
        assert (high << 32 | low, inheritable) == (ALL_CAPABILITIES, 0)
        assert (yield m.call("capget", header(m, VERSION_3, 99), data)) == -ESRCH.errno
        assert (yield m.call("capget", header(m, VERSION_3, -1), data)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_capset_gives_up_and_does_not_get_back(lab) -> None:
    def program(m):
        data = m.scratch + 64
        m.store(data, struct.pack("<6I", 1 << CAP_CHOWN, 1 << CAP_CHOWN, 0, 0, 0, 0))
        assert (yield m.call("capset", header(m, VERSION_3), data)) == 0
        cred = lab.kernel.threads[1].cred
        assert cred.capable(CAP_CHOWN)
        assert not cred.capable(CAP_KILL)
        m.store(data, struct.pack("<6I", 1 << CAP_KILL, 1 << CAP_KILL, 0, 0, 0, 0))
        assert (yield m.call("capset", header(m, VERSION_3), data)) == -EPERM.errno
        m.store(data, struct.pack("<3I", 1 << CAP_CHOWN, 0, 0))  # effective, not permitted
        assert (yield m.call("capset", header(m, VERSION_1), data)) == -EPERM.errno
        assert (yield m.call("capset", header(m, VERSION_3, 99), data)) == -EPERM.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
