"""The epoll file alone: readiness, triggers, nesting, closed files, and a model."""

from __future__ import annotations

import gc
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from starrylab.abi.errno import EAGAIN, EEXIST, EINVAL, ELOOP, ENOENT, EPERM
from starrylab.abi.poll import (
    EPOLLET,
    EPOLLEXCLUSIVE,
    EPOLLHUP,
    EPOLLIN,
    EPOLLONESHOT,
    EPOLLOUT,
)
from starrylab.kernel.files.epoll import Epoll
from starrylab.kernel.files.eventfd import EventFd
from starrylab.kernel.files.file import File
from starrylab.kernel.files.pipe import make_pipe
from tests.kernel.files.waiting_support import CountingWaker, held

ONE = (1).to_bytes(8, "little")


def event(count: int = 0) -> EventFd:
    return held(EventFd(count))


def test_level_triggered_reports_until_it_is_over() -> None:
    epoll, file = Epoll(), event()
    epoll.add(3, file, EPOLLIN, 33)
    assert epoll.collect(10) == []
    waker = CountingWaker()
    epoll.register(waker, EPOLLIN)
    file.write(ONE)
    assert waker.count == 1
    assert epoll.poll() & EPOLLIN
    assert epoll.collect(10) == epoll.collect(10) == [(EPOLLIN, 33)]
    file.read(8)
    assert epoll.collect(10) == []
    assert not epoll.poll()
    assert not epoll.ready
    file.write(ONE)
    assert epoll.collect(10) == [(EPOLLIN, 33)]


def test_edge_triggered_reports_once_for_each_change() -> None:
    epoll, file = Epoll(), event(1)
    epoll.add(3, file, EPOLLIN | EPOLLET, 7)
    assert epoll.collect(10) == [(EPOLLIN, 7)]
    assert epoll.collect(10) == []
    file.write(ONE)
    file.write(ONE)
    assert epoll.collect(10) == [(EPOLLIN, 7)]
    assert epoll.collect(10) == []
    epoll.modify(3, file, EPOLLIN | EPOLLET, 8)
    assert epoll.collect(10) == [(EPOLLIN, 8)]


def test_oneshot_is_silent_until_it_is_armed_again() -> None:
    epoll, file = Epoll(), event(1)
    epoll.add(3, file, EPOLLIN | EPOLLONESHOT, 7)
    assert epoll.collect(10) == [(EPOLLIN, 7)]
    file.write(ONE)
    assert epoll.collect(10) == []
    assert not epoll.poll()
    epoll.modify(3, file, EPOLLIN | EPOLLONESHOT, 9)
    assert epoll.collect(10) == [(EPOLLIN, 9)]


def test_modify_changes_what_is_waited_for() -> None:
    epoll, file = Epoll(), event()
    epoll.add(3, file, EPOLLIN, 1)
    epoll.modify(3, file, EPOLLOUT, 2)
    assert epoll.collect(10) == [(EPOLLOUT, 2)]
    epoll.modify(3, file, EPOLLIN, 3)
    assert epoll.collect(10) == []


def test_few_events_at_a_time_come_in_turn() -> None:
    epoll = Epoll()
    files = [event(1) for _ in range(3)]
    for fd, file in enumerate(files):
        epoll.add(fd, file, EPOLLIN, fd)
    seen = [epoll.collect(1)[0][1] for _ in range(6)]
    assert seen == [0, 1, 2, 0, 1, 2]


def test_errors() -> None:
    epoll, file = Epoll(), event()
    with pytest.raises(EPERM):
        epoll.add(1, File(), EPOLLIN, 0)
    with pytest.raises(EINVAL):
        epoll.add(1, epoll, EPOLLIN, 0)
    with pytest.raises(ENOENT):
        epoll.modify(1, file, EPOLLIN, 0)
    with pytest.raises(ENOENT):
        epoll.remove(1, file)
    epoll.add(1, file, EPOLLIN | EPOLLEXCLUSIVE, 0)
    with pytest.raises(EEXIST):
        epoll.add(1, file, EPOLLIN, 0)
    with pytest.raises(EINVAL):
        epoll.modify(1, file, EPOLLIN, 0)
    with pytest.raises(EINVAL):
        epoll.add(2, file, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0)
    epoll.add(2, file, EPOLLIN, 0)  # the same file under another number


def test_a_removed_file_says_nothing_and_registrations_do_not_pile_up() -> None:
    epoll, file = Epoll(), event()
    for _ in range(100):
        epoll.add(1, file, EPOLLIN, 5)
        epoll.remove(1, file)
    assert len(file._readers) <= 10
    waker = CountingWaker()
    epoll.register(waker, EPOLLIN)
    file.write(ONE)
    assert waker.count == 0
    assert epoll.collect(10) == []
    epoll.add(1, file, EPOLLIN, 6)
    assert epoll.collect(10) == [(EPOLLIN, 6)]


def test_removed_while_it_is_in_the_ready_list() -> None:
    epoll, file = Epoll(), event(1)
    epoll.add(1, file, EPOLLIN, 5)
    epoll.remove(1, file)
    assert not epoll.poll()
    assert epoll.collect(10) == []
    epoll.add(1, file, EPOLLIN, 5)
    epoll.remove(1, file)
    epoll.add(1, file, EPOLLIN, 6)
    assert epoll.collect(10) == [(EPOLLIN, 6)]


def test_a_closed_file_leaves_by_itself() -> None:
    epoll = Epoll()
    reader, writer = map(held, make_pipe())
    epoll.add(1, reader, EPOLLIN, 5)
    writer.write(b"x")
    reader.release()
    assert epoll.collect(10) == []
    assert epoll.items() == []
    for fd in range(50):
        file = event()
        epoll.add(fd, file, EPOLLIN, 0)
        file.release()
    assert len(epoll.items()) < 5


def test_hanging_up_is_reported_unasked() -> None:
    epoll = Epoll()
    reader, writer = map(held, make_pipe())
    epoll.add(1, reader, 0, 5)
    writer.release()
    assert epoll.collect(10) == [(EPOLLHUP, 5)]


def test_epoll_in_epoll() -> None:
    inner, outer, file = held(Epoll()), held(Epoll()), event()
    inner.add(1, file, EPOLLIN, 1)
    outer.add(2, inner, EPOLLIN, 2)
    assert outer.collect(5) == []
    waker = CountingWaker()
    outer.register(waker, EPOLLIN)
    file.write(ONE)
    assert waker.count == 1
    assert outer.collect(5) == [(EPOLLIN, 2)]
    file.read(8)
    assert outer.collect(5) == []
    file.write(ONE)
    assert outer.collect(5) == [(EPOLLIN, 2)]


def test_circles_and_deep_nesting_are_refused() -> None:
    first, second = held(Epoll()), held(Epoll())
    first.add(1, second, EPOLLIN, 0)
    with pytest.raises(ELOOP):
        second.add(1, first, EPOLLIN, 0)
    first.remove(1, second)
    second.add(1, first, EPOLLIN, 0)
    chain = [held(Epoll()) for _ in range(6)]
    for below, above in pairwise(chain[:5]):
        above.add(1, below, EPOLLIN, 0)
    with pytest.raises(ELOOP):
        chain[5].add(1, chain[4], EPOLLIN, 0)


def test_closing_it_forgets_everything() -> None:
    epoll, file = held(Epoll()), event()
    epoll.add(1, file, EPOLLIN, 5)
    epoll.release()
    file.write(ONE)
    assert not epoll.ready
    assert epoll.items() == []
    gc.collect()


class EpollModel(RuleBasedStateMachine):
    """Four counters, watched or not, against what epoll(7) says of each trigger."""

    def __init__(self) -> None:
        super().__init__()
        self.epoll = Epoll()
        self.files = [event() for _ in range(4)]
        self.watched: dict[int, int] = {}  # index -> events
        self.silent: set[int] = set()  # oneshot, reported
        self.edge: set[int] = set()  # edge-triggered with something new

    def flags(self, index: int) -> int:
        return self.watched.get(index, 0)

    @rule(index=st.integers(0, 3), extra=st.sampled_from([0, EPOLLET, EPOLLONESHOT]))
    def watch(self, index: int, extra: int) -> None:
        call = self.epoll.modify if index in self.watched else self.epoll.add
        call(index, self.files[index], EPOLLIN | extra, index)
        self.watched[index] = EPOLLIN | extra
        self.silent.discard(index)
        self.edge.discard(index)
        if self.files[index].count:
            self.edge.add(index)

    @rule(index=st.integers(0, 3))
    def forget(self, index: int) -> None:
        if index in self.watched:
            self.epoll.remove(index, self.files[index])
            del self.watched[index]
            self.silent.discard(index)
            self.edge.discard(index)

    @rule(index=st.integers(0, 3))
    def produce(self, index: int) -> None:
        self.files[index].write(ONE)
        if index in self.watched:
            self.edge.add(index)

    @rule(index=st.integers(0, 3))
    def consume(self, index: int) -> None:
        if self.files[index].count:
            self.files[index].read(8)
        else:
            with pytest.raises(EAGAIN):
                self.files[index].read(8)

    def expected(self) -> set[int]:
        return {
            index
            for index, events in self.watched.items()
            if self.files[index].count
            and index not in self.silent
            and (not events & EPOLLET or index in self.edge)
        }

    @rule(limit=st.integers(1, 5))
    def wait(self, limit: int) -> None:
        expected = self.expected()
        found = [data for _, data in self.epoll.collect(limit)]
        assert len(set(found)) == len(found)
        assert set(found) <= expected
        assert len(found) == min(limit, len(expected))
        for index in found:
            self.edge.discard(index)
            if self.watched[index] & EPOLLONESHOT:
                self.silent.add(index)

    @invariant()
    def readiness_agrees(self) -> None:
        assert bool(self.epoll.poll()) == bool(self.expected())


EpollModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestEpollModel = EpollModel.TestCase
