"""Socket pairs alone."""

from __future__ import annotations

import pytest

from starrylab.abi.errno import EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, EMSGSIZE, EPIPE
from starrylab.abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP
from starrylab.abi.socket import (
    SHUT_RD,
    SHUT_WR,
    SOCK_DGRAM,
    SOCK_SEQPACKET,
    SOCK_STREAM,
)
from starrylab.kernel.files.eventfd import EventFd
from starrylab.kernel.net.unix.making import make_pair
from starrylab.kernel.net.unix.message import Sender
from starrylab.kernel.net.unix.socket import DEFAULT_BUFFER, UnixSocket
from tests.kernel.files.waiting_support import CountingWaker, held

ME = Sender(1, 2, 3)


def pair(kind: int) -> tuple[UnixSocket, UnixSocket]:
    first, second = make_pair(kind, ME, 0, (4, 5))
    return held(first), held(second)


def test_a_stream_has_no_borders() -> None:
    a, b = pair(SOCK_STREAM)
    a.write(b"one")
    a.write(b"two")
    assert b.read(4) == b"onet"
    assert b.read(4) == b"wo"
    with pytest.raises(EAGAIN):
        b.read(1)
    b.write(b"back")
    assert a.read(10) == b"back"
    assert a.path() == b"socket:[4]"
    assert a.sigpipe


@pytest.mark.parametrize("kind", [SOCK_DGRAM, SOCK_SEQPACKET])
def test_messages_have_borders(kind: int) -> None:
    a, b = pair(kind)
    a.write(b"one")
    a.write(b"two")
    received = b.receive(2)
    assert (received.data, received.size) == (b"on", 3)
    assert b.read(10) == b"two"
    a.write(b"")
    assert b.receive(10).sender == ME
    assert a.in_flight == 0
    assert not a.sigpipe
    with pytest.raises(EMSGSIZE):
        a.write(bytes(DEFAULT_BUFFER))


def test_peeking_leaves_everything() -> None:
    a, b = pair(SOCK_STREAM)
    a.write(b"abc")
    a.write(b"def")
    assert b.receive(4, peek=True).data == b"abcd"
    assert b.read(10) == b"abcdef"
    c, d = pair(SOCK_DGRAM)
    c.write(b"abc")
    assert d.receive(2, peek=True).data == b"ab"
    assert d.read(9) == b"abc"


def test_a_full_buffer_blocks_and_wakes_when_there_is_plenty_of_room() -> None:
    a, b = pair(SOCK_STREAM)
    assert a.write(bytes(DEFAULT_BUFFER + 1)) == DEFAULT_BUFFER
    assert not a.poll() & POLLOUT
    with pytest.raises(EAGAIN):
        a.write(b"x")
    waker = CountingWaker()
    a.register(waker, POLLOUT)
    b.read(DEFAULT_BUFFER // 2)
    assert waker.count == 0
    b.read(DEFAULT_BUFFER // 2)
    assert waker.count == 1
    assert a.poll() & POLLOUT


def test_shutdown_of_one_direction() -> None:
    a, b = pair(SOCK_STREAM)
    waker = CountingWaker()
    b.register(waker, POLLIN)
    a.write(b"last")
    a.shutdown(SHUT_WR)
    with pytest.raises(EPIPE):
        a.write(b"x")
    assert b.read(10) == b"last"
    assert b.read(10) == b""
    assert b.poll() & (POLLIN | POLLRDHUP | POLLHUP) == POLLIN | POLLRDHUP
    b.write(b"still")
    assert a.read(10) == b"still"
    a.shutdown(SHUT_RD)
    with pytest.raises(EPIPE):
        b.write(b"x")
    assert b.poll() & POLLHUP
    with pytest.raises(EINVAL):
        a.shutdown(3)


def test_closing() -> None:
    a, b = pair(SOCK_STREAM)
    a.write(b"left")
    a.release()
    assert b.poll() & (POLLIN | POLLHUP) == POLLIN | POLLHUP
    assert b.read(10) == b"left"
    assert b.read(10) == b""
    with pytest.raises(EPIPE):
        b.write(b"x")


def test_closing_with_unread_data_resets() -> None:
    a, b = pair(SOCK_STREAM)
    b.write(b"never read")
    a.release()
    assert b.poll() & POLLERR
    with pytest.raises(ECONNRESET):
        b.read(10)
    assert b.read(10) == b""
    c, d = pair(SOCK_DGRAM)
    c.release()
    with pytest.raises(ECONNREFUSED):
        d.write(b"x")
    with pytest.raises(EAGAIN):
        d.read(1)


def test_files_travel_and_are_not_lost() -> None:
    a, b = pair(SOCK_STREAM)
    file = EventFd(0)
    file.acquire()
    a.write(b"before")
    a.send(b"with", ME, (file,))
    a.send(b"after", ME)
    assert file.refs == 2
    assert b.receive(100).data == b"before"
    received = b.receive(100)
    assert received.data == b"with"
    assert received.files == (file,)
    assert file.refs == 2  # the receiver's
    file.release()
    a.send(b"lost", ME, (file,))
    assert b.read(100) == b"afterlost"[:5]
    b.release()
    assert file.refs == 1


def test_read_closes_files_nobody_wanted() -> None:
    a, b = pair(SOCK_STREAM)
    file = EventFd(0)
    file.acquire()
    a.send(b"with", ME, (file,))
    assert b.read(2) == b"wi"
    assert file.refs == 1
    assert b.read(2) == b"th"


def test_senders_are_kept_apart_for_who_asks() -> None:
    a, b = pair(SOCK_STREAM)
    b.passcred = True
    a.send(b"mine", ME)
    a.send(b"yours", Sender(9, 9, 9))
    assert b.receive(100).data == b"mine"
    assert b.receive(100).sender == Sender(9, 9, 9)


def test_memory_is_charged_until_both_ends_are_closed() -> None:
    class Heap:
        used = 0

        def charge(self, size: int) -> None:
            self.used += size

        def discharge(self, size: int) -> None:
            self.used -= size

    heap = Heap()
    a, b = map(held, make_pair(SOCK_STREAM, ME, 0, heap=heap))
    a.write(bytes(5000))
    b.write(b"x")
    a.read(1)
    b.write(b"y")
    assert heap.used == 3 * 4096
    a.release()
    assert heap.used == 3 * 4096
    assert len(b.receive(9000).data) == 5000
    b.release()
    assert heap.used == 0
