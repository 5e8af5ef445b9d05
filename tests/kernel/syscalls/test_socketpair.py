"""socketpair and messages on the scripted machine."""

from __future__ import annotations

import struct

from starrylab.abi.errno import (
    EAFNOSUPPORT,
    EAGAIN,
    EBADF,
    EFAULT,
    EINVAL,
    EISCONN,
    ENOPROTOOPT,
    ENOTSOCK,
    EPERM,
    EPIPE,
    EPROTONOSUPPORT,
    ESOCKTNOSUPPORT,
)
from starrylab.abi.socket import (
    AF_INET,
    AF_UNIX,
    CMSGHDR,
    MSG_CTRUNC,
    MSG_DONTWAIT,
    MSG_EOR,
    MSG_NOSIGNAL,
    MSG_PEEK,
    MSG_TRUNC,
    MSG_WAITALL,
    MSGHDR,
    SCM_CREDENTIALS,
    SCM_RIGHTS,
    SHUT_WR,
    SO_DOMAIN,
    SO_ERROR,
    SO_PASSCRED,
    SO_PEERCRED,
    SO_SNDBUF,
    SO_TYPE,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_NONBLOCK,
    SOCK_SEQPACKET,
    SOCK_STREAM,
    SOL_SOCKET,
    UCRED,
)
from starrylab.kernel.task.cred import Credentials

BAD = 0x7000_0000_0000
DATA, IN, VEC, HEADER, CONTROL = 0x100, 0x200, 0x300, 0x340, 0x400


def pair(m, kind=SOCK_STREAM):
    assert (yield m.call("socketpair", AF_UNIX, kind, 0, m.scratch)) == 0
    return struct.unpack("<ii", m.load(m.scratch, 8))


def send(m, fd, data, flags=0):
    m.store(m.scratch + DATA, data)
    return m.call("sendto", fd, m.scratch + DATA, len(data), flags, 0, 0)


def message(m, size, control=0, iov=None):
    s = m.scratch
    iov = iov or [(s + IN, size)]
    m.store(s + VEC, b"".join(struct.pack("<QQ", *piece) for piece in iov))
    m.store(s + HEADER, MSGHDR.pack(0, 0, s + VEC, len(iov), s + CONTROL, control, 0))
    return s + HEADER


def header(m):
    return MSGHDR.unpack(m.load(m.scratch + HEADER, MSGHDR.size))


def rights(m, *fds):
    body = struct.pack(f"<{len(fds)}i", *fds)
    m.store(m.scratch + CONTROL, CMSGHDR.pack(16 + len(body), SOL_SOCKET, SCM_RIGHTS) + body)
    return 16 + len(body)


def test_a_conversation(lab) -> None:
    def program(m):
        a, b = yield from pair(m)

        def child(c):
            count = yield c.call("read", b, c.scratch + IN, 100)
            c.store(c.scratch + IN + count, b"!")
            yield c.call("write", b, c.scratch + IN, count + 1)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        yield m.call("close", b)
        assert (yield send(m, a, b"hello")) == 5
        assert (yield m.call("recvfrom", a, m.scratch + IN, 100, 0, 0, 0)) == 6
        assert m.load(m.scratch + IN, 6) == b"hello!"
        assert (yield m.call("read", a, m.scratch + IN, 100)) == 0
        assert (yield send(m, a, b"x", MSG_NOSIGNAL)) == -EPIPE.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_creation_errors(lab) -> None:
    def program(m):
        s = m.scratch
        for call, expected in (
            (("socketpair", AF_INET, SOCK_STREAM, 0, s), EAFNOSUPPORT),
            (("socket", AF_INET, SOCK_STREAM, 0), EAFNOSUPPORT),
            (("socket", AF_UNIX, SOCK_STREAM | 0x10000, 0), EINVAL),
            (("socketpair", AF_UNIX, 4, 0, s), ESOCKTNOSUPPORT),
            (("socketpair", AF_UNIX, SOCK_STREAM | 0x10000, 0, s), EINVAL),
            (("socketpair", AF_UNIX, SOCK_STREAM, 7, s), EPROTONOSUPPORT),
            (("socketpair", AF_UNIX, SOCK_STREAM, 0, BAD), EFAULT),
        ):
            assert (yield m.call(*call)) == -expected.errno, call
        a, _ = yield from pair(m, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
        assert a == 0
        assert (yield m.call("fcntl", a, 1, 0)) == 1
        assert (yield m.call("read", a, s + IN, 1)) == -EAGAIN.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_descriptors_travel(lab) -> None:
    def program(m):
        a, b = yield from pair(m)
        event = yield m.call("eventfd2", 9, 0)
        m.store(m.scratch + DATA, b"take this")
        size = rights(m, event, a)
        out = message(m, 0, size, iov=[(m.scratch + DATA, 4), (m.scratch + DATA + 4, 5)])
        assert (yield m.call("sendmsg", a, out, 0)) == 9
        yield m.call("close", event)
        assert (yield m.call("recvmsg", b, message(m, 100, 64), 0)) == 9
        assert m.load(m.scratch + IN, 9) == b"take this"
        *_, control_size, flags = header(m)
        assert (control_size, flags) == (24, 0)
        control = m.load(m.scratch + CONTROL, 24)
        assert CMSGHDR.unpack_from(control) == (24, SOL_SOCKET, SCM_RIGHTS)
        got, other = struct.unpack_from("<ii", control, 16)
        assert (yield m.call("read", got, m.scratch + IN, 8)) == 8
        assert m.load(m.scratch + IN, 1) == b"\x09"
        assert lab.kernel.init.leader.fds[other] is lab.kernel.init.leader.fds[a]
        yield m.call("exit_group", 0)

    lab.run(program)


def test_descriptors_that_do_not_fit_are_closed(lab) -> None:
    def program(m):
        a, b = yield from pair(m)
        event = yield m.call("eventfd2", 9, 0)
        file = lab.kernel.init.leader.fds[event]
        for room in (20, 0):
            m.store(m.scratch + DATA, b"x")
            size = rights(m, event, event)
            out = message(m, 0, size, iov=[(m.scratch + DATA, 1)])
            assert (yield m.call("sendmsg", a, out, 0)) == 1
            assert (yield m.call("recvmsg", b, message(m, 100, room), 0)) == 1
            assert header(m)[-1] == MSG_CTRUNC
        assert file.refs == 2
        assert (yield m.call("sendmsg", a, message(m, 1, rights(m, 99)), 0)) == -EBADF.errno
        m.store(m.scratch + CONTROL, CMSGHDR.pack(8, SOL_SOCKET, SCM_RIGHTS))
        assert (yield m.call("sendmsg", a, message(m, 1, 16), 0)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_credentials(lab) -> None:
    def program(m):
        a, b = yield from pair(m, SOCK_DGRAM)
        s = m.scratch
        m.store(s + 8, struct.pack("<ii", 1, 12))
        assert (yield m.call("setsockopt", b, SOL_SOCKET, SO_PASSCRED, s + 8, 4)) == 0
        yield send(m, a, b"who")
        assert (yield m.call("recvmsg", b, message(m, 100, 64), 0)) == 3
        control = m.load(s + CONTROL, 28)
        assert CMSGHDR.unpack_from(control) == (28, SOL_SOCKET, SCM_CREDENTIALS)
        assert UCRED.unpack_from(control, 16) == (1, 1000, 1000)
        assert (yield m.call("getsockopt", a, SOL_SOCKET, SO_PEERCRED, s + IN, s + 12)) == 0
        assert UCRED.unpack(m.load(s + IN, 12)) == (1, 1000, 1000)
        lie = CMSGHDR.pack(28, SOL_SOCKET, SCM_CREDENTIALS) + UCRED.pack(1, 0, 1000)
        m.store(s + CONTROL, lie)
        assert (yield m.call("sendmsg", a, message(m, 1, 28), 0)) == -EPERM.errno
        yield m.call("exit_group", 0)

    lab.run(program, cred=Credentials.user(1000, 1000))


def test_messages_and_truncation(lab) -> None:
    def program(m):
        a, b = yield from pair(m, SOCK_SEQPACKET)
        yield send(m, a, b"abcdef")
        assert (yield m.call("recvmsg", b, message(m, 4), MSG_PEEK)) == 4
        assert header(m)[-1] == MSG_TRUNC | MSG_EOR
        receive = m.call("recvfrom", b, m.scratch + IN, 4, MSG_TRUNC, 0, 0)
        assert (yield receive) == 6
        again = m.call("recvfrom", b, m.scratch + IN, 4, MSG_DONTWAIT, 0, 0)
        assert (yield again) == -EAGAIN.errno
        yield send(m, a, b"")
        assert (yield m.call("recvfrom", b, m.scratch + IN, 4, 0, 0, 0)) == 0
        yield m.call("shutdown", a, SHUT_WR)
        assert (yield m.call("recvfrom", b, m.scratch + IN, 4, 0, 0, 0)) == 0
        c, _ = yield from pair(m, SOCK_STREAM)
        to = m.call("sendto", c, m.scratch, 1, 0, m.scratch, 16)
        assert (yield to) == -EISCONN.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_waiting_for_all(lab) -> None:
    def program(m):
        a, b = yield from pair(m)

        def child(c):
            yield send(c, b, b"de")
            yield c.call("sched_yield")
            yield send(c, b, b"f")
            yield c.call("exit_group", 0)

        yield send(m, b, b"abc")
        yield m.fork(child)
        receive = m.call("recvfrom", a, m.scratch + IN, 6, MSG_WAITALL, 0, 0)
        assert (yield receive) == 6
        assert m.load(m.scratch + IN, 6) == b"abcdef"
        yield m.call("exit_group", 0)

    lab.run(program)


def test_a_big_send_meets_a_slow_receiver(lab) -> None:
    size = 500_000
    got = []

    def program(m):
        a, b = yield from pair(m)

        def child(c):
            yield c.call("close", b)
            assert (yield c.call("sendto", a, c.scratch + 4096, size, 0, 0, 0)) == size
            yield c.call("exit_group", 0)

        m.store(m.scratch + 4096, bytes(i % 253 for i in range(size)))
        yield m.fork(child)
        yield m.call("close", a)
        while True:
            count = yield m.call("recvfrom", b, m.scratch, 4096, 0, 0, 0)
            if not count:
                break
            got.append(m.load(m.scratch, count))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert b"".join(got) == bytes(i % 253 for i in range(size))


def test_options_and_names(lab) -> None:
    def program(m):
        a, _ = yield from pair(m)
        s = m.scratch
        event = yield m.call("eventfd2", 0, 0)

        def option(level, name):
            m.store(s + 12, struct.pack("<i", 4))
            return m.call("getsockopt", a, level, name, s + 8, s + 12)

        for name, expected in ((SO_TYPE, SOCK_STREAM), (SO_DOMAIN, AF_UNIX), (SO_ERROR, 0)):
            assert (yield option(SOL_SOCKET, name)) == 0
            assert struct.unpack("<i", m.load(s + 8, 4)) == (expected,)
        assert (yield option(SOL_SOCKET, 9999)) == -ENOPROTOOPT.errno
        m.store(s + 8, struct.pack("<i", 10_000))
        assert (yield m.call("setsockopt", a, SOL_SOCKET, SO_SNDBUF, s + 8, 4)) == 0
        yield option(SOL_SOCKET, SO_SNDBUF)
        assert struct.unpack("<i", m.load(s + 8, 4)) == (20_000,)
        m.store(s + 12, struct.pack("<i", 100))
        assert (yield m.call("getsockname", a, s + IN, s + 12)) == 0
        assert m.load(s + IN, 2) == b"\1\0"
        assert m.load(s + 12, 4) == b"\2\0\0\0"
        for call in ("shutdown", "getsockname", "sendmsg", "recvfrom"):
            assert (yield m.call(call, event, s, s)) == -ENOTSOCK.errno
        assert (yield m.call("shutdown", a, 5)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
