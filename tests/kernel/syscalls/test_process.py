"""clone, fork, vfork, exit, wait on the scripted machine."""

from __future__ import annotations

import struct

from starrylab.abi.errno import EAGAIN, ECHILD, EINVAL, EPERM
from starrylab.abi.resource import RLIMIT_NPROC
from starrylab.abi.sched import (
    CLONE_CHILD_CLEARTID,
    CLONE_CHILD_SETTID,
    CLONE_FILES,
    CLONE_FS,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    CLONE_PARENT_SETTID,
    CLONE_SETTLS,
    CLONE_SIGHAND,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_VFORK,
    CLONE_VM,
)
from starrylab.abi.signal import SIGCHLD, SIGKILL, SIGSTOP
from starrylab.abi.wait import P_PID, WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WUNTRACED
from starrylab.kernel.task.cred import Credentials

THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM


def test_a_child_exits_and_is_waited_for(lab) -> None:
    def child(m):
        yield m.call("exit_group", 7)

    def program(m):
        pid = yield m.fork(child)
        found = yield m.call("wait4", -1, m.scratch, 0, 0)
        status = struct.unpack("<i", m.load(m.scratch, 4))[0]
        assert (found, status) == (pid, 7 << 8)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 3)

    assert lab.run(program)[-1] == -ECHILD.errno
    assert lab.exit_status == 3 << 8
    assert set(lab.kernel.processes) <= {1}


def test_memory_is_copied_on_write(lab) -> None:
    seen = []

    def child(m):
        seen.append(m.load(m.scratch, 6))
        m.store(m.scratch, b"child!")
        yield m.call("exit_group", 0)

    def program(m):
        m.store(m.scratch, b"parent")
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        seen.append(m.load(m.scratch, 6))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [b"parent", b"parent"]


def test_a_thread_shares_memory_and_its_end_wakes_the_joiner(lab) -> None:
    order = []

    def worker(m):
        m.store(m.scratch + 64, b"shared")
        order.append("worker")
        yield m.call("exit", 0)

    def program(m):
        tid_word = m.scratch
        flags = THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID
        tid = yield m.clone(worker, flags, m.scratch + 8192, tid_word, 0x1234, tid_word)
        assert struct.unpack("<I", m.load(tid_word, 4))[0] == tid
        yield m.call("futex", tid_word, 0, tid, 0, 0, 0)
        assert m.load(tid_word, 4) == bytes(4)
        order.append(m.load(m.scratch + 64, 6))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert order == ["worker", b"shared"]


def test_vfork_waits_until_the_child_is_gone(lab) -> None:
    order = []

    def child(m):
        yield m.call("sched_yield")
        order.append("child")
        yield m.call("exit_group", 0)

    def program(m):
        yield m.clone(child, CLONE_VM | CLONE_VFORK | SIGCHLD)
        order.append("parent")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert order == ["child", "parent"]


def test_exit_group_ends_sleeping_threads(lab) -> None:
    def sleeper(m):
        yield m.call("futex", m.scratch, 0, 0, 0, 0, 0)
        raise AssertionError("never woken")

    def program(m):
        yield m.clone(sleeper, THREAD, m.scratch + 8192)
        yield m.call("sched_yield")
        yield m.call("exit_group", 5)

    lab.run(program)
    assert lab.exit_status == 5 << 8
    assert lab.kernel.threads == {}


def test_orphans_go_to_init(lab) -> None:
    def grandchild(m):
        yield m.call("sched_yield")
        parent = yield m.call("getppid")
        assert parent == 1
        yield m.call("exit_group", 9)

    def child(m):
        yield m.fork(grandchild)
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == struct.pack("<i", 9 << 8)
        yield m.call("exit_group", 0)

    lab.run(program)


def test_stop_and_continue_are_reported(lab) -> None:
    def child(m):
        while True:
            yield m.call("sched_yield")

    def program(m):
        pid = yield m.fork(child)
        nothing = yield m.call("wait4", pid, 0, WNOHANG, 0)
        assert nothing == 0
        yield m.call("kill", pid, SIGSTOP)
        yield m.call("wait4", pid, m.scratch, WUNTRACED, 0)
        assert m.load(m.scratch, 4) == struct.pack("<i", SIGSTOP << 8 | 0x7F)
        yield m.call("kill", pid, 18)
        yield m.call("wait4", pid, m.scratch, WCONTINUED, 0)
        assert m.load(m.scratch, 4) == struct.pack("<i", 0xFFFF)
        yield m.call("kill", pid, SIGKILL)
        yield m.call("wait4", pid, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == struct.pack("<i", SIGKILL)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_waitid_can_leave_the_child_waitable(lab) -> None:
    def child(m):
        yield m.call("exit_group", 4)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("waitid", P_PID, pid, m.scratch, WEXITED | WNOWAIT, 0)
        signo, _errno, code, _pad, child_pid, _uid, status = struct.unpack(
            "<iiiiiIi", m.load(m.scratch, 28)
        )
        assert (signo, code, child_pid, status) == (SIGCHLD, 1, pid, 4)
        again = yield m.call("wait4", pid, 0, 0, 0)
        assert again == pid
        yield m.call("exit_group", 0)

    lab.run(program)


def test_contradicting_flags(lab) -> None:
    def program(m):
        yield m.call("clone", CLONE_THREAD)
        yield m.call("clone", CLONE_SIGHAND)
        yield m.call("clone", CLONE_NEWNS | CLONE_FS)
        yield m.call("clone", CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)
        yield m.call("exit_group", 0)

    assert lab.run(program) == [-EINVAL.errno] * 4


def test_namespaces_need_privilege_first(lab) -> None:
    def program(m):
        yield m.call("clone", CLONE_NEWNS)
        yield m.call("exit_group", 0)

    assert lab.run(program, cred=Credentials.user(1000, 1000)) == [-EPERM.errno]


def test_rlimit_nproc_stops_a_user_but_not_root(lab) -> None:
    def child(m):
        yield m.call("sched_yield")
        yield m.call("exit_group", 0)

    def program(m):
        m.store(m.scratch, struct.pack("<QQ", 3, 3))
        yield m.call("setrlimit", RLIMIT_NPROC, m.scratch)
        for _ in range(3):
            yield m.fork(child)
        yield m.call("exit_group", 0)

    results = lab.run(program, cred=Credentials.user(1000, 1000))
    assert results[0] == 0
    assert results[1:] == [results[1], results[1] + 1, -EAGAIN.errno]


def test_child_settid_writes_into_the_child_only(lab) -> None:
    seen = []

    def child(m):
        seen.append(struct.unpack("<I", m.load(m.scratch, 4))[0])
        yield m.call("exit_group", 0)

    def program(m):
        pid = yield m.clone(child, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, 0, m.scratch)
        yield m.call("wait4", -1, 0, 0, 0)
        seen.append(pid)
        assert m.load(m.scratch, 4) == bytes(4)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen[0] == seen[1]


def test_a_fork_bomb_meets_the_limit_and_the_kernel_lives(lab) -> None:
    lab.kernel.threads_max = 40
    refused = []

    def bomb(m):
        while True:
            pid = yield m.fork(bomb)
            if pid < 0:
                refused.append(pid)
                yield m.call("sched_yield")

    def program(m):
        yield m.fork(bomb)
        while len(refused) < 100:
            yield m.call("sched_yield")
        yield m.call("kill", -1, SIGKILL)
        while True:
            pid = yield m.call("wait4", -1, 0, 0, 0)
            if pid == -ECHILD.errno:
                yield m.call("exit_group", 0)

    lab.run(program)
    assert set(refused) == {-EAGAIN.errno}
    assert lab.kernel.threads == {}
