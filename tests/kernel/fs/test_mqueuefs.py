"""The mqueue file system shows, makes and removes POSIX message queues."""

from __future__ import annotations

import struct

from starrylab.abi.errno import EACCES, ENOENT

AT_FDCWD = -100
O_RDONLY, O_RDWR, O_CREAT = 0, 2, 0o100


def test_queues_are_files(lab) -> None:
    def program(m):
        s = m.scratch

        def string(at: int, text: bytes) -> int:
            return m.string(s + 1024 + at, text)

        folder = string(0, b"/q")
        yield m.call("mkdirat", AT_FDCWD, folder, 0o755)
        kind = string(16, b"mqueue")
        assert (yield m.call("mount", kind, folder, kind, 0, 0)) == 0
        name, path = string(32, b"news"), string(48, b"/q/news")
        assert (yield m.call("openat", AT_FDCWD, path, O_RDONLY, 0)) == -ENOENT.errno
        queue = yield m.call("mq_open", name, O_RDWR | O_CREAT, 0o640, 0)
        assert (yield m.call("mq_timedsend", queue, s, 5, 1, 0)) == 0
        file = yield m.call("openat", AT_FDCWD, path, O_RDONLY, 0)
        count = yield m.call("read", file, s, 200)
        line = m.load(s, count)
        assert line.startswith(b"QSIZE:5 ")
        assert count == 60 == len(line.rstrip(b"\n")) + 1
        listing = yield m.call("openat", AT_FDCWD, folder, O_RDONLY, 0)
        size = yield m.call("getdents64", listing, s, 1000)
        assert b"news\0" in m.load(s, size)
        yield m.call("fchmodat", AT_FDCWD, path, 0o600)
        yield m.call("newfstatat", AT_FDCWD, path, s, 0)
        assert struct.unpack_from("<I", m.load(s, 128), 16) == (0o100600,)
        made = string(64, b"/q/made")
        assert (yield m.call("mknodat", AT_FDCWD, made, 0o10600, 0)) == -EACCES.errno
        assert (yield m.call("openat", AT_FDCWD, made, O_RDWR | O_CREAT, 0o600)) > 0
        other = yield m.call("mq_open", string(80, b"made"), O_RDWR, 0, 0)
        assert (yield m.call("mq_timedsend", other, s, 5, 1, 0)) == 0
        assert (yield m.call("unlinkat", AT_FDCWD, path, 0)) == 0
        assert (yield m.call("mq_open", name, O_RDWR, 0, 0)) == -ENOENT.errno
        assert (yield m.call("mq_timedreceive", queue, s, 8192, 0, 0)) == 5
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    assert list(lab.kernel.queues) == [b"made"]
