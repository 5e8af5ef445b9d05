"""Leaks planted in a kernel through its own components: each is found, and its holder named."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, ClassVar

import pytest

from starrylab.debug.leaks.report import Leak, LeakReport
from starrylab.debug.leaks.text import who
from starrylab.debug.leaks.tracker import Tracker
from starrylab.kernel.core.poll import PollSet
from starrylab.kernel.core.sched import Timer
from starrylab.kernel.core.scope import Scope
from starrylab.kernel.dev.device import Device
from starrylab.kernel.files.epoll import Epoll
from starrylab.kernel.files.pipe_buffer import PipeBuffer
from starrylab.kernel.mm.frames import FrameAllocator
from starrylab.kernel.mm.pages import PageMap
from starrylab.kernel.mm.shared import SharedPages
from starrylab.kernel.task.futexes import FutexTable
from starrylab.kernel.vfs.dentry import DirEntry
from tests.kernel.conftest import ScriptedLab

Body = Callable[[Any], Generator[Any, int, None]]

AT_FDCWD, O_RDWR, O_CREAT = -100, 2, 0o100
PROT_RW, MAP_ANON_PRIVATE, MAP_ANON_SHARED = 3, 0x22, 0x21
MNT_DETACH, IPC_PRIVATE, EPOLL_CTL_ADD, POLLIN = 2, 0, 1, 1
MIB = 1 << 20


class Keeper(Device):
    """A driver that forgets to let go."""

    name, major, minor = b"keeper", 240, 0

    def __init__(self) -> None:
        self.kept: list[object] = []


def find(body: Body, lab: ScriptedLab | None = None) -> LeakReport:
    """Run ``body`` in a kernel; return what is left of what it allocated."""
    lab = lab or ScriptedLab()
    tracker = Tracker(lab.kernel)
    reports: list[LeakReport] = []

    def program(m):
        yield from clean(m)  # what is made when it is first needed is there from now on
        tracker.start()
        try:
            yield from body(m)
            reports.append(tracker.report())
        finally:
            tracker.stop()
        yield m.call("exit_group", 0)

    lab.run(program)
    return reports[0]


def kept_by(thread, thing):
    thread.kernel.devices["char", 240, 0].kept.append(thing)


def keeper_in(lab: ScriptedLab) -> Keeper:
    keeper = Keeper()
    lab.kernel.devices.add(keeper)
    return keeper


def only(report: LeakReport, kind: str) -> Leak:
    """Return the one leak of ``kind`` that no other leak leads to."""
    found = [leak for leak in report.roots if leak.kind == kind]
    assert len(found) == 1, [(leak.kind, leak.name, who(leak)) for leak in report.leaks]
    return found[0]


def path(m, text: bytes, at: int = 512) -> int:
    m.store(m.scratch + at, text + b"\0")
    return m.scratch + at


def child_that_exits(m):
    """fork; the child ends at once."""
    return (yield m.fork(exits))


def exits(m):
    yield m.call("exit_group", 0)


def clean(m):
    """A little of everything, all of it given back."""
    yield m.call("pipe2", m.scratch, 0)
    yield m.call("close", 0)
    yield m.call("close", 1)
    fd = yield m.call("openat", AT_FDCWD, path(m, b"/clean"), O_CREAT | O_RDWR, 0o644)
    yield m.call("write", fd, m.scratch, 100)
    yield m.call("close", fd)
    yield m.call("unlinkat", AT_FDCWD, path(m, b"/clean"), 0)
    at = yield m.call("mmap", 0, MIB, PROT_RW, MAP_ANON_PRIVATE, -1, 0)
    m.store(at, b"x")
    yield m.call("munmap", at, MIB)
    pid = yield from child_that_exits(m)
    yield m.call("wait4", pid, 0, 0, 0)


def test_a_clean_program_leaves_nothing() -> None:
    report = find(clean)
    assert report.clean, [(leak.kind, leak.name, who(leak)) for leak in report.leaks]
    # A process and its first thread refer to each other, and the collector frees them.
    assert [dict(cycle.kinds) for cycle in report.cycles] == [{"thread": 1, "process": 1}]


# -- frames --------------------------------------------------------------------------------


def test_a_lost_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def drop_pages(self, pages):
        for vpn in pages:
            self.table.pop(vpn)

    def body(m):
        at = yield m.call("mmap", 0, 4 * 4096, PROT_RW, MAP_ANON_PRIVATE, -1, 0)
        for page in range(3):
            m.store(at + page * 4096, b"lost")
        with monkeypatch.context() as patch:
            patch.setattr(PageMap, "drop_pages", drop_pages)
            yield m.call("munmap", at, 4 * 4096)

    report = find(body)
    leak = only(report, "USER")
    assert (leak.count, leak.bytes, leak.how, leak.pids) == (3, 3 * 4096, "lost", (1,))
    assert who(leak) == "held by nobody"
    assert any("fault" in call.function for call in leak.stack)
    (wrong,) = report.frames
    assert (wrong.kind, wrong.count, wrong.text) == ("USER", 3, "held by nobody")


def test_a_lost_page_table_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def drop_regions(self, first, last):
        for region in [r for r in self.regions if first <= r < last]:
            self.regions.pop(region)

    def body(m):
        at = yield m.call("mmap", 0x5000_0000, 4 * MIB, PROT_RW, MAP_ANON_PRIVATE, -1, 0)
        m.store(at + 2 * MIB, b"x")
        with monkeypatch.context() as patch:
            patch.setattr(PageMap, "drop_regions", drop_regions)
            yield m.call("munmap", at, 4 * MIB)

    report = find(body)
    assert only(report, "PAGE_TABLE").how == "lost"
    assert [wrong.kind for wrong in report.frames] == ["PAGE_TABLE"]


def test_a_reference_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = SharedPages.frame

    def frame(self, index, write):
        found = plain(self, index, write)
        self.frames.acquire(found)  # and never released
        return found

    def body(m):
        with monkeypatch.context() as patch:
            patch.setattr(SharedPages, "frame", frame)
            at = yield m.call("mmap", 0, 4096, PROT_RW, MAP_ANON_SHARED, -1, 0)
            m.store(at, b"x")

    (wrong,) = find(body).frames
    assert wrong.text == "1 reference more than holders"
    assert any("address space" in holder for holder in wrong.holders)


def test_a_reference_too_few_is_worse() -> None:
    def body(m):
        at = yield m.call("mmap", 0, 4096, PROT_RW, MAP_ANON_PRIVATE, -1, 0)
        m.store(at, b"x")
        frames, table = lab.kernel.frames, lab.kernel.threads[1].mm.table
        FrameAllocator.release(frames, table[at >> 12])
        wrong.append(tracker.report().frames)
        frames.refs[table[at >> 12] >> 12] = 1  # or the exit would free it twice
        frames.kinds[table[at >> 12] >> 12] = 2

    lab = ScriptedLab()
    tracker = Tracker(lab.kernel)
    wrong: list[Any] = []
    find(body, lab)
    assert "used after free" in wrong[0][0].text


# -- names, files, mounts ------------------------------------------------------------------


def test_a_dentry_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = ScriptedLab()
    keeper = keeper_in(lab)
    plain = DirEntry.detach

    def detach(self, child):
        plain(self, child)
        keeper.kept.append(child)

    def body(m):
        monkeypatch.setattr(DirEntry, "detach", detach)
        fd = yield m.call("openat", AT_FDCWD, path(m, b"/gone"), O_CREAT | O_RDWR, 0o644)
        yield m.call("close", fd)
        yield m.call("unlinkat", AT_FDCWD, path(m, b"/gone"), 0)

    leak = only(find(body, lab), "dentry")
    assert leak.category == "dentry"
    assert "device keeper" in who(leak)
    assert leak.holder[-1] == ".kept[0] dentry /gone, unlinked"
    assert leak.syscall == "openat"
    assert leak.retained >= 2  # its inode and page cache


def test_a_mount_that_is_still_in_use() -> None:
    def body(m):
        yield m.call("mkdirat", AT_FDCWD, path(m, b"/mnt"), 0o755)
        name = path(m, b"tmpfs", 600)
        yield m.call("mount", name, path(m, b"/mnt"), name, 0, 0)
        yield m.call("openat", AT_FDCWD, path(m, b"/mnt/x"), O_CREAT | O_RDWR, 0o644)
        yield m.call("umount2", path(m, b"/mnt"), MNT_DETACH)

    report = find(body)
    mounts = [leak for leak in report.leaks if leak.kind == "mount"]
    assert [leak.syscall for leak in mounts] == ["mount"]
    assert "fd table" in who(mounts[0])
    assert "file /x" in who(mounts[0])
    assert mounts[0].owner == 1


# -- sockets, pipes, epoll -----------------------------------------------------------------


def test_a_socket_buffer_nobody_reads() -> None:
    def body(m):
        yield m.call("socketpair", 1, 1, 0, m.scratch)
        yield m.call("write", 0, m.scratch, 3000)

    report = find(body)
    (leak,) = [leak for leak in report.leaks if leak.kind == "socket buffer"]
    assert "fd table" in who(leak)
    assert ".queue[0] socket buffer (3000 bytes from pid 1)" in who(leak)
    assert leak.syscall == "write"


def test_the_memory_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(m):
        monkeypatch.setattr(PipeBuffer, "_dispose", lambda self: None)
        yield m.call("pipe2", m.scratch, 0)
        yield m.call("write", 1, m.scratch, 5000)
        yield m.call("close", 0)
        yield m.call("close", 1)

    assert find(body).heap_unaccounted == 8192


def test_an_epoll_item_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(m):
        yield m.call("pipe2", m.scratch, 0)
        monkeypatch.setattr(Epoll, "closed", lambda self: None)
        ep = yield m.call("epoll_create1", 0)
        m.store(m.scratch, POLLIN.to_bytes(4, "little") + bytes(12))
        yield m.call("epoll_ctl", ep, EPOLL_CTL_ADD, 0, m.scratch)
        yield m.call("epoll_pwait", ep, m.scratch + 64, 1, 0, 0)
        yield m.call("close", ep)

    report = find(body)
    (leak,) = [leak for leak in report.leaks if leak.kind == "epoll item"]
    assert "pipe buffer" in who(leak)
    assert "poll set" in who(leak)
    assert leak.syscall == "epoll_ctl"


# -- tasks ---------------------------------------------------------------------------------


def register_with_keeper(thread, status):
    thread.kernel.devices["char", 240, 0].kept[0].register(thread.waker)


def test_a_waker_left_in_a_poll_set() -> None:
    lab = ScriptedLab()
    keeper = keeper_in(lab)
    keeper.kept.append(PollSet())
    lab.kernel.events.subscribe("exit", register_with_keeper)

    def body(m):
        pid = yield from child_that_exits(m)
        yield m.call("wait4", pid, 0, 0, 0)

    leak = only(find(body, lab), "thread")
    assert leak.name == "ended thread 3 (init) of pid 3"
    assert "device keeper" in who(leak)
    assert leak.holder[-1] == "._wakers.keys() ended thread 3 (init) of pid 3"
    assert leak.syscall == "clone"


def test_a_zombie_nobody_waits_for() -> None:
    def body(m):
        yield from child_that_exits(m)
        yield m.call("sched_yield")

    leak = only(find(body), "process")
    assert leak.name == "zombie 3 (init), not waited for by its parent 1 (init)"
    assert leak.holder[0].startswith("kernel.processes[3]")
    assert leak.category == "process"


def test_a_process_that_was_waited_for_and_is_kept() -> None:
    lab = ScriptedLab()
    keeper_in(lab)
    lab.kernel.events.subscribe("exit", lambda thread, status: kept_by(thread, thread.process))

    def body(m):
        pid = yield from child_that_exits(m)
        yield m.call("wait4", pid, 0, 0, 0)

    leak = only(find(body, lab), "process")
    assert leak.name == "ended process 3 (init), waited for"
    assert "device keeper" in who(leak)


def test_a_group_and_a_session_kept() -> None:
    lab = ScriptedLab()
    keeper_in(lab)
    lab.kernel.events.subscribe(
        "exit", lambda thread, status: kept_by(thread, thread.process.group)
    )

    def body(m):
        def child(m):
            yield m.call("setsid")
            yield m.call("exit_group", 0)

        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)

    report = find(body, lab)
    group = only(report, "process group")
    assert group.name == "process group 3 of 0 processes"
    assert group.category == "process group"
    (session,) = [leak for leak in report.leaks if leak.kind == "session"]
    assert session.holder[-1] == ".session session 3"
    assert {group.syscall, session.syscall} == {"setsid"}


def test_an_fd_table_kept() -> None:
    lab = ScriptedLab()
    keeper_in(lab)
    lab.kernel.events.subscribe("exit", lambda thread, status: kept_by(thread, thread.fds))

    def body(m):
        pid = yield from child_that_exits(m)
        yield m.call("wait4", pid, 0, 0, 0)

    leak = only(find(body, lab), "fd table")
    assert leak.holder[-1] == ".kept[1] fd table (0 open)"
    assert leak.category == "process data"


def test_a_table_whose_holders_are_miscounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The descriptors of a dead process are never closed, so its pipe keeps its memory."""

    def body(m):
        def child(m):
            yield m.call("pipe2", m.scratch, 0)
            yield m.call("write", 1, m.scratch, 100)
            monkeypatch.setattr(Scope, "close", lambda self: None)
            yield m.call("exit_group", 0)

        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)

    report = find(body)
    assert report.heap_unaccounted == 4096
    assert {wrong.text for wrong in report.frames} >= {"held by nobody"}


# -- timers, futexes, shared memory --------------------------------------------------------


def test_a_timer_never_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(m):
        monkeypatch.setattr(Timer, "cancel", lambda self: None)
        fd = yield m.call("timerfd_create", 1, 0)
        m.store(m.scratch, bytes(16) + (10**6).to_bytes(8, "little") + bytes(8))
        yield m.call("timerfd_settime", fd, 0, m.scratch, 0)
        yield m.call("close", fd)

    report = find(body)
    leak = only(report, "timer")
    assert leak.holder[-1].startswith("._timers[")
    assert leak.syscall == "timerfd_settime"
    assert leak.category == "timer"


def test_a_futex_entry_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(m):
        monkeypatch.setattr(FutexTable, "leave", lambda self, waiter: None)
        m.store(m.scratch, bytes(8) + (1000).to_bytes(8, "little") + bytes(4))
        yield m.call("futex", m.scratch + 16, 128, 0, m.scratch, 0, 0)

    leak = only(find(body), "futex entry")
    assert leak.name == "futex entry of thread 1"
    assert leak.holder[0].startswith("kernel.futexes")
    assert ".queues[" in leak.holder[-1]
    assert leak.syscall == "futex"


def test_a_shared_memory_segment_never_removed() -> None:
    def body(m):
        shm = yield m.call("shmget", IPC_PRIVATE, 8192, 0o600)
        at = yield m.call("shmat", shm, 0, 0)
        m.store(at, b"x")
        yield m.call("shmdt", at)

    report = find(body)
    leak = only(report, "shm segment")
    assert leak.name == "shm segment 0 (0 attached)"
    assert leak.holder[0].startswith("kernel.shm")
    assert leak.retained_bytes >= 4096
    assert report.frames == ()


# -- what nobody of the kernel holds -------------------------------------------------------


def test_an_object_held_outside_of_the_kernel() -> None:
    class Outsider:  # made here: `few_objects` hides what is older from the search
        kept: ClassVar[list[object]] = []

    def outsider(thread, status):
        Outsider.kept.append(thread.process)

    lab = ScriptedLab()
    lab.kernel.events.subscribe("exit", outsider)

    def body(m):
        pid = yield from child_that_exits(m)
        yield m.call("wait4", pid, 0, 0, 0)

    leak = only(find(body, lab), "process")
    assert leak.how == "outside"
    assert "Outsider" in who(leak)


def test_a_cycle_held_by_itself_alone() -> None:
    def body(m):
        fd = yield m.call("eventfd2", 0, 0)
        file = lab.kernel.threads[1].fds[fd]
        hot = PollSet()
        hot.register(Loop(file, hot))  # the file's own waker refers to the file
        del hot, file
        yield m.call("close", fd)

    lab = ScriptedLab()
    report = find(body, lab)
    assert not any(leak.kind == "poll set" and leak.how == "held" for leak in report.leaks)
    (cycle,) = [found for found in report.cycles if "poll set" in dict(found.kinds)]
    assert cycle.steps == (
        "poll set (1 registered)",
        "._wakers.keys().things[1] poll set (1 registered)",
    )


class Loop:
    def __init__(self, *things: object) -> None:
        self.things = things
        self.alive = True
