"""Calls about memory: mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), mlock(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...abi.capability import CAP_IPC_LOCK, CAP_SYS_RAWIO
from ...abi.errno import EINVAL, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM
from ...abi.fcntl import MS_NOEXEC
from ...abi.mman import (
    MAP_32BIT,
    MAP_ANONYMOUS,
    MAP_DENYWRITE,
    MAP_EXECUTABLE,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN,
    MAP_HUGETLB,
    MAP_LOCKED,
    MAP_NONBLOCK,
    MAP_NORESERVE,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    MAP_STACK,
    MAP_TYPE,
    MAP_UNINITIALIZED,
    MCL_CURRENT,
    MCL_FUTURE,
    MCL_ONFAULT,
    MLOCK_ONFAULT,
    MS_ASYNC,
    MS_INVALIDATE,
    MS_SYNC,
    PROT_EXEC,
    PROT_GROWSDOWN,
    PROT_GROWSUP,
    PROT_READ,
    PROT_SEM,
    PROT_WRITE,
)
from ...abi.resource import RLIMIT_MEMLOCK
from ...machine.api import PAGE_MASK
from ..mm.areas import VM_NOEXEC, VM_NOWRITE
from ..mm.layout import MMAP_MIN_ADDR
from ..mm.placement import page_up
from ..mm.source import PageSource
from ._declare import syscall
from ._shown import Advice, MapFlags, MlockAllFlags, MlockFlags, MsyncFlags, Prot, RemapFlags
from ._types import FdNum, Int, Ptr, Size, UInt, ULong

if TYPE_CHECKING:
    from ..mm.space import AddressSpace
    from ..thread import Thread

_PROT: Final = PROT_READ | PROT_WRITE | PROT_EXEC
_PROT_KNOWN: Final = _PROT | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP
_ANY_FIXED: Final = MAP_FIXED | MAP_FIXED_NOREPLACE

#: Everything but these takes the long way through `_map_checked`.
_PLAIN_MASK: Final = (
    MAP_TYPE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_LOCKED | _ANY_FIXED | MAP_GROWSDOWN
)
_PLAIN: Final = MAP_PRIVATE | MAP_ANONYMOUS

#: What MAP_SHARED_VALIDATE accepts; MAP_SYNC would need persistent memory.
_VALIDATED: Final = (
    MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_UNINITIALIZED
    | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK
    | MAP_HUGETLB | MAP_32BIT | MAP_FIXED_NOREPLACE
)  # fmt: skip

MEMBARRIER_CMD_QUERY: Final = 0  # <linux/membarrier.h>
MEMBARRIER_CMD_GLOBAL: Final = 1
MEMBARRIER_CMD_GLOBAL_EXPEDITED: Final = 2
MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: Final = 4
MEMBARRIER_CMD_PRIVATE_EXPEDITED: Final = 8
MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: Final = 16
MEMBARRIER_CMD_GET_REGISTRATIONS: Final = 512

_MEMBARRIER_REGISTER: Final = (
    MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
)
_MEMBARRIER_ALL: Final = (
    MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED
    | MEMBARRIER_CMD_GET_REGISTRATIONS | _MEMBARRIER_REGISTER
)  # fmt: skip


@syscall()
def mmap(
    t: Thread, addr: Ptr, length: Size, prot: Prot, flags: MapFlags, fd: FdNum, offset: ULong
) -> Ptr:
    """mmap(2)."""
    if flags & _PLAIN_MASK == _PLAIN and not offset & PAGE_MASK:
        return t.mm.map(addr, length, prot & 7, flags)
    return _map_checked(t, addr, length, prot, flags, fd, offset)


def _map_checked(
    t: Thread, addr: int, length: int, prot: int, flags: int, fd: int, offset: int
) -> int:
    if offset & PAGE_MASK:
        raise EINVAL
    file = None
    if flags & MAP_ANONYMOUS:
        if flags & MAP_HUGETLB:
            raise EINVAL("this kernel has no huge pages")
    else:
        file = t.file(fd)
        if flags & MAP_HUGETLB:
            raise EINVAL
    if not length:
        raise EINVAL
    if page_up(length) > t.mm.layout.user_top:
        raise ENOMEM
    if offset + length >= 1 << 64:
        raise EOVERFLOW
    if flags & _ANY_FIXED:
        if addr & PAGE_MASK:
            raise EINVAL
        if addr < MMAP_MIN_ADDR and not t.cred.capable(CAP_SYS_RAWIO):
            raise EPERM
    if flags & MAP_LOCKED:
        _may_lock(t, t.mm)
    return _map_typed(t, file, addr, length, prot, flags, offset)


def _map_typed(
    t: Thread, file: Any, addr: int, length: int, prot: int, flags: int, offset: int
) -> int:
    kind = flags & MAP_TYPE
    if kind not in (MAP_PRIVATE, MAP_SHARED) and (kind != MAP_SHARED_VALIDATE or file is None):
        raise EINVAL
    if kind == MAP_SHARED_VALIDATE and flags & ~_VALIDATED:
        raise EOPNOTSUPP
    source: PageSource | None = None
    place = None
    vm_flags = 0
    prot &= _PROT
    if file is not None:
        source, vm_flags = file.map_range(prot, flags, offset, length)
        place = getattr(file, "place", None)
        if flags & MAP_SHARED and not file.writable:
            vm_flags |= VM_NOWRITE
        if place is not None and place.mount.flags & MS_NOEXEC:
            vm_flags |= VM_NOEXEC
    if flags & MAP_SHARED and flags & MAP_GROWSDOWN:
        raise EINVAL
    return t.mm.map(
        addr, length, prot, flags, source=source, offset=offset, place=place, vm_flags=vm_flags
    )


@syscall()
def munmap(t: Thread, addr: Ptr, length: Size) -> None:
    """munmap(2)."""
    t.mm.unmap(addr, length)


@syscall()
def mprotect(t: Thread, addr: Ptr, length: Size, prot: Prot) -> None:
    """mprotect(2)."""
    grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP)
    if prot & ~_PROT_KNOWN or grows & PROT_GROWSUP:
        raise EINVAL
    t.mm.protect(addr, length, prot & ~PROT_SEM)


@syscall()
def mremap(
    t: Thread, old: Ptr, old_size: Size, new_size: Size, flags: RemapFlags, target: Ptr
) -> Ptr:
    """mremap(2)."""
    _note_lock_right(t)
    return t.mm.remap(old, old_size, new_size, flags, target)


@syscall()
def brk(t: Thread, addr: Ptr) -> Ptr:
    """brk(2): the C library's brk() compares what comes back."""
    return t.mm.brk(addr)


@syscall()
def madvise(t: Thread, addr: Ptr, length: Size, advice: Advice) -> None:
    """madvise(2)."""
    t.mm.advise(addr, length, advice)


@syscall()
def msync(t: Thread, addr: Ptr, length: Size, flags: MsyncFlags) -> None:
    """msync(2)."""
    if flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) or (flags & MS_ASYNC and flags & MS_SYNC):
        raise EINVAL
    t.mm.sync(addr, length, flags)


@syscall()
def mincore(t: Thread, addr: Ptr, length: Size, vec: Ptr) -> None:
    """mincore(2)."""
    t.mm.write(vec, t.mm.mincore(addr, length))


# -- locking --------------------------------------------------------------------------------


@syscall()
def mlock(t: Thread, addr: Ptr, length: Size) -> None:
    """mlock(2)."""
    _may_lock(t, t.mm)
    t.mm.lock(addr, length)


@syscall()
def mlock2(t: Thread, addr: Ptr, length: Size, flags: MlockFlags) -> None:
    """mlock2(2)."""
    if flags & ~MLOCK_ONFAULT:
        raise EINVAL
    _may_lock(t, t.mm)
    t.mm.lock(addr, length, on_fault=bool(flags & MLOCK_ONFAULT))


@syscall()
def munlock(t: Thread, addr: Ptr, length: Size) -> None:
    """munlock(2)."""
    t.mm.unlock(addr, length)


@syscall()
def mlockall(t: Thread, flags: MlockAllFlags) -> None:
    """mlockall(2)."""
    if flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) or flags in (0, MCL_ONFAULT):
        raise EINVAL
    _may_lock(t, t.mm)
    t.mm.lock_all(
        current=bool(flags & MCL_CURRENT),
        future=bool(flags & MCL_FUTURE),
        on_fault=bool(flags & MCL_ONFAULT),
    )


@syscall()
def munlockall(t: Thread) -> None:
    """munlockall(2)."""
    t.mm.unlock_all()


def _note_lock_right(t: Thread) -> None:
    t.mm.may_lock_all = t.cred.capable(CAP_IPC_LOCK)


def _may_lock(t: Thread, mm: AddressSpace) -> None:
    """Raise ``EPERM`` for a caller that may lock nothing at all (can_do_mlock)."""
    _note_lock_right(t)
    if not mm.may_lock_all and not mm.limits.soft(RLIMIT_MEMLOCK):
        raise EPERM


# -- order and coherence ----------------------------------------------------------------------


@syscall()
def membarrier(t: Thread, cmd: Int, flags: UInt, cpu_id: Int) -> int:
    """membarrier(2): with one hart, entering the kernel has ordered everything."""
    if flags:
        raise EINVAL
    mm = t.mm
    if cmd == MEMBARRIER_CMD_QUERY:
        return _MEMBARRIER_ALL
    if cmd == MEMBARRIER_CMD_GET_REGISTRATIONS:
        return mm.membarriers
    if cmd in (
        MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
    ):  # fmt: skip
        mm.membarriers |= cmd
        return 0
    if cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        if not mm.membarriers & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
            raise EPERM
        return 0
    if cmd in (MEMBARRIER_CMD_GLOBAL, MEMBARRIER_CMD_GLOBAL_EXPEDITED):
        return 0
    raise EINVAL


@syscall()
def riscv_flush_icache(t: Thread, start: Ptr, end: Ptr, flags: ULong) -> None:
    """riscv_flush_icache(2): fetches after it see the stores before it."""
    if flags & ~1:  # SYS_RISCV_FLUSH_ICACHE_LOCAL
        raise EINVAL
    top = t.mm.layout.user_top
    # Linux ignores the range and flushes everything.
    t.mm.code_changed(0, top >> 12)
