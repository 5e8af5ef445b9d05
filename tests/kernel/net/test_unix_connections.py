"""Listeners and datagram sockets alone, and names on the scripted machine."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.errno import (
    EADDRINUSE,
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EFAULT,
    EINVAL,
    ENOENT,
    EPERM,
)
from starrylab.abi.poll import POLLHUP, POLLIN, POLLOUT
from starrylab.abi.socket import AF_UNIX, SOCK_DGRAM, SOCK_STREAM
from starrylab.kernel.files.eventfd import EventFd
from starrylab.kernel.files.travelling import Travelling
from starrylab.kernel.fs.proc.net import unix
from starrylab.kernel.net.unix.making import make
from starrylab.kernel.net.unix.message import Sender
from starrylab.kernel.net.unix.naming import from_address, to_address
from tests.kernel.files.waiting_support import CountingWaker, held

CLIENT, SERVER = Sender(1, 2, 3), Sender(4, 5, 6)
BAD = 0x7000_0000_0000


class Heap:
    """Adds up what is charged."""

    used = 0

    def charge(self, size: int) -> None:
        self.used += size

    def discharge(self, size: int) -> None:
        self.used -= size


def sockets(count: int, kind: int = SOCK_STREAM, heap: Heap | None = None):
    travelling = Travelling()
    made = [held(make(kind, CLIENT, heap=heap, travelling=travelling)) for _ in range(count)]
    return travelling, *made


def listener(sock, backlog: int = 0):
    sock.name = b"/name"
    sock.listen(backlog, SERVER)
    return sock


def test_both_ends_know_the_other() -> None:
    _, server, client = sockets(2)
    waker = CountingWaker()
    listener(server).register(waker, POLLIN)
    client.connect(server, 7, CLIENT)
    assert waker.count == 1
    client.write(b"early")
    end = server.accept()
    assert (end.peer_cred, client.peer_cred) == (CLIENT, SERVER)
    assert (end.name, end.ino, end.refs) == (b"/name", 7, 1)
    assert end.read(9) == b"early"
    with pytest.raises(EAGAIN):
        server.accept()


def test_a_full_listener_makes_clients_wait() -> None:
    _, server, first, second = sockets(3)
    listener(server)
    first.connect(server, 1, CLIENT)
    with pytest.raises(EAGAIN):
        second.connect(server, 2, CLIENT)
    waker = CountingWaker()
    server.wait_for_room(waker)
    server.accept()
    assert waker.count == 1
    second.connect(server, 2, CLIENT)


def test_who_is_never_accepted_is_reset() -> None:
    heap = Heap()
    _, server, client = sockets(2, heap=heap)
    listener(server)
    client.connect(server, 1, CLIENT)
    client.write(bytes(5000))
    server.release()
    assert client.poll() & POLLHUP
    with pytest.raises(ECONNRESET):
        client.read(1)
    with pytest.raises(ECONNREFUSED):
        sockets(1)[1].connect(server, 2, CLIENT)
    client.release()
    assert heap.used == 0


def test_a_listener_lost_in_its_own_connection_is_collected() -> None:
    """It lies in the queue of an end that only its own queue holds."""
    travelling, server, client = sockets(2)
    plain = held(EventFd(0))
    listener(server)
    client.connect(server, 1, CLIENT)
    client.send(b"x", CLIENT, (server, plain))
    server.release()
    assert server.dead
    assert plain.refs == 1
    assert not travelling.places


def test_datagrams_wait_for_a_receiver_that_is_slow() -> None:
    _, one, two = sockets(2, SOCK_DGRAM)
    one.connect(two, 0, CLIENT)
    for _ in range(11):
        one.write(b"x")
    assert not one.poll() & POLLOUT
    waker = CountingWaker()
    one.register(waker, POLLOUT)
    with pytest.raises(EAGAIN):
        one.write(b"x")
    two.read(1)
    assert waker.count == 1
    assert one.poll() & POLLOUT
    one.write(b"x")


def test_a_connected_datagram_socket_hears_its_peer_only() -> None:
    _, one, two, three = sockets(3, SOCK_DGRAM)
    one.connect(two, 0, CLIENT)
    with pytest.raises(EPERM):
        three.connect(one, 0, CLIENT)
    with pytest.raises(EPERM):
        three.send(b"x", CLIENT, (), one)
    two.send(b"x", CLIENT, (), one)
    two.connect(one, 0, CLIENT)
    one.disconnect()
    with pytest.raises(ECONNRESET):
        two.write(b"x")
    three.send(b"x", CLIENT, (), one)
    assert one.read(1) == b"x"


def test_what_a_closed_socket_has_sent_is_paid_for_until_it_is_read() -> None:
    heap = Heap()
    _, one, two = sockets(2, SOCK_DGRAM, heap)
    one.send(bytes(9000), CLIENT, (), two)
    one.release()
    assert heap.used == 3 * 4096
    assert len(two.read(9000)) == 9000
    assert heap.used == 0


@pytest.mark.parametrize("name", [b"", b"/a/b", b"\0abstract", b"\0", b"\0a\0b"])
def test_names_and_addresses(name: bytes) -> None:
    address = to_address(name)
    if name:
        assert from_address(address) == name
    else:
        assert address == struct.pack("<H", AF_UNIX)
    for wrong in (address[:1], b"\2\0" + address[2:], address.ljust(111, b"x")):
        with pytest.raises(EINVAL):
            from_address(wrong)


def address(m, name: bytes) -> tuple[int, int]:
    data = struct.pack("<H", AF_UNIX) + name
    m.store(m.scratch + 512, data)
    return m.scratch + 512, len(data)


def test_names_go_with_their_sockets(lab) -> None:
    def program(m):
        one = yield m.call("socket", AF_UNIX, SOCK_STREAM, 0)
        two = yield m.call("socket", AF_UNIX, SOCK_STREAM, 0)
        three = yield m.call("socket", AF_UNIX, SOCK_DGRAM, 0)
        assert (yield m.call("bind", one, *address(m, b"\0name"))) == 0
        assert (yield m.call("bind", two, *address(m, b"\0name"))) == -EADDRINUSE.errno
        assert (yield m.call("bind", three, *address(m, b"\0name"))) == 0
        assert (yield m.call("connect", two, *address(m, b"\0name"))) == -ECONNREFUSED.errno
        yield m.call("close", one)
        assert (yield m.call("bind", two, *address(m, b"\0name"))) == 0
        one = yield m.call("socket", AF_UNIX, SOCK_STREAM, 0)
        assert (yield m.call("bind", one, *address(m, b"/sock\0"))) == 0
        assert (yield m.call("listen", one, -1)) == 0
        two = yield m.call("socket", AF_UNIX, SOCK_STREAM, 0)
        assert (yield m.call("connect", two, *address(m, b"/sock"))) == 0
        yield m.call("close", one)
        two = yield m.call("socket", AF_UNIX, SOCK_STREAM, 0)
        assert (yield m.call("connect", two, *address(m, b"/sock"))) == -ECONNREFUSED.errno
        assert (yield m.call("connect", two, *address(m, b"/none"))) == -ENOENT.errno
        assert (yield m.call("connect", two, BAD, 10)) == -EFAULT.errno
        yield m.call("exit_group", 0)

    mount = lab.kernel.root
    before = mount.users
    lab.run(program)
    assert mount.users <= before  # a bound socket holds its mount only while it is open


def test_a_peer_address_that_cannot_be_stored_closes_the_connection(lab) -> None:
    def program(m):
        s = m.scratch
        one = yield m.call("socket", AF_UNIX, SOCK_STREAM, 0)
        two = yield m.call("socket", AF_UNIX, SOCK_STREAM, 0)
        yield m.call("bind", one, *address(m, b"\0name"))
        yield m.call("listen", one, 5)
        assert (yield m.call("connect", two, *address(m, b"\0name"))) == 0
        m.store(s, struct.pack("<i", 100))
        assert (yield m.call("accept", one, BAD, s)) == -EFAULT.errno
        assert (yield m.call("read", two, s, 10)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)


def test_proc_lists_open_sockets(lab) -> None:
    def program(m):
        s = m.scratch
        one = yield m.call("socket", AF_UNIX, SOCK_STREAM, 0)
        yield m.call("bind", one, *address(m, b"\0name"))
        yield m.call("listen", one, 5)
        yield m.call("socketpair", AF_UNIX, SOCK_DGRAM, 0, s)
        text = unix(lab.kernel).splitlines()
        assert len(text) == 4
        assert text[1].endswith(": 00000002 00000000 00010000 0001 01     1 @name")
        assert [line.split()[4:6] for line in text[2:]] == [["0002", "03"]] * 2
        yield m.call("exit_group", 0)

    lab.run(program)
    assert len(unix(lab.kernel).splitlines()) == 1
