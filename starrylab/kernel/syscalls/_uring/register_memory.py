"""io_uring_register(2) for memory: regions with arguments of waits, queues of another size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi import uring
from ....abi.errno import EBUSY, EFAULT, EINVAL, EOVERFLOW, LinuxError
from ....abi.uring import (
    IORING_OFF_SQES,
    IORING_SETUP_CLAMP,
    IORING_SETUP_CQE32,
    IORING_SETUP_CQSIZE,
    IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_NO_MMAP,
    IORING_SETUP_NO_SQARRAY,
    IORING_SETUP_R_DISABLED,
    IORING_SETUP_SQE128,
)
from ....machine.api import PAGE_MASK
from ...uring.memory import Memory, OwnMemory, PinnedMemory
from ...uring.queues import Queues, Shape
from ...uring.ring import Ring

if TYPE_CHECKING:
    from ...thread import Thread

#: flags of the setup that a new size keeps
_COPIED: Final = IORING_SETUP_NO_SQARRAY | IORING_SETUP_SQE128 | IORING_SETUP_CQE32
OFF_REGION: Final = 0x20000000  #: IORING_MAP_OFF_PARAM_REGION


def shape_of(entries: int, cq_entries: int, flags: int) -> Shape:
    """Return the sizes of the queues, powers of two; ``EINVAL``."""
    clamp = flags & IORING_SETUP_CLAMP
    if not entries or (entries > uring.MAX_ENTRIES and not clamp):
        raise EINVAL
    entries = _power(min(entries, uring.MAX_ENTRIES))
    if not flags & IORING_SETUP_CQSIZE:
        return Shape(entries, 2 * entries, flags)
    if not cq_entries or (cq_entries > uring.MAX_CQ_ENTRIES and not clamp):
        raise EINVAL
    cq_entries = _power(min(cq_entries, uring.MAX_CQ_ENTRIES))
    if cq_entries < entries:
        raise EINVAL
    return Shape(entries, cq_entries, flags)


def _power(number: int) -> int:
    return 1 << (number - 1).bit_length()


def own_queues(t: Thread, shape: Shape) -> tuple[OwnMemory, OwnMemory]:
    """Return memory of the kernel for queues and entries."""
    frames = t.kernel.frames
    memory = OwnMemory(frames, shape.rings_size, 0)
    try:
        return memory, OwnMemory(frames, shape.sqes_size, IORING_OFF_SQES)
    except LinuxError:
        memory.drop()
        raise


def register_region(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_MEM_REGION."""
    if count != 1:
        raise EINVAL
    if ring.wait_region is not None or OFF_REGION in ring.regions:
        raise EBUSY
    at, flags, *reserved = uring.REGION_REG.unpack(t.mm.read(arg, uring.REGION_REG.size))
    if any(reserved) or flags & ~uring.IORING_MEM_REGION_REG_WAIT_ARG:
        raise EINVAL
    if flags and not ring.setup & IORING_SETUP_R_DISABLED:
        raise EINVAL
    data = t.mm.read(at, uring.REGION_DESC.size)
    addr, size, kind, ident, offset, rest = uring.REGION_DESC.unpack(data)
    if any(rest) or ident or offset or not size or (size | addr) & PAGE_MASK:
        raise EINVAL
    if kind & ~uring.IORING_MEM_REGION_TYPE_USER:
        raise EINVAL
    if bool(kind) != bool(addr):
        raise EFAULT
    memory: OwnMemory
    if kind:
        memory = PinnedMemory(t.mm, addr, size)
    else:
        memory = OwnMemory(t.kernel.frames, size, OFF_REGION)
        t.mm.write_u64(at + 24, OFF_REGION)
    ring.regions[OFF_REGION] = memory
    if flags:
        ring.wait_region = memory


def resize(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_RESIZE_RINGS: what lies in the queues comes along."""
    if count != 1 or not ring.setup & IORING_SETUP_DEFER_TASKRUN:
        raise EINVAL
    if ring.setup & IORING_SETUP_NO_MMAP:
        raise EINVAL
    data = t.mm.read(arg, uring.PARAMS_SIZE)
    entries, cq_entries, flags, *_ = uring.PARAMS.unpack_from(data)
    if flags & ~(IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP):
        raise EINVAL
    kept = ring.setup & ~(IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP)
    shape = shape_of(entries, cq_entries, flags | kept)
    old = ring.queues
    if old.submitted > shape.sq_entries or old.completed > shape.cq_entries:
        raise EOVERFLOW
    memory, sqes = own_queues(t, shape)
    queues = Queues(memory, sqes, shape)
    queues.take_over(old)
    flags |= ring.setup & _COPIED
    answer = uring.PARAMS.pack(shape.sq_entries, shape.cq_entries, flags, 0, 0, 0, 0)
    try:
        t.mm.write(arg, answer + shape.offsets(0, 0))
    except LinuxError:
        memory.drop()
        sqes.drop()
        raise
    former: list[Memory] = [ring.regions[0], ring.regions[IORING_OFF_SQES]]
    ring.queues = queues
    ring.regions[0], ring.regions[IORING_OFF_SQES] = memory, sqes
    for gone in former:
        gone.drop()
