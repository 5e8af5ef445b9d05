"""Whose ids let a process look into another one (process_vm_readv(2), kcmp(2), ptrace(2))."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.errno import EPERM
from starrylab.kernel.task.cred import Credentials

KCMP_FILES = 2


@pytest.mark.parametrize(
    ("real", "effective", "allowed"),
    [(1000, 1000, True), (1000, 2000, True), (2000, 1000, False), (2000, 2000, False)],
)
def test_the_real_ids_decide(lab, real: int, effective: int, allowed: bool) -> None:
    def asks(m):
        yield m.call("setresgid", real, effective, effective)
        yield m.call("setresuid", real, effective, effective)
        m.store(m.scratch, struct.pack("<4Q", m.scratch + 64, 4, m.scratch + 128, 4))
        call = ("process_vm_readv", 1, m.scratch, 1, m.scratch + 16, 1, 0)
        assert (yield m.call(*call)) == (4 if allowed else -EPERM.errno)
        compared = yield m.call("kcmp", 1, 1, KCMP_FILES, 0, 0)
        assert compared == (0 if allowed else -EPERM.errno)
        yield m.call("exit_group", 7)

    def program(m):
        child = yield m.fork(asks)
        yield m.call("setresgid", 1000, 1000, 1000)
        yield m.call("setresuid", 1000, 1000, 1000)
        lab.kernel.processes[1].dumpable = 1
        assert (yield m.call("wait4", child, m.scratch + 512, 0, 0)) == child
        assert m.load(m.scratch + 512, 4) == struct.pack("<i", 7 << 8)
        yield m.call("exit_group", 0)

    lab.run(program, cred=Credentials())
    assert lab.exit_status == 0
