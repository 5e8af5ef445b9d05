"""Traces of system calls: what is chosen, how it looks, and that each call is printed once."""

from __future__ import annotations

import pytest

from starrylab.abi.sched import CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM
from starrylab.debug.strace import Filter, FilterError, Strace
from starrylab.kernel.syscalls import declared

THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD


def chosen(text: str) -> set[str]:
    wanted = Filter(text)
    return {name for name in declared() if name in wanted}


def trace(lab, program, text: str = "all") -> list[str]:
    lines: list[str] = []
    Strace(lab.kernel, text, lines.append)
    lab.run(program)
    assert all(line.endswith("\r\n") for line in lines)
    return [line.rstrip() for line in lines]


# -- filters ---------------------------------------------------------------------------------


def test_names_and_their_negation() -> None:
    assert chosen("read,write") == {"read", "write"}
    assert chosen("!futex") == set(declared()) - {"futex"}
    assert chosen("all") == set(declared())
    assert chosen("all,!read") == set(declared()) - {"read"}
    assert chosen("!all") == set()
    assert chosen("read,!read") == set()


@pytest.mark.parametrize(
    ("word", "some", "others"),
    [
        ("file", {"openat", "execve", "mount", "unlinkat"}, {"read", "futex", "getpid"}),
        ("desc", {"read", "openat", "fstat", "epoll_ctl"}, {"getpid", "kill"}),
        ("process", {"clone", "execve", "wait4", "exit_group"}, {"read", "mmap"}),
        ("memory", {"mmap", "brk", "shmat"}, {"read", "clone"}),
        ("signal", {"kill", "rt_sigaction"}, {"read", "clone"}),
        ("network", {"socketpair", "sendmsg"}, {"read", "clone"}),
        ("creds", {"setuid", "prctl"}, {"read", "clone"}),
        ("ipc", {"futex", "shmget"}, {"read", "clone"}),
        ("time", {"clock_gettime", "timer_create"}, {"read", "clone"}),
    ],
)
def test_classes(word: str, some: set[str], others: set[str]) -> None:
    found = chosen(word)
    assert some & set(declared()) <= found
    assert not others & found
    assert not chosen(f"!{word}") & found


@pytest.mark.parametrize("text", ["nosuch", "read,nosuch", "", "read,", "!nosuch"])
def test_an_unknown_word_is_named(text: str) -> None:
    with pytest.raises(FilterError, match="is no system call; give names, or creds, desc, file"):
        Filter(text)


# -- lines -----------------------------------------------------------------------------------


def test_arguments_results_and_errors(lab) -> None:
    def program(m):
        m.string(m.scratch, b'a "name"\n')
        yield m.call("openat", -100, m.scratch, 0x41, 0o644)
        yield m.call("write", 0, m.scratch, 8)
        yield m.call("write", 77, m.scratch, 400)
        yield m.call("lseek", 0, -1, 0)
        yield m.call("mkdirat", -100, 0, 0o700)
        yield m.call("exit_group", 3)

    zeros = "\\x00" * 23
    assert trace(lab, program) == [
        '[1] openat(AT_FDCWD, "a \\"name\\"\\n", 65, 0644) = 0',
        '[1] write(0, "a \\"name\\"", 8) = 8',
        f'[1] write(77, "a \\"name\\"\\n{zeros}"..., 400) = -1 EBADF: Bad file descriptor',
        "[1] lseek(0, -1, 0) = -1 EINVAL: Invalid argument",
        "[1] mkdirat(AT_FDCWD, NULL, 0700) = -1 EFAULT: Bad address",
        "[1] exit_group(3) = ?",
        "[1] +++ exited with 3 +++",
    ]  # fmt: skip


def test_addresses_are_hexadecimal(lab) -> None:
    def program(m):
        yield m.call("mmap", 0, 4096, 3, 0x22, -1, 0)
        yield m.call("exit_group", 0)

    line = trace(lab, program, "memory")[0]
    assert line.startswith("[1] mmap(NULL, 4096, 0x3, 0x22, -1, 0) = 0x")


@pytest.mark.parametrize("name", ["exit", "exit_group"])
def test_the_end_is_printed_once(lab, name: str) -> None:
    def program(m):
        yield m.call(name, 7)

    lines = trace(lab, program)
    assert lines == [f"[1] {name}(7) = ?", "[1] +++ exited with 7 +++"]


def test_a_call_that_waits_is_printed_when_it_ends(lab) -> None:
    def child(m):
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lines = trace(lab, program, "wait4")
    assert [line for line in lines if "wait4" in line] == ["[1] wait4(-1, NULL, 0, NULL) = 2"]


def test_a_call_that_never_ends_is_printed_with_its_thread(lab) -> None:
    def child(m):
        yield m.call("ppoll", 0, 0, 0, 0, 8)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("sched_yield")
        yield m.call("kill", pid, 9)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    lines = trace(lab, program, "ppoll")
    assert lines[0] == "[2] ppoll(NULL, 0, NULL, NULL, 8) = ? (unfinished)"
    assert lines[1] == "[2] +++ killed by SIGKILL +++"


def test_signals_are_named(lab) -> None:
    def child(m):
        yield m.call("kill", 2, 10)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lines = trace(lab, program, "kill")
    assert "[2] --- SIGUSR1 ---" in lines
    assert "[2] +++ killed by SIGUSR1 +++" in lines


def test_a_call_that_does_not_exist(lab) -> None:
    lines: list[str] = []
    Strace(lab.kernel, "all", lines.append)
    lab.hart.numbers["nonesuch"] = 500

    def program(m):
        assert (yield m.call("nonesuch", 1)) == -38
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lines[0].startswith("[1] syscall_500(0x1, 0x0,")
    assert "ENOSYS" in lines[0]
