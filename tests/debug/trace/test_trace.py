"""Traces on the scripted machine: how calls look, when they are told, switches, sinks."""

from __future__ import annotations

import json
import struct

import pytest

from starrylab.abi.sched import CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM
from starrylab.debug.trace import Counts, Filter, JsonLines, Options, Style, TraceLines, Tracer

THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD


def trace(lab, program, text: str = "all", **options) -> list[str]:
    lines: list[str] = []
    tracer = Tracer(lab.kernel, [TraceLines(lines.append)], Options(Filter(text), **options))
    tracer.trace_all()
    lab.run(program)
    return lines


def one(lab, *calls) -> list[str]:
    """Return what is behind "[1] " of each of some calls; arguments of bytes are stored first."""

    def program(m):
        for name, *args in calls:
            at = m.scratch
            ready = []
            for arg in args:
                if isinstance(arg, bytes):
                    m.store(at, arg)
                    ready.append(at)
                    at += 256
                else:
                    ready.append(arg)
            yield m.call(name, *ready)
        yield m.call("exit_group", 0)

    lines = trace(lab, program)
    return [line.removeprefix("[1] ") for line in lines[: len(calls)]]


# -- arguments -------------------------------------------------------------------------------


def test_arguments_results_and_errors(lab) -> None:
    def program(m):
        m.string(m.scratch, b'a "name"\n')
        yield m.call("openat", -100, m.scratch, 0x41, 0o644)
        yield m.call("write", 0, m.scratch, 8)
        yield m.call("write", 77, m.scratch, 400)
        yield m.call("lseek", 0, -1, 0)
        yield m.call("mkdirat", -100, 0, 0o700)
        yield m.call("exit_group", 3)

    zeros = "\\0" * 23
    assert trace(lab, program) == [
        '[1] openat(AT_FDCWD, "a \\"name\\"\\n", O_WRONLY|O_CREAT, 0644) = 0',
        '[1] write(0, "a \\"name\\"", 8) = 8',
        f'[1] write(77, "a \\"name\\"\\n{zeros}"..., 400) = -1 EBADF (Bad file descriptor)',
        "[1] lseek(0, -1, SEEK_SET) = -1 EINVAL (Invalid argument)",
        "[1] mkdirat(AT_FDCWD, NULL, 0700) = -1 EFAULT (Bad address)",
        "[1] exit_group(3) = ?",
        "[1] +++ exited with 3 +++",
    ]  # fmt: skip


def test_flags_and_numbers(lab) -> None:
    lines = one(
        lab,
        ("openat", -100, b"/x\0", 0o2000101, 0o600),
        ("openat", -100, b"/x\0", 0),
        ("fcntl", 0, 3, 0),
        ("fcntl", 0, 4, 0o6000),
        ("fcntl", 0, 1030, 10),
        ("fcntl", 0, 77, 1),
        ("mmap", 0, 4096, 3, 0x22, -1, 0),
        ("mmap", 0, 4096, 0, 0x40022, 99, 0),
        ("madvise", 0x100000, 4096, 4),
        ("kill", 1, 0),
        ("unlinkat", -100, b"/y\0", 0x200),
        ("unlinkat", -100, b"/y\0", 0x8200),
        ("umask", 0o22),
        ("clone", 0x10000, 0, 0, 0, 0),
        ("wait4", -1, 0, 0x40000001, 0),
        ("prctl", 38, 1, 0, 0, 0),
        ("clock_getres", 1, 0),
        ("faccessat", -100, b"/y\0", 6),
        ("mknodat", -100, b"/p\0", 0o10644, 0),
        ("socketpair", 1, 0o2000001, 0, 0),
        ("setuid", 0xFFFFFFFF),
    )
    assert lines[0] == 'openat(AT_FDCWD, "/x", O_WRONLY|O_CREAT|O_CLOEXEC, 0600) = 0'
    assert lines[1] == 'openat(AT_FDCWD, "/x", O_RDONLY) = 1'
    assert lines[2].startswith("fcntl(0, F_GETFL) = ")
    assert lines[3].startswith("fcntl(0, F_SETFL, O_RDONLY|O_APPEND|O_NONBLOCK) = ")
    assert lines[4] == "fcntl(0, F_DUPFD_CLOEXEC, 10) = 10"
    assert lines[5] == "fcntl(0, 0x4d /* F_??? */, 0x1) = -1 EINVAL (Invalid argument)"
    assert lines[6].startswith(
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x"
    )
    assert "PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB, 99, 0)" in lines[7]
    assert lines[8] == "madvise(0x100000, 4096, MADV_DONTNEED) = 0"
    assert lines[9] == "kill(1, 0) = 0"
    assert lines[10].startswith('unlinkat(AT_FDCWD, "/y", AT_REMOVEDIR) = -1 ENOENT')
    assert "AT_REMOVEDIR|0x8000" in lines[11]
    assert lines[12].startswith("umask(022) = 022")
    assert lines[13] == "clone(CLONE_THREAD, NULL) = -1 EINVAL (Invalid argument)"
    assert lines[14].startswith("wait4(-1, NULL, WNOHANG|__WALL, NULL) = -1 ECHILD")
    assert lines[15] == "prctl(PR_SET_NO_NEW_PRIVS, 0x1, 0, 0, 0) = 0"
    assert lines[16] == "clock_getres(CLOCK_MONOTONIC, NULL) = 0"
    assert lines[17].startswith('faccessat(AT_FDCWD, "/y", R_OK|W_OK) = -1')
    assert lines[18] == 'mknodat(AT_FDCWD, "/p", S_IFIFO|0644, makedev(0, 0)) = 0'.replace(
        "makedev(0, 0)", "makedev(0x0, 0x0)"
    )
    assert lines[19].startswith("socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, NULL) = -1")
    assert lines[20].startswith("setuid(-1) = -1")


def test_structures_that_come_back(lab) -> None:
    lines = one(
        lab,
        ("openat", -100, b"/f\0", 0o102, 0o640),
        ("write", 0, b"hello", 5),
        ("fstat", 0, bytes(128)),
        ("pipe2", bytes(8), 0),
        ("clock_gettime", 99, bytes(16)),
        ("pread64", 0, bytes(16), 100, 1),
        ("prlimit64", 0, 7, 0, bytes(16)),
        ("getcwd", bytes(16), 16),
        ("uname", bytes(390)),
        ("rt_sigprocmask", 0, struct.pack("<Q", 1 << 16 | 2), bytes(8), 8),
        ("writev", 0, struct.pack("<QQQQ", 0x100100, 2, 0x100100, 1), 2),
        ("epoll_create1", 0),
        ("epoll_ctl", 3, 1, 1, struct.pack("<IIQ", 1, 0, 77)),
        ("epoll_pwait", 3, bytes(64), 4, 0, 0, 8),
        ("rt_sigaction", 10, struct.pack("<QQQ", 0x4000, 0x10000000, 2), 0, 8),
        ("statx", -100, b"/f\0", 0, 0x7FF, bytes(256)),
    )
    assert lines[2] == "fstat(0, {st_mode=S_IFREG|0640, st_size=5, ...}) = 0"
    assert lines[3] == "pipe2([1, 2], 0) = 0"
    assert lines[4].startswith("clock_gettime(0x63 /* CLOCK_??? */, 0x100000) = -1 EINVAL")
    assert lines[5] == 'pread64(0, "ello", 100, 1) = 4'
    assert lines[6].startswith("prlimit64(0, RLIMIT_NOFILE, NULL, {rlim_cur=")
    assert lines[7] == 'getcwd("/", 16) = 2'
    assert lines[8] == 'uname({sysname="Linux", nodename="starry", ...}) = 0'
    assert lines[9] == "rt_sigprocmask(SIG_BLOCK, [INT CHLD], [], 8) = 0"
    assert lines[10].startswith('writev(0, [{iov_base="')
    assert lines[11] == "epoll_create1(0) = 3"
    assert (
        lines[12] == "epoll_ctl(3, EPOLL_CTL_ADD, 1, {events=EPOLLIN, data={u32=77, u64=77}}) = 0"
    )
    assert lines[13] == "epoll_pwait(3, [], 4, 0, NULL, 8) = 0"
    action = "{sa_handler=0x4000, sa_mask=[INT], sa_flags=SA_RESTART}"
    assert lines[14] == f"rt_sigaction(SIGUSR1, {action}, NULL, 8) = 0"
    assert "stx_mode=S_IFREG|0640, stx_size=" in lines[15]


def test_what_poll_has_found(lab) -> None:
    lines = one(
        lab,
        ("pipe2", bytes(8), 0),
        ("ppoll", struct.pack("<ihhihh", 0, 1, 0, 1, 4, 0), 2, 0, 0, 8),
        ("ppoll", struct.pack("<ihh", 0, 1, 0), 1, bytes(16), 0, 8),
    )
    assert lines[1] == (
        "ppoll([{fd=0, events=POLLIN}, {fd=1, events=POLLOUT}], 2, NULL, NULL, 8)"
        " = 1 ([{fd=1, revents=POLLOUT}])"
    )
    assert lines[2].endswith("= 0 (Timeout)")


@pytest.mark.parametrize(
    "name",
    ["newfstatat", "execve", "sendmsg", "rt_sigaction", "clone3", "writev", "epoll_ctl", "ioctl"],
)
@pytest.mark.parametrize("value", [0, 1, 0xFFF, 0x100000, (1 << 64) - 8, 1 << 63])
def test_any_register_can_be_shown(lab, name: str, value: int) -> None:
    lines = one(lab, (name, value, value, value, value, value, value))
    assert lines[0].startswith(name)


def test_paths_of_descriptors(lab) -> None:
    def program(m):
        m.string(m.scratch, b"/file")
        yield m.call("openat", -100, m.scratch, 0o101, 0o600)
        yield m.call("close", 0)
        yield m.call("close", 0)
        yield m.call("exit_group", 0)

    lines = trace(lab, program, "close", style=Style(paths=True))
    assert lines[0] == "[1] close(0</file>) = 0"
    assert lines[1] == "[1] close(0) = -1 EBADF (Bad file descriptor)"


def test_how_much_of_a_string(lab) -> None:
    def program(m):
        m.store(m.scratch, b"0123456789")
        yield m.call("write", 99, m.scratch, 10)
        yield m.call("exit_group", 0)

    assert trace(lab, program, "write", style=Style(4))[0].startswith(
        '[1] write(99, "0123"..., 10)'
    )


# -- when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exit", "exit_group"])
def test_the_end_is_printed_once(lab, name: str) -> None:
    def program(m):
        yield m.call(name, 7)

    assert trace(lab, program) == [f"[1] {name}(7) = ?", "[1] +++ exited with 7 +++"]


def test_a_call_that_waits_is_resumed(lab) -> None:
    def child(m):
        yield m.call("getppid")
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        yield m.call("exit_group", 0)

    lines = trace(lab, program, "wait4,getppid")
    assert lines[:4] == [
        "[1] wait4(-1,  <unfinished ...>",
        "[2] getppid() = 1",
        "[2] +++ exited with 0 +++",
        "[1] <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 2",
    ]
    assert len([line for line in lines if "wait4" in line]) == 2


def test_a_call_that_never_ends(lab) -> None:
    def child(m):
        yield m.call("ppoll", 0, 0, 0, 0, 8)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("sched_yield")
        yield m.call("kill", pid, 9)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    lines = trace(lab, program, "ppoll")
    assert lines[0] == "[2] ppoll(NULL, 0, NULL, NULL, 8) = ? <unfinished ...>"
    assert lines[1] == "[2] +++ killed by SIGKILL +++"


def test_signals_are_named(lab) -> None:
    def child(m):
        yield m.call("kill", 2, 10)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lines = trace(lab, program, "kill")
    assert "[2] --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=2, si_uid=0} ---" in lines
    assert "[2] +++ killed by SIGUSR1 +++" in lines


def test_a_call_that_does_not_exist(lab) -> None:
    lab.hart.numbers["nonesuch"] = 500

    def program(m):
        assert (yield m.call("nonesuch", 1)) == -38
        yield m.call("exit_group", 0)

    assert trace(lab, program)[0].startswith("[1] syscall_500(0x1, 0x0,")


def test_only_some_paths_and_some_results(lab) -> None:
    def program(m):
        for name in (b"/one", b"/two"):
            m.string(m.scratch, name)
            yield m.call("openat", -100, m.scratch, 0o101, 0o600)
            yield m.call("openat", -100, m.scratch, 0o301, 0o600)
        yield m.call("close", 0)
        yield m.call("exit_group", 0)

    lines = trace(lab, program, "!exit_group", paths=(b"/one",), failed=False)
    assert lines == [
        '[1] openat(AT_FDCWD, "/one", O_WRONLY|O_CREAT, 0600) = 0',
        "[1] close(0) = 0",
        "[1] +++ exited with 0 +++",
    ]


def test_only_what_failed(lab) -> None:
    def program(m):
        yield m.call("close", 5)
        yield m.call("getpid")
        yield m.call("exit_group", 0)

    lines = trace(lab, program, successful=False)
    assert lines == ["[1] close(5) = -1 EBADF (Bad file descriptor)", "[1] +++ exited with 0 +++"]


# -- switches ------------------------------------------------------------------------------------


def test_on_and_off_while_it_runs(lab) -> None:
    lines: list[str] = []
    tracer = Tracer(lab.kernel, [TraceLines(lines.append)])

    def program(m):
        yield m.call("getpid")
        tracer.trace(1)
        yield m.call("getppid")
        tracer.untrace(1)
        yield m.call("gettid")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lines == ["[1] getppid() = 0"]
    assert lab.kernel.events.syscall_enter is None
    assert lab.kernel.events.fork is None


@pytest.mark.parametrize(("follow", "found"), [(True, {1, 2}), (False, {1})])
def test_children_are_followed_or_not(lab, follow: bool, found: set[int]) -> None:
    lines: list[str] = []
    options = Options(Filter("getpid"), follow=follow)
    tracer = Tracer(lab.kernel, [TraceLines(lines.append)], options)

    def child(m):
        yield m.call("getpid")
        yield m.call("exit_group", 0)

    def program(m):
        yield m.call("getpid")
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    tracer.trace(1)
    lab.run(program)
    assert {int(line[1]) for line in lines if "getpid" in line} == found


def test_the_last_process_that_is_traced_ends_the_trace(lab) -> None:
    tracer = Tracer(lab.kernel, [])

    def child(m):
        yield m.call("exit_group", 0)

    def program(m):
        pid = yield m.fork(child)
        tracer.trace(pid)
        yield m.call("wait4", -1, 0, 0, 0)
        assert lab.kernel.events.syscall_enter is None
        yield m.call("exit_group", 0)

    lab.run(program)
    assert tracer.traced == frozenset()


# -- other sinks ------------------------------------------------------------------------------


def program_of_three(m):
    m.string(m.scratch, b"/\xff")
    yield m.call("openat", -100, m.scratch, 0)
    yield m.call("getpid")
    yield m.call("exit_group", 4)


def test_json_lines(lab) -> None:
    lines: list[str] = []
    tracer = Tracer(lab.kernel, [JsonLines(lines.append)])
    tracer.trace_all()
    lab.run(program_of_three)
    first, second, last, end = (json.loads(line) for line in lines)
    assert first["name"] == "openat"
    assert first["args"] == {"dirfd": "AT_FDCWD", "path": '"/\\377"', "flags": "O_RDONLY"}
    assert first["result"] == -2
    assert first["errno"] == "ENOENT"
    assert second["result"] == 1
    assert "errno" not in second
    assert last["result"] is None
    assert end["type"] == "exit"
    assert end["status"] == 4


def test_counts(lab) -> None:
    counts = Counts()
    tracer = Tracer(lab.kernel, [counts])
    tracer.trace_all()
    lab.run(program_of_three)
    assert {name: (row.calls, row.errors) for name, row in counts.rows.items()} == {
        "openat": (1, 1), "getpid": (1, 0), "exit_group": (1, 0)
    }  # fmt: skip
    table = counts.table().splitlines()
    assert table[0].split() == ["%", "time", "seconds", "usecs/call", "calls", "errors", "syscall"]
    assert table[-1].split()[-3:] == ["3", "1", "total"]
