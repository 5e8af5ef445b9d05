"""Process accounting: a record of each process that ended (acct(5), kernel/acct.c)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..kernel import Kernel
    from .process import Process

AFORK: Final = 0x01  #: forked, and executed nothing
ACORE: Final = 0x08  #: left a core file
AXSIG: Final = 0x10  #: killed by a signal
_VERSION: Final = 3  #: ACCT_VERSION; the bytes are in little-endian order
_HZ: Final = 100  #: AHZ, the unit of times
_NS: Final = 1_000_000_000
_CORE: Final = 0x80  #: of a wait status
#: ``struct acct_v3``: flags, version, terminal, status, uid, gid, pid, ppid, start, elapsed,
#: eight small floating-point numbers, name
_RECORD: Final = struct.Struct("<BBHIIIIIIf8H16s")


def record(kernel: Kernel, process: Process) -> bytes:
    """Return the record of a process whose last thread has just ended."""
    leader = process.leader
    usage = process.usage
    elapsed = kernel.executor.now - process.start_time_ns
    started = kernel.clock.realtime() - elapsed
    status = process.exit_status or 0
    flags = (0 if process.execed else AFORK) | (ACORE if status & _CORE else 0)
    if status & 0x7F:
        flags |= AXSIG
    terminal = process.session.terminal
    tty = 0 if terminal is None else terminal.major << 8 | terminal.minor & 0xFF
    figures = (
        usage.utime_ns * _HZ // _NS, usage.stime_ns * _HZ // _NS, leader.mm.peak_vm >> 10,
        usage.rchar + usage.wchar, 0, usage.minflt, usage.majflt, 0,
    )  # fmt: skip
    return _RECORD.pack(
        flags, _VERSION, tty & 0xFFFF, status, leader.cred.uid, leader.cred.gid, process.pid,
        0 if process.parent is None else process.parent.pid, started // _NS & 0xFFFFFFFF,
        elapsed * _HZ / _NS, *map(encode, figures), process.comm[:15],
    )  # fmt: skip


def encode(value: int) -> int:
    """Return a number as comp_t: 13 bits, and an exponent of 8 in three (encode_comp_t)."""
    exponent = rounded = 0
    while value > 0x1FFF:
        rounded = value & 4
        value >>= 3
        exponent += 1
    if rounded:
        value += 1
        if value > 0x1FFF:
            value >>= 3
            exponent += 1
    return 0xFFFF if exponent > 7 else exponent << 13 | value
