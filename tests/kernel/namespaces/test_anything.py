"""Processes that make, enter and leave namespaces at random: nothing is left of them."""

from __future__ import annotations

import gc
import random

import pytest

from starrylab.abi import sched
from starrylab.abi.signal import SIGCHLD, SIGKILL, SIGTERM

FLAGS = (
    sched.CLONE_NEWNS, sched.CLONE_NEWUTS, sched.CLONE_NEWIPC, sched.CLONE_NEWNET,
    sched.CLONE_NEWPID, sched.CLONE_NEWTIME, sched.CLONE_NEWUSER,
)  # fmt: skip
KINDS = (b"mnt", b"uts", b"ipc", b"net", b"pid", b"pid_for_children", b"time", b"user")
IN_CLONE = sum(FLAGS) & ~sched.CLONE_NEWTIME  # that bit is one of the signal's there
WNOHANG = 1


def some(rng: random.Random, chance: float) -> int:
    return sum(flag for flag in FLAGS if rng.random() < chance)


def actor(rng: random.Random, depth: int):
    """Return a program of a few random acts."""

    def forks(m):
        child = actor(random.Random(rng.random()), depth + 1)
        return m.clone(child, some(rng, 0.25) & IN_CLONE | SIGCHLD, 0)

    def unshares(m):
        return m.call("unshare", some(rng, 0.25))

    def opens(m):
        path = b"/proc/%s/ns/%s" % (rng.choice((b"self", b"1", b"2", b"5")), rng.choice(KINDS))
        return m.call("openat", -100, m.string(m.scratch, path), 0, 0)

    def enters(m):
        return m.call("setns", rng.randrange(8), 0)

    def kills(m):
        return m.call("kill", rng.choice((2, 3, 5, 8)), rng.choice((SIGTERM, SIGKILL)))

    def waits(m):
        return m.call("wait4", -1, 0, WNOHANG, 0)

    def yields(m):
        return m.call("sched_yield")

    acts = [unshares, opens, enters, waits, yields, kills]
    if depth < 4:
        acts += [forks, forks]

    def program(m):
        for _ in range(rng.randrange(2, 9)):
            yield rng.choice(acts)(m)
        yield m.call("exit_group", 0)

    return program


@pytest.mark.parametrize("seed", range(25))
def test_nothing_is_left(lab, seed: int) -> None:
    rng = random.Random(seed)
    kernel = lab.kernel

    def program(m):
        for _ in range(8):
            yield m.clone(
                actor(random.Random(rng.random()), 0), some(rng, 0.3) & IN_CLONE | SIGCHLD, 0
            )
        while (yield m.call("wait4", -1, 0, 0, 0)) > 0:
            pass
        assert list(kernel.processes) == [1]
        assert not kernel.numbers.living
        assert len(kernel.pids) == 1
        yield m.call("exit_group", 0)

    lab.run(program)
    gc.collect()
    assert not kernel.numbers.known
    assert sum(1 for _ in kernel.registry.living) == 7
