"""Sockets that hold each other in their queues go when nobody else holds them."""

from __future__ import annotations

import gc
import weakref

import pytest

from starrylab.abi.errno import EAGAIN
from starrylab.abi.fcntl import O_NONBLOCK
from starrylab.abi.socket import SOCK_DGRAM, SOCK_STREAM
from starrylab.kernel.files.file import File
from starrylab.kernel.files.travelling import Travelling
from starrylab.kernel.net.unix.making import make_pair
from starrylab.kernel.net.unix.message import Sender
from starrylab.kernel.net.unix.socket import UnixSocket

ME = Sender(1, 0, 0)


class Plain(File):
    """Counts how often it was closed."""

    __slots__ = ("closings",)

    def __init__(self) -> None:
        super().__init__()
        self.closings = 0

    def closed(self) -> None:
        self.closings += 1


def pair(travelling: Travelling, kind: int = SOCK_STREAM) -> tuple[UnixSocket, UnixSocket]:
    ends = make_pair(kind, ME, O_NONBLOCK, travelling=travelling)
    for end in ends:
        end.acquire()
    return ends


def is_gone(end: UnixSocket) -> bool:
    return end.dead


def test_a_socket_sent_to_itself_is_collected() -> None:
    travelling = Travelling()
    first, second = pair(travelling)
    plain = Plain()
    first.send(b"x", ME, (second, plain))
    second.release()
    assert is_gone(second)
    assert plain.closings == 1
    first.release()
    assert travelling.places == {}


def test_a_ring_of_pairs_is_collected_at_the_last_close() -> None:
    travelling = Travelling()
    pairs = [pair(travelling, SOCK_DGRAM) for _ in range(5)]
    for i, (first, _) in enumerate(pairs):
        first.send(b"x", ME, pairs[(i + 1) % 5])
    for first, second in pairs[:4]:
        first.release()
        second.release()
    assert not any(is_gone(second) for _, second in pairs)
    pairs[4][0].release()
    assert not any(is_gone(second) for _, second in pairs)  # one can still be received from
    pairs[4][1].release()
    assert all(is_gone(end) for ends in pairs for end in ends)
    assert travelling.places == {}


def test_what_can_still_be_received_stays() -> None:
    travelling = Travelling()
    outer, inner = pair(travelling), pair(travelling)
    plain = Plain()
    inner[0].send(b"x", ME, (inner[1], plain))  # inside, a socket that holds itself
    outer[0].send(b"x", ME, (inner[0], inner[1]))
    inner[0].release()
    inner[1].release()
    assert plain.closings == 0
    got = outer[1].receive(10).files
    assert got == inner
    assert inner[1].receive(10).files == (inner[1], plain)
    assert travelling.places == {}


def test_a_call_in_flight_holds_its_socket() -> None:
    travelling = Travelling()
    first, second = pair(travelling)
    first.send(b"x", ME, (second,))
    second.acquire()  # somebody waits in recvmsg
    second.release()  # while another closes the descriptor
    assert not is_gone(second)
    second.release()
    assert is_gone(second)


def test_a_long_chain_is_closed_without_recursion() -> None:
    travelling = Travelling()
    plain = Plain()
    last: tuple[File, ...] = (plain,)
    for _ in range(5000):
        first, second = pair(travelling)
        first.send(b"x", ME, last)
        for file in last:
            file.release()
        last = (first, second)
    for file in last:
        file.release()
    assert plain.closings == 1
    assert travelling.places == {}


def test_small_messages_fill_the_buffer() -> None:
    for kind in (SOCK_STREAM, SOCK_DGRAM):
        first, _ = pair(Travelling(), kind)
        for _ in range(100):
            first.send(b"" if kind == SOCK_DGRAM else b"x", ME)
        with pytest.raises(EAGAIN):
            send_often(first)


def send_often(end: UnixSocket) -> None:
    for _ in range(1000):
        end.send(b"x", ME)


def test_room_comes_back_byte_by_byte() -> None:
    first, second = pair(Travelling())
    for size in (1, 5, 700, 2000):
        first.send(bytes(size), ME)
    for step in (1, 3, 100, 4000):
        second.receive(step)
    while second.queue:
        second.receive(100)
    assert first.in_flight == 0


def test_nothing_is_left_for_the_cycle_collector_to_find() -> None:
    travelling = Travelling()
    first, second = pair(travelling)
    first.send(b"x", ME, (second,))
    gone = weakref.ref(first)
    first.release()
    second.release()
    del first, second
    gc.collect()
    assert gone() is None
