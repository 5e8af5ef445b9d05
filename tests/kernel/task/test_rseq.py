"""A sequence that is wrong kills; one that was left already is forgotten; exec ends it."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.signal import SIGSEGV
from starrylab.kernel.task.rseq import leave_sequence

SIGNATURE = 0xF1401073
AREA, SECTION, ABORT = 0x400, 0x500, 0x600


def register(m):
    s = m.scratch
    m.store(s + ABORT - 4, struct.pack("<I", SIGNATURE))
    assert (yield m.call("rseq", s + AREA, 32, 0, SIGNATURE)) == 0


def enter(m, start: int, length: int, abort: int, version: int = 0) -> None:
    m.store(m.scratch + SECTION, struct.pack("<IIQQQ", version, 0, start, length, abort))
    m.store(m.scratch + AREA + 8, struct.pack("<Q", m.scratch + SECTION))


def test_only_a_thread_inside_goes_elsewhere(lab) -> None:
    seen = []

    def program(m):
        yield from register(m)
        thread = lab.kernel.init.leader
        pc = thread.context.pc
        enter(m, pc + 64, 16, m.scratch + ABORT)
        leave_sequence(thread)
        seen.append(thread.context.pc == pc)
        assert m.load(m.scratch + AREA + 8, 8) == bytes(8)
        enter(m, pc - 8, 16, m.scratch + ABORT)
        leave_sequence(thread)
        seen.append(thread.context.pc == m.scratch + ABORT)
        thread.context.pc = pc
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [True, True]


@pytest.mark.parametrize(
    ("start", "length", "abort", "version"),
    [
        (0, 8, ABORT, 1),
        (0, 0, ABORT, 0),
        (0, 8, ABORT + 4, 0),  # no signature there
        (ABORT - 4, 8, ABORT, 0),  # leads into itself
    ],
)
def test_a_wrong_sequence_is_deadly(lab, start, length, abort, version) -> None:
    def program(m):
        yield from register(m)
        enter(m, m.scratch + start, length, m.scratch + abort, version)
        leave_sequence(lab.kernel.init.leader)
        yield m.call("getpid")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == SIGSEGV


def test_threads_that_ended_are_forgotten(lab) -> None:
    def program(m):
        yield from register(m)

        def child(c):
            assert len(lab.kernel.rseqs) == 2  # it has the same memory, so the same place
            yield c.call("exit_group", 0)

        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert len(lab.kernel.rseqs) == 0
