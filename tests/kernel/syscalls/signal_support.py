"""Helpers of the tests of signals on the scripted machine."""

from __future__ import annotations

import struct

from starrylab.abi import signal as sig
from starrylab.abi.sched import (
    CLONE_FILES,
    CLONE_FS,
    CLONE_SIGHAND,
    CLONE_THREAD,
    CLONE_VM,
)

HANDLER = 0x4_0000
OTHER = 0x4_1000
BAD = 0x7_0000_0000  # nothing is mapped there
THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD


def mask_of(*signals: int) -> int:
    return sum(1 << n - 1 for n in signals)


def action(m, addr, handler, flags=0, mask=0) -> int:
    m.store(addr, struct.pack("<QQQ", handler, flags, mask))
    return addr


def install(m, signo, handler=HANDLER, flags=0, mask=0):
    """rt_sigaction(2) as a trap to yield."""
    return m.call("rt_sigaction", signo, action(m, m.scratch + 0x800, handler, flags, mask), 0, 8)


def set_mask(m, *signals, how=sig.SIG_SETMASK):
    m.store(m.scratch + 0x900, struct.pack("<Q", mask_of(*signals)))
    return m.call("rt_sigprocmask", how, m.scratch + 0x900, 0, 8)


def recorder(lab, addr=HANDLER):
    """Register a handler at ``addr``; return the list of (signo, siginfo bytes) it makes."""
    seen: list[tuple[int, bytes]] = []

    def handler(m):
        seen.append((m.argument, m.load(m.x[11], 128)))
        return
        yield

    lab.hart.texts[addr] = handler
    return seen


def child_of(program):
    """Run ``program`` in a child, so that it is not the protected first process."""

    def parent(m):
        yield m.fork(program)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        m._hart.child_status = struct.unpack("<i", m.load(m.scratch, 4))[0]
        yield m.call("exit_group", 0)

    return parent


def status_of(lab, program) -> int:
    lab.run(child_of(program))
    return lab.hart.child_status
