"""inotify: the queue's end, the same event twice, processes that end, and what it costs others."""

from __future__ import annotations

from starrylab.abi.errno import EINVAL
from starrylab.abi.inotify import (
    EVENT,
    IN_ALL_EVENTS,
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE_SELF,
    IN_IGNORED,
    IN_MODIFY,
    IN_OPEN,
    IN_Q_OVERFLOW,
)
from starrylab.kernel.files.inotify import Event, Inotify
from starrylab.kernel.files.watching import Watching
from starrylab.kernel.syscalls import table

AT_FDCWD = -100
O_RDWR, O_CREAT = 2, 0o100


def instance() -> Inotify:
    made = Inotify(0, Watching(), 0, lambda: None)
    made.acquire()
    return made


def test_a_full_queue_says_so_once() -> None:
    inotify = instance()
    for number in range(16_389):
        inotify.add(Event(1, IN_OPEN, 0, b"%d" % number))
    assert len(inotify.events) == 16_385
    assert inotify.events[-1] == Event(-1, IN_Q_OVERFLOW)


def test_the_same_event_is_kept_once() -> None:
    inotify = instance()
    for mask in (IN_MODIFY, IN_MODIFY, IN_OPEN, IN_MODIFY):
        inotify.add(Event(1, mask, 0, b"name"))
    data = inotify.read(1000)
    assert len(data) == 3 * (EVENT.size + 16)
    assert EVENT.unpack_from(data) == (1, IN_MODIFY, 0, 16)
    assert data[16:32] == b"name".ljust(16, b"\0")


def masks(m, fd) -> list[int]:
    count = yield m.call("read", fd, m.scratch, 4096)
    data, found = m.load(m.scratch, count), []
    while data:
        _, mask, _, size = EVENT.unpack_from(data)
        found.append(mask)
        data = data[EVENT.size + size :]
    return found


def test_files_of_a_process_that_ends_are_closed(lab) -> None:
    def program(m):
        s = m.scratch
        name = m.string(s + 512, b"/file")
        inotify = yield m.call("inotify_init1", 0)
        yield m.call("inotify_add_watch", inotify, m.string(s + 600, b"/"), IN_ALL_EVENTS)

        def child(c):
            fd = yield c.call("openat", AT_FDCWD, name, O_RDWR | O_CREAT, 0o600)
            yield c.call("write", fd, s, 10)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        found = yield from masks(m, inotify)
        assert found == [IN_CREATE, IN_OPEN, IN_MODIFY, IN_CLOSE_WRITE]
        watch = yield m.call("inotify_add_watch", inotify, name, IN_DELETE_SELF)
        assert watch == 2
        yield m.call("unlinkat", AT_FDCWD, name, 0)
        found = yield from masks(m, inotify)
        assert found[:2] == [IN_DELETE_SELF, IN_IGNORED]
        assert (yield m.call("inotify_rm_watch", inotify, watch)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_nobody_pays_when_nobody_watches(lab) -> None:
    calls = lab.kernel.calls
    known = sorted(table("riscv64"))

    def served() -> list[object]:
        return [calls.list[number] for number in known]

    before = served()

    def program(m):
        first = yield m.call("inotify_init1", 0)
        second = yield m.call("inotify_init1", 0)
        assert served() != before
        yield m.call("inotify_add_watch", first, m.string(m.scratch, b"/"), IN_ALL_EVENTS)
        assert lab.kernel.root.fs.watched
        yield m.call("close", first)
        assert served() != before
        yield m.call("close", second)
        assert served() == before
        assert not lab.kernel.root.fs.watched
        yield m.call("exit_group", 0)

    lab.run(program)
