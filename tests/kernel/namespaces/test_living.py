"""Namespaces end with whoever is in them, and take along what only they held."""

from __future__ import annotations

import gc
import struct

import pytest

from starrylab.abi import sched
from starrylab.abi.errno import EINVAL, ENOMEM, ENOSPC, EPERM
from starrylab.kernel.mm.frames import MemoryKind
from starrylab.kernel.task.cred import Credentials

ALL = (
    sched.CLONE_NEWNS | sched.CLONE_NEWUTS | sched.CLONE_NEWIPC | sched.CLONE_NEWNET
    | sched.CLONE_NEWPID | sched.CLONE_NEWTIME | sched.CLONE_NEWUSER
)  # fmt: skip
INITIAL = {"ipc", "mnt", "net", "pid", "time", "user", "uts"}


def living(lab) -> list[str]:
    gc.collect()
    return sorted(namespace.name for namespace in lab.kernel.registry.living)


def test_they_are_gone_when_nobody_is_in_them(lab) -> None:
    seen = []

    def child(m):
        yield m.call("unshare", ALL)
        seen.extend(living(lab))
        yield m.call("exit_group", 0)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        seen.append("after")
        seen.extend(living(lab))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [*sorted([*INITIAL, *INITIAL]), "after", *sorted(INITIAL)]


def test_an_open_descriptor_keeps_one(lab) -> None:
    seen = []

    def program(m):
        path = m.string(m.scratch, b"/proc/self/ns/uts")
        yield m.call("unshare", sched.CLONE_NEWUTS)
        fd = yield m.call("openat", -100, path, 0, 0)
        yield m.call("unshare", sched.CLONE_NEWUTS)
        seen.append(living(lab).count("uts"))
        yield m.call("close", fd)
        seen.append(living(lab).count("uts"))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [3, 2]


def test_memory_of_an_ipc_namespace_is_given_back(lab) -> None:
    used = []

    def child(m):
        yield m.call("unshare", sched.CLONE_NEWIPC)
        segment = yield m.call("shmget", 77, 1 << 20, 0o1600)
        where = yield m.call("shmat", segment, 0, 0)
        for page in range(64):
            m.store(where + 4096 * page, b"x")
        yield m.call("msgget", 77, 0o1600)
        used.append(lab.kernel.frames.usage()[MemoryKind.USER])
        yield m.call("exit_group", 0)

    def program(m):
        yield m.call("getpid")
        used.append(lab.kernel.frames.usage()[MemoryKind.USER])
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        gc.collect()
        used.append(lab.kernel.frames.usage()[MemoryKind.USER])
        yield m.call("shmget", 77, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert used[0] < used[1]  # only what the child had while it was there
    assert used[2] == used[0]


def own_mounts(lab):
    return lab.kernel.executor.current.namespaces.mnt


def test_mounts_of_a_namespace_end_with_it(lab) -> None:
    tree = lab.kernel.mounts
    before = len(tree.mounts)
    held = []

    def child(m):
        yield m.call("unshare", sched.CLONE_NEWNS)
        at = m.string(m.scratch, b"/dev")
        kind = m.string(m.scratch + 64, b"tmpfs")
        yield m.call("mount", kind, at, kind, 0, 0)
        held.append(next(reversed(list(own_mounts(lab).tree))).fs)
        yield m.call("exit_group", 0)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        gc.collect()
        held.append(held[0].mounts)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert held[1] == 0
    assert len(tree.mounts) == before


def test_no_more_than_the_limit(lab) -> None:
    lab.kernel.registry.limits["uts"] = 2

    def program(m):
        fds = m.string(m.scratch, b"/proc/self/ns/uts")
        for _ in range(3):
            yield m.call("unshare", sched.CLONE_NEWUTS)
            yield m.call("openat", -100, fds, 0, 0)
        yield m.call("exit_group", 0)

    assert lab.run(program)[::2] == [0, 0, -ENOSPC.errno]


@pytest.mark.parametrize("flag", [sched.CLONE_NEWUTS, sched.CLONE_NEWNS, sched.CLONE_NEWPID])
def test_a_user_needs_a_user_namespace(lab, flag: int) -> None:
    def program(m):
        yield m.call("unshare", flag)
        yield m.call("unshare", flag | sched.CLONE_NEWUSER)
        yield m.call("exit_group", 0)

    assert lab.run(program, cred=Credentials.user(7, 7)) == [-EPERM.errno, 0]


def test_there_are_no_cgroups(lab) -> None:
    def program(m):
        yield m.call("unshare", sched.CLONE_NEWCGROUP)
        args = struct.pack("<11Q", sched.CLONE_INTO_CGROUP, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
        m.store(m.scratch, args)
        yield m.call("clone3", m.scratch, len(args))
        yield m.call("exit_group", 0)

    assert lab.run(program) == [-EINVAL.errno] * 2


def test_a_namespace_whose_init_ended_takes_nobody(lab) -> None:
    def nothing(m):
        yield m.call("exit_group", 0)

    def program(m):
        yield m.call("unshare", sched.CLONE_NEWPID)
        pid = yield m.fork(nothing)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.fork(nothing)
        yield m.call("exit_group", 0)

    assert lab.run(program)[3:] == [-ENOMEM.errno]
    assert not lab.kernel.numbers.living
