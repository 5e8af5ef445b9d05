"""Calls about mappings that exist: mseal(2), remap_file_pages(2), process_madvise(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_NICE
from ...abi.errno import EBADF, EINVAL, EPERM, ESRCH, LinuxError
from ...abi.mman import (
    MADV_COLD,
    MADV_DONTNEED,
    MADV_FREE,
    MADV_PAGEOUT,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_WILLNEED,
    MAP_FIXED,
    MAP_NONBLOCK,
    MAP_POPULATE,
    MAP_SHARED,
)
from ...machine.api import PAGE_MASK
from ..files.pidfd import PidFd
from ..mm.areas import VM_LOCKED, VM_NOEXEC, VM_NOWRITE, VM_SHARED
from ..mm.placement import page_up
from ..task.ptrace import may_trace
from ._declare import syscall
from ._shown import Advice, InVector, MapFlags, Prot
from ._types import Fd, Ptr, Size, UInt, ULong

if TYPE_CHECKING:
    from ..thread import Thread

#: Advice that changes no contents; a process may give it to others.
_HARMLESS: Final = (
    MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
)  # fmt: skip
_OWN: Final = (*_HARMLESS, MADV_DONTNEED, MADV_FREE)
_MAX_RW: Final = 0x7FFF_F000  #: MAX_RW_COUNT


@syscall()
def process_mrelease(t: Thread, pidfd: Fd, flags: UInt) -> None:
    """process_mrelease(2): what was killed gives its memory back at its next step."""
    if flags:
        raise EINVAL
    if not isinstance(pidfd, PidFd):
        raise EBADF
    process = pidfd.process
    if process.zombie:
        raise ESRCH
    if process.exit_status is None:
        raise EINVAL


@syscall()
def mseal(t: Thread, addr: Ptr, length: Size, flags: ULong) -> None:
    """mseal(2)."""
    if flags or addr & PAGE_MASK:
        raise EINVAL
    end = addr + page_up(length)
    if end > t.mm.user_top:
        raise EINVAL
    if end > addr:
        t.mm.seal(addr, end)


@syscall()
def remap_file_pages(
    t: Thread, addr: Ptr, size: Size, prot: Prot, page: ULong, flags: MapFlags
) -> None:
    """remap_file_pages(2): as in Linux since 4.0, a new mapping of another part of the file."""
    addr, size = addr & ~PAGE_MASK, size & ~PAGE_MASK
    if prot or not size or addr + size > t.mm.user_top or (page << 12) + size > 1 << 63:
        raise EINVAL
    area = t.mm.find(addr)
    if area is None or not area.flags & VM_SHARED or area.source is None:
        raise EINVAL
    first, last = t.mm.overlapping(addr, addr + size)
    cursor = addr
    for other in t.mm.areas[first:last]:
        same = other.source is area.source and other.flags == area.flags
        if other.start > cursor or not same or other.prot != area.prot:
            raise EINVAL
        cursor = other.end
    if cursor < addr + size:
        raise EINVAL
    populate = 0 if flags & MAP_NONBLOCK and not area.flags & VM_LOCKED else MAP_POPULATE
    t.mm.map(
        addr, size, area.prot, MAP_SHARED | MAP_FIXED | populate,
        source=area.source, offset=page << 12, place=area.place,
        vm_flags=area.flags & (VM_NOWRITE | VM_NOEXEC | VM_LOCKED),
    )  # fmt: skip


@syscall()
def process_madvise(
    t: Thread, pidfd: Fd, vector: InVector, count: Size, advice: Advice, flags: UInt
) -> int:
    """process_madvise(2)."""
    if flags:
        raise EINVAL
    pieces = t.mm.read_vector(vector, count)
    if not isinstance(pidfd, PidFd):
        raise EBADF
    process = pidfd.process
    if process.zombie:
        raise ESRCH
    target = process.leader
    if not may_trace(t, target):
        raise EPERM
    mine = process is t.process
    if advice not in (_OWN if mine else _HARMLESS):
        raise EINVAL
    if not mine and not t.cred.capable(CAP_SYS_NICE):
        raise EPERM
    done = 0
    for addr, length in pieces:
        size = min(length, _MAX_RW - done)
        try:
            target.mm.advise(addr, size, advice)
        except LinuxError:
            if not done:
                raise
            break
        done += size
    return done
