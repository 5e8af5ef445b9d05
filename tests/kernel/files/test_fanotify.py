"""fanotify and leases: what they cost others, who goes while somebody waits, limits."""

from __future__ import annotations

import struct

from starrylab.abi import signal as sig
from starrylab.abi.errno import EAGAIN, EINVAL, EMFILE, ENOSPC
from starrylab.abi.fanotify import (
    FAN_ALLOW,
    FAN_CLASS_CONTENT,
    FAN_CREATE,
    FAN_EVENT_ON_CHILD,
    FAN_MARK_ADD,
    FAN_MARK_FILESYSTEM,
    FAN_MARK_MOUNT,
    FAN_NONBLOCK,
    FAN_OPEN,
    FAN_OPEN_PERM,
    FAN_REPORT_FID,
    METADATA,
    RESPONSE,
)
from starrylab.abi.fcntl import (
    AT_FDCWD,
    F_GETLEASE,
    F_NOTIFY,
    F_RDLCK,
    F_SETLEASE,
    F_UNLCK,
    F_WRLCK,
    O_CREAT,
    O_DIRECTORY,
    O_NONBLOCK,
    O_RDONLY,
    O_WRONLY,
)
from starrylab.abi.inotify import IN_CREATE
from starrylab.kernel.files.watching import Kind
from starrylab.kernel.syscalls import table


def made(m, path: bytes, flags: int = O_CREAT | O_WRONLY):
    return m.call("openat", AT_FDCWD, m.string(m.scratch + 512, path), flags, 0o600)


def words(m, *values: int) -> int:
    m.store(m.scratch, struct.pack(f"<{len(values)}Q", *values))
    return m.scratch


def mark(m, fan: int, flags: int, mask: int, path: bytes = b"/"):
    name = m.string(m.scratch + 512, path)
    return m.call("fanotify_mark", fan, FAN_MARK_ADD | flags, mask, AT_FDCWD, name)


def served(lab) -> list[object]:
    return [lab.kernel.calls.list[number] for number in sorted(table("riscv64"))]


def test_nobody_pays_when_nobody_listens(lab) -> None:
    before = served(lab)
    fs = lab.kernel.root.fs

    def program(m):
        fan = yield m.call("fanotify_init", FAN_CLASS_CONTENT, 0)
        assert served(lab) != before
        yield mark(m, fan, 0, FAN_OPEN)
        yield mark(m, fan, FAN_MARK_MOUNT, FAN_OPEN)
        yield mark(m, fan, FAN_MARK_FILESYSTEM, FAN_OPEN)
        assert len(fs.watched) == 3
        yield m.call("close", fan)
        assert served(lab) == before
        assert not fs.watched
        assert fs.marks is None
        yield (yield from lease(m))
        assert served(lab) == before
        folder = yield made(m, b"/", O_RDONLY | O_DIRECTORY)
        yield m.call("fcntl", folder, F_NOTIFY, 1)
        assert served(lab) != before
        yield m.call("close", folder)
        assert served(lab) == before
        assert not fs.watched
        yield m.call("exit_group", 0)

    def lease(m):
        fd = yield made(m, b"/leased", O_CREAT | O_RDONLY)
        assert (yield m.call("fcntl", fd, F_SETLEASE, F_RDLCK)) == 0
        assert served(lab) != before
        return m.call("close", fd)

    lab.run(program)
    assert lab.exit_status == 0


def test_whoever_waits_for_an_answer_may_be_killed(lab) -> None:
    def program(m):
        yield m.call("close", (yield made(m, b"/file")))
        fan = yield m.call("fanotify_init", FAN_CLASS_CONTENT | FAN_NONBLOCK, 0)
        yield mark(m, fan, 0, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD)

        def child(c):
            yield made(c, b"/file", O_RDONLY)
            yield c.call("exit_group", 1)

        pid = yield m.fork(child)
        yield m.call("nanosleep", words(m, 0, 10_000_000), 0)
        yield m.call("kill", pid, sig.SIGKILL)
        yield m.call("wait4", pid, m.scratch, 0, 0)
        assert struct.unpack("<i", m.load(m.scratch, 4))[0] == sig.SIGKILL
        assert (yield m.call("read", fan, m.scratch, 4096)) == -EAGAIN.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_what_was_answered_may_be_another_file_by_then(lab) -> None:
    """The name leads to a file that nobody asked about: it is asked about as well."""

    def program(m):
        yield m.call("close", (yield made(m, b"/file")))
        yield m.call("close", (yield made(m, b"/other")))
        fan = yield m.call("fanotify_init", FAN_CLASS_CONTENT, 0)
        yield mark(m, fan, 0, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD)

        def child(c):
            fd = yield made(c, b"/file", O_RDONLY)
            yield c.call("exit_group", 0 if fd >= 0 else 1)

        pid = yield m.fork(child)
        questions = 0
        for last in (False, True):
            assert (yield m.call("read", fan, m.scratch, 4096)) == METADATA.size
            fd = METADATA.unpack(m.load(m.scratch, METADATA.size))[5]
            questions += 1
            if not last:
                old, new = m.string(m.scratch + 512, b"/other"), m.string(m.scratch + 600, b"/file")
                yield m.call("renameat2", AT_FDCWD, old, AT_FDCWD, new, 0)
            m.store(m.scratch, RESPONSE.pack(fd, FAN_ALLOW))
            assert (yield m.call("write", fan, m.scratch, RESPONSE.size)) == RESPONSE.size
            yield m.call("close", fd)
        yield m.call("wait4", pid, m.scratch, 0, 0)
        assert struct.unpack("<i", m.load(m.scratch, 4))[0] == 0
        assert questions == 2
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_lease_ends_by_itself(lab) -> None:
    lab.kernel.watching.lease_break_time = 1

    def program(m):
        fd = yield made(m, b"/file", O_CREAT | O_RDONLY)
        yield m.call("fcntl", fd, F_SETLEASE, F_WRLCK)
        yield m.call("rt_sigprocmask", 0, words(m, 1 << (sig.SIGIO - 1)), 0, 8)
        started = lab.kernel.executor.now
        again = yield made(m, b"/file", O_RDONLY)
        assert again >= 0
        assert lab.kernel.executor.now - started >= 1_000_000_000
        assert (yield m.call("fcntl", fd, F_GETLEASE, 0)) == F_RDLCK
        assert (yield made(m, b"/file", O_WRONLY | O_NONBLOCK)) == -EAGAIN.errno
        assert (yield m.call("fcntl", fd, F_GETLEASE, 0)) == F_UNLCK
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_limits_of_a_user(lab) -> None:
    limits = lab.kernel.watching.limits
    limits[Kind.FANOTIFY_GROUPS] = limits[Kind.INOTIFY_INSTANCES] = 2
    limits[Kind.FANOTIFY_MARKS] = limits[Kind.INOTIFY_WATCHES] = 1

    def program(m):
        first = yield m.call("fanotify_init", FAN_REPORT_FID, 0)
        second = yield m.call("fanotify_init", FAN_REPORT_FID, 0)
        assert (yield m.call("fanotify_init", FAN_REPORT_FID, 0)) == -EMFILE.errno
        assert (yield mark(m, first, 0, FAN_CREATE)) == 0
        assert (yield mark(m, first, 0, FAN_OPEN)) == 0
        assert (yield mark(m, second, 0, FAN_CREATE)) == -ENOSPC.errno
        yield m.call("close", first)
        assert (yield mark(m, second, 0, FAN_CREATE)) == 0
        watcher = yield m.call("inotify_init1", 0)
        yield m.call("inotify_init1", 0)
        assert (yield m.call("inotify_init1", 0)) == -EMFILE.errno
        name = m.string(m.scratch + 512, b"/")
        assert (yield m.call("inotify_add_watch", watcher, name, IN_CREATE)) == 1
        yield m.call("close", (yield made(m, b"/file")))
        name = m.string(m.scratch + 512, b"/file")
        assert (yield m.call("inotify_add_watch", watcher, name, IN_CREATE)) == -ENOSPC.errno
        assert (yield m.call("fcntl", watcher, F_SETLEASE, F_RDLCK)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
