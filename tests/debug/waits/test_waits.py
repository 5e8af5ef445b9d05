"""The wait graph on the scripted machine: what is named, and what must not be called a deadlock."""

from __future__ import annotations

import importlib
import struct

import pytest

from starrylab.abi.fcntl import LOCK_EX, O_CREAT, O_RDWR
from starrylab.abi.futex import FUTEX_LOCK_PI, FUTEX_PRIVATE_FLAG, FUTEX_WAIT
from starrylab.abi.mman import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED
from starrylab.abi.poll import POLLIN
from starrylab.abi.sched import CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM
from starrylab.abi.signal import SIGCHLD, SIGSTOP
from starrylab.abi.userfaultfd import UFFD_API, UFFDIO_API, UFFDIO_REGISTER
from starrylab.debug.waits import Waits, look, report
from starrylab.debug.waits.graph import deadlocks
from starrylab.debug.waits.model import Need, Wait
from starrylab.debug.waits.parked import RULES

THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
SECOND = 1_000_000_000


def stuck(lab, program, after: int = SECOND) -> Waits:
    """Run ``program`` for a while; return what everybody waits for then."""
    seen: list[Waits] = []

    def snap() -> None:
        seen.append(look(lab.kernel))
        lab.kernel.executor.stop()

    lab.kernel.executor.call_at(lab.kernel.executor.now + after, snap)
    lab.run(program)
    return seen[0]


def knots(waits: Waits) -> list[tuple[int, ...]]:
    return [deadlock.tids for deadlock in waits.deadlocks]


def pipe(m, addr):
    yield m.call("pipe2", addr, 0)
    return struct.unpack("<ii", m.load(addr, 8))


def two_pipes(m, child_program):
    """Make two pipes, fork, and keep the ends of the parent: reads the first, writes the other."""
    first = yield from pipe(m, m.scratch)
    second = yield from pipe(m, m.scratch + 8)
    child = yield m.fork(child_program)
    yield m.call("close", first[1])
    yield m.call("close", second[0])
    return first, second, child


# -- deadlocks -------------------------------------------------------------------------------


def test_two_pipes(lab) -> None:
    def child(m):  # 3,4 and 5,6 are the pipes: 0.. as there are no other files
        yield m.call("close", 0)
        yield m.call("close", 3)
        yield m.call("read", 2, m.scratch + 64, 1)

    def program(m):
        first, _, _ = yield from two_pipes(m, child)
        yield m.call("read", first[0], m.scratch + 64, 1)

    waits = stuck(lab, program)
    assert knots(waits) == [(1, 2)]
    parent, other = waits.threads
    assert parent.call == other.call == "read"
    assert parent.needs[0].wakers == (2,)
    assert parent.needs[0].what.startswith("to read pipe:[")
    assert parent.needs[0].what.endswith("(fd 0)")
    text = report(waits)
    assert "deadlock of pid 1 (init), pid 2 (init):" in text
    assert "its write end: pid 2 (init)" in text


def test_a_writer_and_its_reader_that_waits_for_it(lab) -> None:
    def child(m):
        yield m.call("close", 0)
        yield m.call("write", 1, m.scratch, 4096)
        yield m.call("write", 1, m.scratch, 4096)

    def program(m):
        ends = yield from pipe(m, m.scratch)
        yield m.call("fcntl", ends[1], 1031, 4096)
        yield m.fork(child)
        yield m.call("close", ends[1])
        yield m.call("wait4", -1, 0, 0, 0)

    waits = stuck(lab, program)
    assert knots(waits) == [(1, 2)]
    text = report(waits)
    assert "to write pipe:[" in text
    assert "for child pid 2 (init); the child: pid 2 (init)" in text


def test_a_thread_that_waits_for_itself(lab) -> None:
    def program(m):
        ends = yield from pipe(m, m.scratch)
        yield m.call("read", ends[0], m.scratch, 1)

    waits = stuck(lab, program)
    assert knots(waits) == [(1,)]
    assert "deadlock of pid 1 (init) with itself" in report(waits)


def test_a_lock_whose_owner_waits_for_a_word(lab) -> None:
    """Two locks cannot do that: the second one is refused with EDEADLK."""
    lock = FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG

    def other(t):
        yield t.call("futex", t.scratch + 4, lock, 0, 0, 0, 0)
        yield t.call("futex", t.scratch + 8, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0)

    def program(m):
        yield m.clone(other, THREAD)
        yield m.call("sched_yield")
        yield m.call("futex", m.scratch + 4, lock, 0, 0, 0, 0)

    waits = stuck(lab, program)
    assert knots(waits) == [(1, 2)]
    assert waits.threads[0].needs[0].wakers == (2,)
    assert waits.threads[1].needs[0].wakers == (1,)
    assert "for the PI lock 0x100004; the lock: thread 2 of pid 1 (init)" in report(waits)


def test_a_page_that_a_program_serves(lab) -> None:
    page = []

    def other(t):
        yield t.call("uname", page[0])

    def program(m):
        fd = yield m.call("userfaultfd", 0)
        m.store(m.scratch, struct.pack("<QQQ", UFFD_API, 0, 0))
        yield m.call("ioctl", fd, UFFDIO_API, m.scratch)
        page.append((yield m.call("mmap", 0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
        m.store(m.scratch, struct.pack("<QQQQ", page[0], 4096, 1, 0))
        yield m.call("ioctl", fd, UFFDIO_REGISTER, m.scratch)
        yield m.clone(other, THREAD)
        yield m.call("ppoll", 0, 0, 0, 0, 8)

    waits = stuck(lab, program)
    assert f"for the page at {page[0]:#x}; its userfaultfd: pid 1 (init)" in report(waits)


def test_threads_that_all_wait_at_words(lab) -> None:
    def other(m):
        yield m.call("futex", m.scratch + 4, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0)

    def program(m):
        yield m.clone(other, THREAD)
        yield m.call("futex", m.scratch, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0)

    assert knots(stuck(lab, program)) == [(1, 2)]


def test_a_word_that_processes_share(lab) -> None:
    def program(m):
        shared = yield m.call("mmap", 0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0)

        def child(c):
            yield c.call("futex", shared + 4, FUTEX_WAIT, 0, 0, 0, 0)

        yield m.fork(child)
        yield m.call("futex", shared, FUTEX_WAIT, 0, 0, 0, 0)

    waits = stuck(lab, program)
    assert knots(waits) == [(1, 2)]
    assert waits.threads[0].needs[0].wakers == (2,)


def test_glibc_says_who_owns_a_mutex(lab) -> None:
    def other(m):
        yield m.call("nanosleep", m.scratch + 512, 0)

    def program(m):
        m.store(m.scratch + 512, struct.pack("<qq", 100, 0))
        tid = yield m.clone(other, THREAD)
        m.store(m.scratch, struct.pack("<iIiIi", 2, 0, tid, 1, 0))
        yield m.call("futex", m.scratch, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0, 0, 0)

    waits = stuck(lab, program)
    assert waits.threads[0].needs[0] == Need("on futex 0x100000, value 0x2", (2,), "the mutex")
    assert not waits.deadlocks


@pytest.mark.parametrize("kind", [1, 2, 4, 0x81])
def test_musl_says_who_owns_some_mutexes(lab, kind: int) -> None:
    def other(m):
        yield m.call("nanosleep", m.scratch + 512, 0)

    def program(m):
        m.store(m.scratch + 512, struct.pack("<qq", 100, 0))
        yield m.clone(other, THREAD)
        yield m.clone(other, THREAD)
        word = 3 | 0x80000000
        m.store(m.scratch, struct.pack("<II", kind, word))
        yield m.call("futex", m.scratch + 4, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, word, 0, 0, 0)

    waits = stuck(lab, program)
    assert waits.threads[0].needs[0].wakers == (3,)


def test_a_normal_mutex_of_musl_has_no_known_owner(lab) -> None:
    def program(m):
        word = 16 | 0x80000000  # EBUSY, and somebody waits
        m.store(m.scratch, struct.pack("<II", 0, word))
        yield m.call("futex", m.scratch + 4, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, word, 0, 0, 0)

    waits = stuck(lab, program)
    assert waits.threads[0].needs[0].wakers == ()
    assert "the word, whose owner is not known: nobody" in report(waits)
    assert "stuck for ever: pid 1 (init), which nobody can wake" in report(waits)


def test_wait4_for_a_stopped_child(lab) -> None:
    def child(m):
        yield m.call("kill", 2, SIGSTOP)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)

    waits = stuck(lab, program)
    assert knots(waits) == [(1, 2)]
    text = report(waits)
    assert "for child pid 2 (init), which is stopped; the child: pid 2 (init)" in text
    assert "waits for SIGCONT; may send it: pid 1 (init)" in text


def test_flock_in_opposite_orders(lab) -> None:
    def locks(first: str, second: str):
        def program(m):
            fds = []
            for name in (first, second):
                m.string(m.scratch, name.encode())
                fds.append((yield m.call("openat", -100, m.scratch, O_CREAT | O_RDWR, 0o600)))
            yield m.call("flock", fds[0], LOCK_EX)
            yield m.call("sched_yield")
            yield m.call("sched_yield")
            yield m.call("flock", fds[1], LOCK_EX)

        return program

    def program(m):
        yield m.fork(locks("/a", "/b"))
        yield m.fork(locks("/b", "/a"))
        yield m.call("wait4", -1, 0, 0, 0)

    waits = stuck(lab, program)
    assert knots(waits) == [(2, 3)]
    assert waits.deadlocks[0].victims == (1,)
    text = report(waits)
    assert "pid 2 (init) waits for the flock on /b (fd 1); the lock: pid 3 (init)" in text
    assert "and so for ever: pid 1 (init)" in text


# -- no deadlocks ---------------------------------------------------------------------------------


def timespec(m, seconds: int) -> int:
    m.store(m.scratch + 512, struct.pack("<qq", seconds, 0))
    return m.scratch + 512


def sleeper(m):
    yield m.call("nanosleep", timespec(m, 100), 0)


def test_time_passes(lab) -> None:
    def program(m):
        yield m.call("nanosleep", timespec(m, 11), 0)

    waits = stuck(lab, program)
    assert not waits.deadlocks
    assert waits.threads[0].left_ns == pytest.approx(10 * SECOND, abs=SECOND // 10)
    assert "no deadlock" in report(waits)


def test_a_timeout_ends_a_wait(lab) -> None:
    def program(m):
        ends = yield from pipe(m, m.scratch)
        m.store(m.scratch, struct.pack("<ihh", ends[0], POLLIN, 0))
        yield m.call("ppoll", m.scratch, 1, timespec(m, 5), 0, 8)

    waits = stuck(lab, program)
    assert not waits.deadlocks
    assert waits.threads[0].needs[0].wakers == (1,)
    assert waits.threads[0].left_ns is not None


def test_an_alarm_may_end_a_wait(lab) -> None:
    def program(m):
        ends = yield from pipe(m, m.scratch)
        m.store(m.scratch + 64, struct.pack("<qqqq", 0, 0, 30, 0))
        yield m.call("setitimer", 0, m.scratch + 64, 0)
        yield m.call("read", ends[0], m.scratch, 1)

    waits = stuck(lab, program)
    assert not waits.deadlocks
    assert "a timer of the process, in 29." in waits.threads[0].alarm


def test_somebody_else_holds_the_other_end(lab) -> None:
    def program(m):
        ends = yield from pipe(m, m.scratch)
        yield m.fork(sleeper)
        yield m.call("read", ends[0], m.scratch, 1)

    waits = stuck(lab, program)
    assert not waits.deadlocks
    assert waits.threads[0].needs[0].wakers == (1, 2)


def test_a_thread_runs(lab) -> None:
    seen: list[Waits] = []

    def watcher(t):
        yield t.call("sched_yield")
        seen.append(look(lab.kernel))
        yield t.call("exit_group", 0)

    def program(m):
        yield m.clone(watcher, THREAD)
        yield m.call("futex", m.scratch, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0)

    lab.run(program)
    assert not seen[0].deadlocks
    assert seen[0].threads[0].needs[0].wakers == (2,)
    assert not seen[0].threads[1].waiting


def test_a_self_pipe_with_a_handler(lab) -> None:
    def program(m):
        ends = yield from pipe(m, m.scratch)
        m.store(m.scratch + 64, struct.pack("<QQQ", 0x1234, 0, 0))
        yield m.call("rt_sigaction", SIGCHLD, m.scratch + 64, 0, 8)
        yield m.call("read", ends[0], m.scratch, 1)

    waits = stuck(lab, program)
    assert not waits.deadlocks
    assert "a signal handler" in waits.threads[0].needs[0].unknown


def test_a_signal_from_anybody(lab) -> None:
    def program(m):
        yield m.call("rt_sigsuspend", m.scratch, 8)

    waits = stuck(lab, program)
    assert not waits.deadlocks
    assert waits.threads[0].needs[0].what == "for a signal"


# -- the parts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RULES))
def test_the_kernel_has_what_the_rules_read(name: str) -> None:
    module, _, function = name.partition(":")
    found = getattr(importlib.import_module(f"starrylab.kernel.{module}"), function)
    known = found.__code__.co_varnames + found.__code__.co_freevars
    assert set(RULES[name][1]) <= set(known)


def waiting(tid: int, *wakers: int, **options) -> Wait:
    return Wait(tid, tid, "x", "S", "read", (Need("to read", wakers, **options),))


def test_knots_and_victims() -> None:
    waits = (waiting(1, 2), waiting(2, 3), waiting(3, 2), waiting(4, 5), waiting(5, 4, 2))
    found = deadlocks(waits)
    assert [(d.tids, d.victims) for d in found] == [((2, 3), (1, 4, 5))]


def test_one_way_out_is_enough() -> None:
    waits = (waiting(1, 2), waiting(2, 1, 3), waiting(3, outside="the console"))
    assert deadlocks(waits) == ()


def test_what_is_not_listed_is_alive() -> None:
    assert deadlocks((waiting(1, 99),)) == ()
