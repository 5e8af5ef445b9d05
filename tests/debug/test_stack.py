"""One stack: kernel, system call, user, in every state of a thread and inside of every event."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from starrylab.abi.sched import CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM
from starrylab.debug.last_stacks import LastStacks, PanicReport
from starrylab.debug.stack import Frame, FrameKind, Stacks, one_stack
from starrylab.debug.stack_text import format_stack
from starrylab.kernel.core import poll
from starrylab.kernel.core.sched import State
from tests.kernel.conftest import SCRATCH

THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
K, S, U = FrameKind.KERNEL, FrameKind.SYSCALL, FrameKind.USER


def kinds(frames) -> list[FrameKind]:
    """The kinds of frames, each once in a row."""
    found: list[FrameKind] = []
    for frame in frames:
        if not found or found[-1] is not frame.kind:
            found.append(frame.kind)
    return found


def functions(frames, kind: FrameKind) -> list[str]:
    return [frame.function for frame in frames if frame.kind is kind]


@pytest.fixture
def stacks(lab) -> Stacks:
    return Stacks(lab.kernel)


def test_a_thread_that_waits(lab, stacks) -> None:
    taken: list[list[Frame]] = []

    def child(m):
        yield m.call("read", 0, m.scratch, 64)
        yield m.call("exit_group", 0)

    def program(m):
        yield m.call("pipe2", m.scratch, 0)
        pid = yield m.fork(child)
        yield m.call("sched_yield")
        waiting = lab.kernel.threads[pid]
        assert waiting.state is State.PARKED
        taken.append(one_stack(waiting, stacks))
        yield m.call("kill", pid, 9)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    (frames,) = taken
    assert kinds(frames) == [K, S, U]
    assert functions(frames, K)[0] == "poll_io"
    place = frames[0]
    assert place.file == "starrylab/kernel/core/poll.py"
    root = Path(poll.__file__).parents[3]
    assert "park()" in (root / place.file).read_text().splitlines()[place.line - 1]
    call = frames[kinds(frames).index(S) + len(functions(frames, K)) - 1]
    assert call.text == f"read(0, {SCRATCH:#x}, 64)"
    assert call.file == "starrylab/kernel/syscalls/io.py"


def test_a_thread_that_runs_has_user_frames_only(lab, stacks) -> None:
    taken = []

    def program(m):
        taken.append(one_stack(lab.kernel.threads[1], stacks))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert kinds(taken[0]) == [U]


def in_event(lab, stacks, kind: str) -> list[list[Frame]]:
    """Take the one stack inside of every event of ``kind``."""
    taken: list[list[Frame]] = []

    def listen(thread, *_):
        taken.append(stacks.of(thread, here=sys._getframe()))

    lab.kernel.events.subscribe(kind, listen)
    return taken


def test_an_unknown_call_shows_who_made_it(lab, stacks) -> None:
    taken = in_event(lab, stacks, "unknown_syscall")
    lab.hart.numbers["nonesuch"] = 500

    def program(m):
        yield m.call("nonesuch", 1, 2)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert kinds(taken[0]) == [K, S, U]
    assert functions(taken[0], S) == ["syscall_500"]
    assert taken[0][-2].text.startswith("syscall_500(0x1, 0x2, 0x0")


def test_a_page_fault_of_the_user(lab, stacks) -> None:
    taken = in_event(lab, stacks, "page_fault")

    def program(m):
        m.store(m.scratch + 4096, b"x")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert kinds(taken[0]) == [K, U]
    assert functions(taken[0], K)[0].startswith("Traps._bind")


def test_an_event_inside_of_a_call(lab, stacks) -> None:
    taken = in_event(lab, stacks, "syscall_exit")

    def program(m):
        yield m.call("getpid")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert kinds(taken[0]) == [K, S, U]
    assert functions(taken[0], S) == ["getpid"]


def test_an_event_in_a_call_that_went_on_after_waiting(lab, stacks) -> None:
    taken = in_event(lab, stacks, "syscall_exit")

    def program(m):
        m.store(m.scratch, (0).to_bytes(8, "little") + (1000).to_bytes(8, "little"))
        yield m.call("nanosleep", m.scratch, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert functions(taken[0], S) == ["nanosleep"]


def test_the_death_of_a_program_is_kept_with_its_stack(lab, stacks) -> None:
    last = LastStacks(stacks)
    told = []
    last.on_death = told.append

    def child(m):
        m.load(0x10, 1)
        yield m.call("exit_group", 0)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    (death,) = last.deaths.values()
    assert told == [death]
    assert (death.report.signo, death.report.addr) == (11, 0x10)
    assert last.of(death.report.tid) == death.frames
    assert kinds(death.frames) == [U]
    assert "SIGSEGV" in death.text()
    assert "   0: <unknown>" in death.text()


def test_the_last_stack_of_a_zombie(lab, stacks) -> None:
    last = LastStacks(stacks)
    zombie = []

    def child(m):
        yield m.call("exit_group", 3)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("sched_yield")
        assert lab.kernel.processes[pid].zombie
        zombie.append(last.of(pid))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert kinds(zombie[0]) == [K, S, U]
    assert "exit_group" in zombie[0][-2].text or "exit_group" in zombie[0][-2].function
    assert "Thread.die" in functions(zombie[0], K)
    assert last.of(999) == []


def test_a_thread_killed_while_it_waits(lab, stacks) -> None:
    last = LastStacks(stacks)

    def child(m):
        yield m.call("ppoll", 0, 0, 0, 0, 8)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("sched_yield")
        yield m.call("kill", pid, 9)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert [frame.text for frame in last.of(2) if frame.kind is S] == [
        "ppoll(NULL, 0, NULL, NULL, 8)"
    ]


def test_only_the_latest_are_kept(lab, stacks) -> None:
    last = LastStacks(stacks)

    def child(m):
        yield m.call("exit_group", 0)

    def program(m):
        for _ in range(300):
            pid = yield m.fork(child)
            yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert len(last._exits) == 256
    last.close()
    assert lab.kernel.events.exit is None


# -- panics ------------------------------------------------------------------------------------


class BugError(Exception):
    pass


def panics(lab, stacks) -> PanicReport:
    report = PanicReport(stacks)
    lab.kernel.describe_panic = report.describe
    return report


def broken(lab, name: str) -> None:
    """Make call ``name`` raise what no kernel may raise."""
    number = lab.hart.numbers[name]

    def call(thread, registers):
        raise BugError("first line\nsecond line")

    lab.kernel.calls.list[number] = call


def test_a_panic_has_kernel_call_and_user_frames(lab, stacks) -> None:
    report = panics(lab, stacks)
    broken(lab, "getpid")

    def program(m):
        yield m.call("getpid")

    lab.start(program)
    lab.kernel.executor.run()
    lines = lab.kernel.panic_text.splitlines()
    assert lines[0] == "Kernel panic in thread 1 (init): BugError: first line second line"
    assert kinds(report.frames) == [K, S, U]
    assert functions(report.frames, K)[0].endswith("broken.call")
    assert lines[1].startswith("   0: ")
    assert lines[2].startswith("            at ")
    assert any("fp=0x" in line and "ip=0x" in line for line in lines)


def test_a_panic_of_a_call_that_had_waited(lab, stacks) -> None:
    report = panics(lab, stacks)

    def program(m):
        m.store(m.scratch, (0).to_bytes(8, "little") + (1000).to_bytes(8, "little"))
        thread = lab.kernel.threads[1]

        def bug(*_):
            raise BugError("woken")

        lab.kernel.executor.call_at(lab.kernel.executor.now, bug)
        yield m.call("nanosleep", m.scratch, 0)
        assert thread

    lab.start(program)
    with pytest.raises(BugError):
        lab.kernel.executor.run()
    try:
        raise BugError("outside of a thread")
    except BugError as bug:
        lab.kernel.panic(bug)
    assert lab.kernel.panic_text.startswith(
        "Kernel panic in no thread: BugError: outside of a thread\n"
    )
    assert kinds(report.frames) == [K]


def test_a_panic_while_the_space_is_broken(lab, stacks, monkeypatch) -> None:
    panics(lab, stacks)
    broken(lab, "getpid")
    monkeypatch.setattr(Stacks, "user", lambda *_: 1 / 0)

    def program(m):
        yield m.call("getpid")

    lab.start(program)
    lab.kernel.executor.run()
    assert "cannot be read: ZeroDivisionError" in lab.kernel.panic_text


# -- text --------------------------------------------------------------------------------------


def test_the_text_of_a_stack() -> None:
    frames = [
        Frame(K, function="Pipe.read", file="starrylab/kernel/files/pipe.py", line=12),
        Frame(S, function="read", text="read(3, NULL, 0)"),
        Frame(FrameKind.INLINED, 0x1010, 0x7F0, "/bin/x", "inner", 4, "x.c", 3, 9),
        Frame(U, 0x1010, 0x7F0, "/bin/x", "main", 16, "x.c", 7, 1),
        Frame(FrameKind.SIGNAL, 0x3000, 0x800, "[vdso]", "__vdso_rt_sigreturn", 0, text="SIGUSR1"),
        Frame(U, 0x2020, 0x900, "/lib/libc.so", "qsort(void*)", 32),
        Frame(U, 0x2030, 0xA00, "/lib/libc.so", text="no symbol in libc.so"),
        Frame(U, 0, text="address 0"),
    ]
    assert format_stack(frames).splitlines() == [
        "   0: Pipe.read",
        "            at starrylab/kernel/files/pipe.py:12",
        "   1: read(3, NULL, 0)",
        "   2: inner (inlined)",
        "            at x.c:3:9 with fp=0x7f0, ip=0x1010",
        "   3: main",
        "            at x.c:7:1 with fp=0x7f0, ip=0x1010",
        "   4: <signal handler called> SIGUSR1",
        "            at [vdso] (__vdso_rt_sigreturn+0x0) with fp=0x800, ip=0x3000",
        "   5: qsort(void*)",
        "            at /lib/libc.so (qsort+0x20) with fp=0x900, ip=0x2020",
        "   6: <unknown> (no symbol in libc.so)",
        "            at /lib/libc.so with fp=0xa00, ip=0x2030",
        "   7: <unknown> (address 0)",
        "            at <unknown> with fp=0x0, ip=0x0",
    ]
    assert format_stack([]) == ""
