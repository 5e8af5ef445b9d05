"""Restartable sequences (rseq(2)): code that starts again if the thread was interrupted in it.

There is one processor, so its number never changes; what matters is that no other thread has
run between the beginning of a sequence and its last instruction.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi import signal as sig
from ...abi.errno import EFAULT
from ..thread_signals import force_fault

if TYPE_CHECKING:
    from ..thread import Thread

ORIGINAL_SIZE: Final = 32  #: bytes of struct rseq, which is aligned to as many
UNINITIALIZED: Final = 0xFFFF_FFFF  #: the processor of a thread that is not registered
_SECTION_AT: Final = 8  #: offset of rseq_cs
_IDS: Final = Struct("<II")  #: cpu_id_start, cpu_id
_SECTION: Final = Struct("<IIQQQ")  #: version, flags, start, length, where to go instead
_M64: Final = (1 << 64) - 1


class Registration(NamedTuple):
    """What a thread has registered."""

    addr: int
    size: int
    signature: int  #: the word before each address that a sequence is left to


def write_ids(thread: Thread, addr: int, processor: int) -> None:
    """Tell the thread its processor; raise ``EFAULT``."""
    start = 0 if processor == UNINITIALIZED else processor
    thread.mm.write(addr, _IDS.pack(start, processor))
    thread.mm.write(addr + 20, bytes(8))  # node and concurrency id


def leave_sequence(thread: Thread) -> None:
    """Take a thread that was interrupted out of its sequence, if it is in one."""
    found: Registration | None = thread.kernel.rseqs.get(thread)
    if found is None:
        return
    mm, context = thread.mm, thread.context
    try:
        section = mm.read_u64(found.addr + _SECTION_AT)
        if not section:
            return
        version, _, start, length, instead = _SECTION.unpack(mm.read(section, _SECTION.size))
        if version or not length or (instead - start) & _M64 < length:
            raise EFAULT
        if mm.read_u32(instead - 4) != found.signature:
            raise EFAULT
        mm.write_u64(found.addr + _SECTION_AT, 0)
    except EFAULT:
        force_fault(thread, sig.SIGSEGV, sig.SI_KERNEL)
        return
    if (context.pc - start) & _M64 < length:
        context.pc = instead
