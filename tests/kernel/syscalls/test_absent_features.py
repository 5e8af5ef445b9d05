"""Calls for what this machine has not: protection keys, security modules; process_mrelease(2).

No oracle: what the host's CPU and kernel have differs.  The expectations are from the manual
pages and from mm/mprotect.c, security/security.c, mm/oom_kill.c of Linux.
"""

from __future__ import annotations

import struct

from starrylab.abi.errno import E2BIG, EBADF, EFAULT, EINVAL, ENOSPC, EOPNOTSUPP, ESRCH


def test_no_protection_key_can_be_had(lab) -> None:
    def program(m):
        assert (yield m.call("pkey_alloc", 0, 0)) == -ENOSPC.errno
        assert (yield m.call("pkey_alloc", 1, 0)) == -EINVAL.errno
        assert (yield m.call("pkey_alloc", 0, 4)) == -EINVAL.errno
        assert (yield m.call("pkey_free", 0)) == -EINVAL.errno
        addr = yield m.call("mmap", 0, 4096, 3, 0x22, -1, 0)
        assert (yield m.call("pkey_mprotect", addr, 4096, 1, -1)) == 0
        assert (yield m.call("pkey_mprotect", addr, 4096, 1, 1)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_the_security_modules_have_no_attributes(lab) -> None:
    def program(m):
        size, ids = m.scratch, m.scratch + 8
        m.store(size, struct.pack("<I", 4))
        assert (yield m.call("lsm_list_modules", ids, size, 0)) == -E2BIG.errno
        assert m.load(size, 4) == struct.pack("<I", 16)
        assert (yield m.call("lsm_list_modules", ids, size, 0)) == 2
        assert m.load(ids, 16) == struct.pack("<QQ", 100, 110)
        assert (yield m.call("lsm_list_modules", ids, size, 1)) == -EINVAL.errno
        assert (yield m.call("lsm_list_modules", ids, 0, 0)) == -EFAULT.errno
        assert (yield m.call("lsm_get_self_attr", 0, 0, size, 0)) == -EINVAL.errno
        assert (yield m.call("lsm_get_self_attr", 100, 0, size, 0)) == -EOPNOTSUPP.errno
        m.store(ids, struct.pack("<QQQQ", 100, 0, 32, 0))
        assert (yield m.call("lsm_set_self_attr", 100, ids, 32, 0)) == -EOPNOTSUPP.errno
        assert (yield m.call("lsm_set_self_attr", 100, ids, 31, 0)) == -EINVAL.errno
        assert (yield m.call("lsm_set_self_attr", 100, ids, 5000, 0)) == -E2BIG.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_memory_of_a_killed_process_can_be_released(lab) -> None:
    def program(m):
        def child(m):
            yield m.call("ppoll", 0, 0, 0, 0, 8)

        pid = yield m.fork(child)
        fd = yield m.call("pidfd_open", pid, 0)
        assert (yield m.call("process_mrelease", fd, 1)) == -EINVAL.errno
        assert (yield m.call("process_mrelease", fd, 0)) == -EINVAL.errno
        assert (yield m.call("process_mrelease", 99, 0)) == -EBADF.errno
        yield m.call("kill", pid, 9)
        assert (yield m.call("process_mrelease", fd, 0)) == 0
        yield m.call("wait4", pid, 0, 0, 0)
        assert (yield m.call("process_mrelease", fd, 0)) == -ESRCH.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
