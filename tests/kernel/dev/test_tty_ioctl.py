"""ioctl_tty(2) on a pseudo-terminal, by a program with descriptors and user memory."""

import struct

from starrylab.abi import ioctl as io
from starrylab.abi import termios as t
from starrylab.abi.errno import EFAULT, EINVAL, ENOTTY
from starrylab.abi.termios import Termios

AT_FDCWD = 2**64 - 100
BUF = 0x10_0000
O_RDWR, O_NOCTTY = 2, 0o400


def run(lab, steps):
    """Run ``steps`` with a master and its unlocked slave; return the results after that."""

    def program(m):
        memory = lab.kernel.threads[1].mm
        memory.write(BUF, b"/dev/ptmx\0")
        master = yield m.call("openat", AT_FDCWD, BUF, O_RDWR | O_NOCTTY, 0)
        memory.write(BUF, bytes(4))
        yield m.call("ioctl", master, io.TIOCSPTLCK, BUF)
        memory.write(BUF, b"/dev/pts/0\0")
        slave = yield m.call("openat", AT_FDCWD, BUF, O_RDWR, 0)
        yield from steps(m, memory, master, slave)
        yield m.call("exit_group", 0)

    return lab.run(program)


def test_settings_size_and_job_control(lab):
    seen = {}

    def steps(m, memory, master, slave):
        for name, request, size in (
            ("termios", io.TCGETS, 36),
            ("termios2", io.TCGETS2, 44),
            ("number", io.TIOCGPTN, 4),
        ):
            seen[name + " result"] = yield m.call("ioctl", master, request, BUF)
            seen[name] = memory.read(BUF, size)
        memory.write(BUF, struct.pack("<4H", 40, 132, 0, 0))
        seen["set size"] = yield m.call("ioctl", master, io.TIOCSWINSZ, BUF)
        memory.write(BUF, bytes(8))
        seen["get size"] = yield m.call("ioctl", slave, io.TIOCGWINSZ, BUF)
        seen["size"] = memory.read(BUF, 8)
        seen["sid result"] = yield m.call("ioctl", slave, io.TIOCGSID, BUF)
        seen["sid"] = memory.read_u32(BUF)
        seen["pgrp result"] = yield m.call("ioctl", slave, io.TIOCGPGRP, BUF)
        seen["pgrp"] = memory.read_u32(BUF)
        raw = Termios().replace(lflag=0)
        memory.write(BUF, raw.pack())
        seen["set raw"] = yield m.call("ioctl", slave, io.TCSETSF, BUF)
        seen["get raw"] = yield m.call("ioctl", slave, io.TCGETS, BUF)
        seen["raw"] = Termios().unpack(memory.read(BUF, 36)).lflag
        memory.write(BUF, b"abc")
        seen["typed"] = yield m.call("write", master, BUF, 3)
        seen["unread result"] = yield m.call("ioctl", slave, io.FIONREAD, BUF)
        seen["unread"] = memory.read_u32(BUF)
        seen["read"] = yield m.call("read", slave, BUF, 100)

    run(lab, steps)
    assert {name: value for name, value in seen.items() if name.endswith("result")} == {
        "termios result": 0, "termios2 result": 0, "number result": 0, "sid result": 0,
        "pgrp result": 0, "unread result": 0,
    }  # fmt: skip
    assert Termios().unpack(seen["termios"]).lflag & t.ICANON
    assert seen["termios2"][:36] == seen["termios"]
    assert seen["number"] == bytes(4)
    assert seen["size"] == struct.pack("<4H", 40, 132, 0, 0)
    assert (seen["sid"], seen["pgrp"]) == (1, 1)
    assert (seen["raw"], seen["typed"], seen["unread"], seen["read"]) == (0, 3, 3, 3)


def test_bad_requests_and_pointers(lab):
    results = []

    def steps(m, memory, master, slave):
        for fd, request, arg in (
            (slave, io.TCGETS, 8),
            (slave, io.TCSETS, 8),
            (slave, io.TCFLSH, 9),
            (slave, io.TIOCGPTN, BUF),
            (master, io.BLKGETSIZE, BUF),
        ):
            results.append((yield m.call("ioctl", fd, request, arg)))

    run(lab, steps)
    errors = (EFAULT, EFAULT, EINVAL, ENOTTY, ENOTTY)
    assert results == [-e.errno for e in errors]
