"""Two processes with real descriptors and addresses make random calls; a third ends them."""

from __future__ import annotations

import random
import struct

import pytest

from starrylab.abi import numbers
from starrylab.abi.errno import BY_NUMBER
from starrylab.kernel.syscalls import declared
from starrylab.kernel.task.cred import Credentials

CALLS = declared()
NEVER = {"exit", "exit_group", "rt_sigreturn", "reboot", "execve", "execveat", "clone", "clone3"}
NAMES = sorted(set(CALLS) & set(numbers.names("riscv64").values()) - NEVER)
SMALL = (0, 1, 2, 3, 4, 7, 8, 64, 512, 4096, 65536, 1 << 20, (1 << 64) - 1, (1 << 64) - 100)
SECOND = 10**9


def open_files(m):
    """Open one of each kind; the results are descriptors 0 and up."""
    at = m.scratch
    yield m.call("pipe2", at, 0)
    yield m.call("pipe2", at, 0o4000)
    yield m.call("socketpair", 1, 1, 0, at)
    yield m.call("socketpair", 1, 2, 0, at)
    yield m.call("eventfd2", 3, 0)
    yield m.call("timerfd_create", 1, 0)
    yield m.call("epoll_create1", 0)
    yield m.call("memfd_create", m.string(at, b"m"), 0)
    for path in (b"/file", b"/", b"/dev/ptmx", b"/dev/zero", b"/dev/null", b"/proc/self/maps"):
        yield m.call("openat", -100, m.string(at, path), 0o102, 0o600)
    yield m.call("openat", -100, m.string(at, b"/proc"), 0, 0)
    yield m.call("openat", -100, m.string(at, b"/"), 0, 0)
    m.store(at, struct.pack("<Q", 1 << 40))
    yield m.call("signalfd4", -1, at, 8, 0)


def argument(rng: random.Random, kind: str, base: int) -> int:
    if kind == "fd":
        return rng.randrange(24)
    if rng.random() < 0.4:
        return base + rng.randrange(64) * 8  # something good to point at
    return rng.choice(SMALL)


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("seed", range(10))
def test_two_processes_at_random(make_lab, seed: int, uid: int) -> None:
    lab = make_lab()
    problems: list[str] = []

    def worker(which: int):
        def run(m):
            rng = random.Random(f"{seed} {uid} {which}")
            base = m.scratch + which * 65536
            paths = [b"/file", b"/new", b"/proc/self/fd/3", b"/dev/tty", b"..", b"/proc/1/stat"]
            for _ in range(300):
                try:
                    m.store(
                        base, rng.randbytes(16) + struct.pack("<14Q", *rng.choices(SMALL, k=14))
                    )
                    m.store(base + 256, rng.choice(paths) + b"\0")
                except BaseException:  # it unmapped its own memory
                    base = 0
                name = rng.choice(NAMES)
                kinds = [ctype.show for _, ctype in CALLS[name].args]
                args = [base + 256 if k == "path" else argument(rng, k, base) for k in kinds]
                if name in ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
                    args[0] = 77777
                result = yield m.call(name, *args)
                if -4096 < result < 0 and -result not in BY_NUMBER:
                    problems.append(f"{name}{args} = {result}")
            yield m.call("exit_group", 0)

        return run

    def program(m):
        yield from open_files(m)
        children = [(yield m.fork(worker(0))), (yield m.fork(worker(1)))]
        for _ in range(3):  # each passes when everybody waits, and some timeouts with it
            m.store(m.scratch, struct.pack("<QQ", 50, 0))
            yield m.call("nanosleep", m.scratch, 0)
        for pid in children:
            yield m.call("kill", pid, 9)
            yield m.call("kill", pid, 18)
        for pid in children:
            yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 42)

    lab.run(program, cred=Credentials.user(uid, uid))
    assert problems == []
    assert lab.exit_status in (42 << 8, 9)  # 9: both ate all memory, and the first one asked
