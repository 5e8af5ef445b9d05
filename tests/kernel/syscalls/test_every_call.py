"""What must hold for every declared call: numbers, manual pages, and garbage as arguments."""

from __future__ import annotations

import random

import pytest

from starrylab.abi import numbers
from starrylab.abi.errno import BY_NUMBER, EBADF, EFAULT
from starrylab.kernel.syscalls import declared
from starrylab.kernel.task.cred import Credentials

CALLS = declared()
NEVER = {"exit", "exit_group", "rt_sigreturn", "reboot"}  #: have no result to look at
#: These wait for ever when their arguments happen to be good.
SLEEPERS = {
    "rt_sigsuspend", "pause", "futex_waitv", "ppoll", "pselect6", "nanosleep", "clock_nanosleep",
    "epoll_pwait", "epoll_pwait2", "rt_sigtimedwait", "futex",
}  # fmt: skip
#: The scripted machine speaks riscv64's numbers.
HERE = sorted(set(CALLS) & set(numbers.names("riscv64").values()))
BAD = 0x3F_DEAD_0000  #: a user address where nothing is


def test_every_declared_call_has_a_number() -> None:
    known = {name for arch in numbers.ARCHES for name in numbers.names(arch).values()}
    assert set(CALLS) <= known


@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_call_names_its_manual_page(name: str) -> None:
    text = CALLS[name].function.__doc__ or ""
    assert f"{name}(2)" in text or "(2)" in text, text


def test_partial_calls_say_what_is_missing() -> None:
    for entry in CALLS.values():
        assert entry.partial is None or len(entry.partial) > 8, entry.name


def _kinds(name: str) -> list[str]:
    return [ctype.show for _, ctype in CALLS[name].args]


@pytest.mark.parametrize("name", [n for n in HERE if "fd" in _kinds(n) and n not in NEVER])
def test_a_bad_descriptor_is_refused(lab, name: str) -> None:
    """A bad descriptor and good pointers: EBADF, unless Linux looks elsewhere first."""
    args = [999 if kind == "fd" else 0 for kind in _kinds(name)]

    def program(m):
        given = [m.string(m.scratch, b"x") if k == "path" else v
                 for k, v in zip(_kinds(name), args, strict=True)]  # fmt: skip
        yield m.call(name, *given)
        yield m.call("exit_group", 0)

    result = lab.run(program)[0]
    if result != -EBADF.errno:
        assert result < 0, f"{name} accepted descriptor 999: {result}"


#: Looks at its descriptor, its flags, or the size of its attributes before the path.
FD_FIRST = {"inotify_add_watch", "fanotify_mark", "mount_setattr"}


@pytest.mark.parametrize("name", [n for n in HERE if "path" in _kinds(n) and n not in FD_FIRST])
def test_a_bad_path_pointer_is_efault(lab, name: str) -> None:
    def program(m):
        given = [BAD if kind == "path" else 0 for kind in _kinds(name)]
        yield m.call(name, *given)
        yield m.call("exit_group", 0)

    assert lab.run(program)[0] == -EFAULT.errno


VALUES = (0, 1, 2, 3, 5, 8, 16, 64, 100, 4095, 4096, 4097, 65536, 1 << 20, 0x7FFFFFFF,
          0x80000000, 0xFFFFFFFF, 1 << 32, 1 << 38, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
          (1 << 64) - 100, BAD, 0x10_0000, 0x10_0008, 0x10_0FF8, 0x10_1000)  # fmt: skip


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("seed", range(8))
def test_garbage_never_harms_the_kernel(make_lab, seed: int, uid: int) -> None:
    """Random calls with random arguments give an error or a result, and never a panic."""
    lab = make_lab()
    rng = random.Random(seed * 2 + bool(uid))
    names = sorted(set(HERE) - NEVER - SLEEPERS - {"clone", "clone3", "execve", "execveat"})
    problems: list[str] = []

    def child(m):
        for _ in range(400):
            m_scratch = rng.randbytes(64)
            try:
                m.store(m.scratch, m_scratch)
            except BaseException:  # the child unmapped its own scratch
                m.scratch = 0
            name = rng.choice(names)
            args = [rng.choice(VALUES) for _ in range(6)]
            if name in ("kill", "tkill", "tgkill"):
                args[0] = 77777
            if name in ("read", "readv", "flock", "fcntl", "wait4", "waitid", "msgrcv"):
                continue
            result = yield m.call(name, *args)
            if -4096 < result < 0 and -result not in BY_NUMBER:
                problems.append(f"{name}{args} = {result}")
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.kernel.executor.call_at(lab.kernel.executor.now + 10**15, lab.kernel.executor.stop)
    lab.run(program, cred=Credentials.user(uid, uid))
    assert problems == []
