"""io_uring_register(2) for rings of provided buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi import uring
from ....abi.errno import (
    EEXIST,
    EFAULT,
    EINVAL,
    ENOENT,
)
from ....machine.api import PAGE_MASK
from ...uring.buffers import RingGroup
from ...uring.memory import Memory, OwnMemory, UserMemory
from ...uring.ring import Ring

if TYPE_CHECKING:
    from ...thread import Thread


_MOST_ENTRIES: Final = 1 << 15  #: of a ring of buffers


# -- rings of buffers ------------------------------------------------------------------------------


def register_ring(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_PBUF_RING."""
    if count != 1:
        raise EINVAL
    data = t.mm.read(arg, uring.BUF_REG.size)
    addr, entries, number, flags = uring.BUF_REG.unpack(data)
    if any(data[16:]) or flags & ~(uring.IOU_PBUF_RING_MMAP | uring.IOU_PBUF_RING_INC):
        raise EINVAL
    if not entries or entries & (entries - 1) or entries > _MOST_ENTRIES:
        raise EINVAL
    old = ring.groups.get(number)
    if isinstance(old, RingGroup) or (old is not None and old.buffers):
        raise EEXIST
    size = entries * uring.BUF.size
    mapped = bool(flags & uring.IOU_PBUF_RING_MMAP)
    memory: Memory
    if mapped:
        if addr:
            raise EINVAL
        offset = _offset_of(number)
        memory = ring.regions[offset] = OwnMemory(t.kernel.frames, size, offset)
    else:
        if not addr:
            raise EFAULT
        if addr & PAGE_MASK:
            raise EINVAL
        t.mm.read(addr, size)
        memory = UserMemory(t.mm, addr)
    ring.groups[number] = RingGroup(memory, entries, flags, mapped=mapped)


def _offset_of(number: int) -> int:
    return uring.IORING_OFF_PBUF_RING | number << uring.IORING_OFF_PBUF_SHIFT


def unregister_ring(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_UNREGISTER_PBUF_RING."""
    if count != 1:
        raise EINVAL
    data = t.mm.read(arg, uring.BUF_REG.size)
    _, _, number, flags = uring.BUF_REG.unpack(data)
    if any(data[16:]) or flags:
        raise EINVAL
    _group(ring, number)
    del ring.groups[number]
    memory = ring.regions.pop(_offset_of(number), None)
    if memory is not None:
        memory.drop()


def status(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_PBUF_STATUS."""
    if count != 1:
        raise EINVAL
    data = t.mm.read(arg, uring.BUF_STATUS.size)
    number, _ = uring.BUF_STATUS.unpack(data)
    if any(data[8:]):
        raise EINVAL
    t.mm.write_u32(arg + 4, _group(ring, number).head)


def _group(ring: Ring, number: int) -> RingGroup:
    """Return a group whose buffers are in a ring; ``ENOENT``, ``EINVAL``."""
    group = ring.groups.get(number)
    if group is None:
        raise ENOENT
    if not isinstance(group, RingGroup):
        raise EINVAL
    return group
