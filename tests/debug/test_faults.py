"""Page faults by cause, on the scripted machine."""

from __future__ import annotations

import pytest

from starrylab.abi.mman import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED
from starrylab.debug import faults
from starrylab.machine.api import READ, WRITE
from tests.kernel.conftest import SCRATCH, ScriptedLab

ANON = MAP_PRIVATE | MAP_ANONYMOUS
PAGE = 4096


@pytest.fixture
def lab() -> ScriptedLab:
    return ScriptedLab()


def counts_of(lab: ScriptedLab, program) -> dict[str, int]:
    counter = faults.FaultCounter(lab.kernel)

    def all_of_it(m):
        yield from program(m, counter)
        counter.stop()
        yield m.call("exit_group", 0)

    lab.run(all_of_it)
    return dict(counter.counts)


def test_anonymous_memory(lab) -> None:
    def program(m, counter):
        addr = yield m.call("mmap", 0, 4 * PAGE, READ | WRITE, ANON, -1, 0)
        counter.start()
        m.store(addr, b"x")
        m.load(addr + PAGE, 1)
        m.store(addr + PAGE, b"x")

    assert counts_of(lab, program) == {
        faults.FIRST_TOUCH: 1, faults.ZERO_PAGE: 1, faults.AFTER_READ: 1,
    }  # fmt: skip


def test_copy_on_write_after_fork(lab) -> None:
    def child(m):
        yield m.call("ppoll", 0, 0, 0, 0, 0)

    def program(m, counter):
        m.store(SCRATCH, b"x")
        yield m.fork(child)
        counter.start()
        m.store(SCRATCH, b"y")

    assert counts_of(lab, program) == {faults.COPY_ON_WRITE: 1}


def test_a_page_that_nobody_shares_any_more_needs_only_permission(lab) -> None:
    def child(m):
        yield m.call("exit_group", 0)

    def program(m, counter):
        m.store(SCRATCH, b"x")
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        counter.start()
        m.store(SCRATCH, b"y")

    assert counts_of(lab, program) == {faults.PERMISSION: 1}


def test_files(lab) -> None:
    def program(m, counter):
        m.string(SCRATCH, b"/f")
        fd = yield m.call("openat", -100, SCRATCH, 0o102, 0o644)
        yield m.call("write", fd, SCRATCH, PAGE)
        shared = yield m.call("mmap", 0, PAGE, READ | WRITE, MAP_SHARED, fd, 0)
        private = yield m.call("mmap", 0, PAGE, READ | WRITE, MAP_PRIVATE, fd, 0)
        counter.start()
        m.load(shared, 1)
        m.store(private, b"x")

    assert counts_of(lab, program) == {faults.CACHED: 1, faults.FILE_COPY: 1}


def test_a_refused_access(lab) -> None:
    def program(m, counter):
        counter.start()
        yield m.call("getpid")
        try:
            m.load(0x8000, 1)
        except BaseException:
            counter.stop()
            raise

    counter_seen = counts_of(lab, program)
    assert counter_seen == {faults.REFUSED: 1}


def test_nothing_is_counted_when_it_is_off(lab) -> None:
    def program(m, counter):
        counter.start()
        counter.start()
        counter.stop()
        counter.stop()
        m.store(SCRATCH, b"x")
        yield m.call("getpid")

    assert counts_of(lab, program) == {}
    assert lab.kernel.events.page_fault is None
