"""pipe2, splice, tee, vmsplice and the pipes of real processes."""

from __future__ import annotations

import struct

from starrylab.abi.errno import EAGAIN, EBADF, EFAULT, EINVAL, EMFILE, EPIPE, ESPIPE
from starrylab.abi.fcntl import F_GETPIPE_SZ, F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK, SPLICE_F_NONBLOCK
from starrylab.abi.ioctl import FIONREAD
from starrylab.abi.resource import RLIMIT_NOFILE
from starrylab.abi.signal import SIGPIPE

BAD = 0x7000_0000_0000


def pipe(m, flags=0):
    assert (yield m.call("pipe2", m.scratch + 0x600, flags)) == 0
    return struct.unpack("<ii", m.load(m.scratch + 0x600, 8))


def write(m, fd, data):
    m.store(m.scratch + 0x1000, data)
    return m.call("write", fd, m.scratch + 0x1000, len(data))


def test_pipe2(lab) -> None:
    def program(m):
        r, w = yield from pipe(m, O_NONBLOCK | O_CLOEXEC)
        assert (yield m.call("read", r, m.scratch, 1)) == -EAGAIN.errno
        assert (yield m.call("read", w, m.scratch, 1)) == -EBADF.errno
        assert (yield m.call("write", r, m.scratch, 1)) == -EBADF.errno
        assert (yield m.call("fcntl", r, 1, 0)) == 1
        assert (yield m.call("pipe2", m.scratch, 1)) == -EINVAL.errno
        assert (yield m.call("pipe2", BAD, 0)) == -EFAULT.errno
        assert (yield m.call("fcntl", r, F_GETPIPE_SZ, 0)) == 65536
        assert (yield m.call("fcntl", w, F_SETPIPE_SZ, 5000)) == 8192
        yield write(m, w, b"12345")
        assert (yield m.call("ioctl", r, FIONREAD, m.scratch)) == 0
        assert m.load(m.scratch, 4) == b"\5\0\0\0"
        m.store(m.scratch, struct.pack("<QQ", w + 2, 1024))
        yield m.call("prlimit64", 0, RLIMIT_NOFILE, m.scratch, 0)
        assert (yield m.call("pipe2", m.scratch, 0)) == -EMFILE.errno
        assert (yield m.call("pipe2", BAD, 0)) == -EMFILE.errno
        yield m.call("exit_group", len(lab.kernel.init.leader.fds))

    lab.run(program)
    assert lab.exit_status == 2 << 8  # what failed left nothing open


def test_a_big_write_meets_a_slow_reader(lab) -> None:
    size = 300_000
    data = bytes(i * 7 % 251 for i in range(1000)) * 300
    got = []

    def program(m):
        r, w = yield from pipe(m)

        def child(c):
            yield c.call("close", r)
            c.store(c.scratch + 0x2000, data)
            assert (yield c.call("write", w, c.scratch + 0x2000, size)) == size
            yield c.call("exit_group", 0)

        yield m.fork(child)
        yield m.call("close", w)
        while True:
            count = yield m.call("read", r, m.scratch + 0x2000, 10_000)
            if not count:
                break
            got.append(m.load(m.scratch + 0x2000, count))
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == bytes(4)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert b"".join(got) == data


def test_sigpipe(lab) -> None:
    def child(m):
        r, w = yield from pipe(m)
        yield m.call("close", r)
        yield write(m, w, b"x")
        raise AssertionError("SIGPIPE did not come")

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == struct.pack("<i", SIGPIPE)
        yield m.call("exit_group", 0)

    lab.run(program)


def test_epipe_when_sigpipe_is_ignored(lab) -> None:
    def program(m):
        m.store(m.scratch, struct.pack("<QQQ", 1, 0, 0))
        yield m.call("rt_sigaction", SIGPIPE, m.scratch, 0, 8)
        r, w = yield from pipe(m)
        yield m.call("close", r)
        assert (yield write(m, w, b"x")) == -EPIPE.errno
        r, w = yield from pipe(m)
        r2, w2 = yield from pipe(m)
        yield write(m, w, b"x")
        yield m.call("close", r2)
        assert (yield m.call("splice", r, 0, w2, 0, 10, 0)) == -EPIPE.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_splice_between_pipes_moves_the_pieces(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)
        r2, w2 = yield from pipe(m)
        yield write(m, w, b"abcdef")
        fds = lab.kernel.init.leader.fds
        piece = fds[r].buffer.chunks[0]
        assert (yield m.call("splice", r, 0, w2, 0, 100, 0)) == 6
        assert fds[r2].buffer.chunks[0] is piece
        assert (yield m.call("splice", r, 0, w2, 0, 5, SPLICE_F_NONBLOCK)) == -EAGAIN.errno
        assert (yield m.call("splice", r2, 0, w, 0, 4, 0)) == 4
        assert (yield m.call("read", r, m.scratch, 10)) == 4
        assert m.load(m.scratch, 4) == b"abcd"
        yield m.call("close", w)
        assert (yield m.call("splice", r, 0, w2, 0, 5, 0)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)


def test_splice_and_files(lab) -> None:
    def program(m):
        m.string(m.scratch, b"/file")
        fd = yield m.call("openat", -100, m.scratch, 0o102, 0o644)
        r, w = yield from pipe(m)
        yield write(m, w, b"0123456789")
        assert (yield m.call("splice", r, 0, fd, 0, 4, 0)) == 4
        offset = m.scratch + 0x100
        m.store(offset, struct.pack("<q", 20))
        assert (yield m.call("splice", r, 0, fd, offset, 100, 0)) == 6
        assert struct.unpack("<q", m.load(offset, 8)) == (26,)
        m.store(offset, struct.pack("<q", 2))
        assert (yield m.call("splice", fd, offset, w, 0, 1000, 0)) == 24
        assert struct.unpack("<q", m.load(offset, 8)) == (26,)
        assert (yield m.call("splice", fd, offset, w, 0, 1000, 0)) == 0
        assert (yield m.call("read", r, m.scratch, 100)) == 24
        assert m.load(m.scratch, 24) == b"23" + bytes(16) + b"456789"
        assert (yield m.call("lseek", fd, 0, 1)) == 4
        yield m.call("exit_group", 0)

    lab.run(program)


def test_splice_errors(lab) -> None:
    def program(m):
        m.string(m.scratch, b"/file")
        fd = yield m.call("openat", -100, m.scratch, 0o102, 0o644)
        app = yield m.call("openat", -100, m.scratch, 0o2001, 0)
        r, w = yield from pipe(m)
        off = m.scratch + 0x100
        m.store(off, struct.pack("<q", -1))
        for call, expected in (
            (("splice", r, 0, w, 0, 1, 0), EINVAL),
            (("splice", fd, 0, fd, 0, 1, 0), EINVAL),
            (("splice", r, off, fd, 0, 1, 0), ESPIPE),
            (("splice", fd, 0, w, off, 1, 0), ESPIPE),
            (("splice", fd, off, w, 0, 1, 0), EINVAL),
            (("splice", fd, BAD, w, 0, 1, 0), EFAULT),
            (("splice", r, 0, app, 0, 1, 0), EINVAL),
            (("splice", w, 0, fd, 0, 1, 0), EBADF),
            (("splice", r, 0, 99, 0, 1, 0), EBADF),
            (("splice", r, 0, fd, 0, 1, 0x100), EINVAL),
            (("tee", r, fd, 1, 0), EINVAL),
            (("tee", r, w, 1, 0), EINVAL),
            (("tee", 99, w, 1, 0), EBADF),
            (("vmsplice", fd, m.scratch, 1, 0), EBADF),
            (("vmsplice", w, BAD, 1, 0), EFAULT),
        ):
            assert (yield m.call(*call)) == -expected.errno, call
        assert (yield m.call("splice", r, 0, fd, 0, 0, 0)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)


def test_splice_waits_for_its_source(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)
        _, w2 = yield from pipe(m)

        def child(c):
            yield write(c, w, b"late")
            yield c.call("exit_group", 0)

        yield m.fork(child)
        assert (yield m.call("splice", r, 0, w2, 0, 100, 0)) == 4
        yield m.call("exit_group", 0)

    lab.run(program)


def test_tee_duplicates(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)
        r2, w2 = yield from pipe(m)
        yield write(m, w, b"abcdef")
        yield m.call("read", r, m.scratch, 1)
        assert (yield m.call("tee", r, w2, 3, 0)) == 3
        assert (yield m.call("tee", r, w2, 100, 0)) == 5
        assert (yield m.call("read", r2, m.scratch, 100)) == 8
        assert m.load(m.scratch, 8) == b"bcdbcdef"
        assert (yield m.call("read", r, m.scratch, 100)) == 5
        assert (yield m.call("tee", r, w2, 5, SPLICE_F_NONBLOCK)) == -EAGAIN.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_vmsplice_both_ways(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)
        vec = m.scratch + 0x100
        m.store(m.scratch + 0x200, b"onetwo")
        m.store(vec, struct.pack("<QQQQ", m.scratch + 0x200, 3, m.scratch + 0x203, 3))
        assert (yield m.call("vmsplice", w, vec, 2, 0)) == 6
        m.store(vec, struct.pack("<QQQQ", m.scratch + 0x300, 2, m.scratch + 0x310, 9))
        assert (yield m.call("vmsplice", r, vec, 2, 0)) == 6
        assert m.load(m.scratch + 0x300, 2) == b"on"
        assert m.load(m.scratch + 0x310, 4) == b"etwo"
        assert (yield m.call("vmsplice", r, vec, 2, SPLICE_F_NONBLOCK)) == -EAGAIN.errno
        yield m.call("exit_group", 0)

    lab.run(program)
