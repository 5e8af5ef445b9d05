"""Process accounting (acct(5)): what is recorded of a process that ended."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.errno import EISDIR, ENOENT, EPERM
from starrylab.kernel.task.accounting import encode
from starrylab.kernel.task.cred import Credentials

RECORD = struct.Struct("<BBHIIIIIIf8H16s")
NAME = 512  #: where the path is, after `scratch`


def decode(value: int) -> int:
    """Return the number that a comp_t stands for (acct(5))."""
    return (value & 0x1FFF) << 3 * (value >> 13)


@pytest.mark.parametrize("value", [0, 1, 0x1FFF, 0x2000, 0xFFFF, 123_456_789, 1 << 33])
def test_small_floating_point_numbers_are_near(value: int) -> None:
    assert abs(decode(encode(value)) - value) <= value >> 12


def test_too_great_a_number_is_the_greatest() -> None:
    assert encode(1 << 40) == 0xFFFF


def test_a_record_of_each_process_that_ends(lab) -> None:
    records = []

    def child(m):
        yield m.call("exit_group", 3)

    def program(m):
        name = m.scratch + NAME
        m.store(name, b"/acct\0")
        assert (yield m.call("acct", name)) == -ENOENT.errno
        fd = yield m.call("openat", -100, name, 0o102, 0o600)
        assert (yield m.call("acct", name)) == 0
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        assert (yield m.call("acct", 0)) == 0
        other = yield m.fork(child)
        yield m.call("wait4", other, 0, 0, 0)
        size = yield m.call("read", fd, m.scratch, 200)
        records.append((pid, m.load(m.scratch, size)))
        m.store(name, b"/\0")
        assert (yield m.call("acct", name)) == -EISDIR.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    ((pid, data),) = records
    assert len(data) == RECORD.size == 64
    flags, version, _, status, uid, gid, recorded, parent, *_, comm = RECORD.unpack(data)
    assert (flags, version, status, uid, gid) == (1, 3, 3 << 8, 0, 0)
    assert (recorded, parent) == (pid, 1)
    assert comm.rstrip(b"\0") == lab.kernel.init.comm[:15]


def test_only_the_privileged_may(lab) -> None:
    def program(m):
        lab.kernel.threads[1].cred = Credentials.user(1000, 1000)
        assert (yield m.call("acct", 0)) == -EPERM.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
