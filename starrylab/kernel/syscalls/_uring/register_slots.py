"""io_uring_register(2) for files and buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....abi import uring
from ....abi.errno import (
    EFAULT,
    EINVAL,
    ENXIO,
    EOVERFLOW,
)
from ...uring.ring import Ring
from ...uring.tasks import ring_at
from . import slots
from .operation import no

if TYPE_CHECKING:
    from ...thread import Thread


# -- files and buffers -----------------------------------------------------------------------


def register_files(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_FILES."""
    if not arg:
        raise EFAULT
    slots.register_files(t, ring, arg, 0, count)


def unregister_files(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_UNREGISTER_FILES."""
    no(arg, count)
    if ring.files is None:
        raise ENXIO
    files, ring.files = ring.files, None
    files.clear_all()


def _read_resources(t: Thread, arg: int, count: int) -> tuple[int, int, int]:
    """Read ``struct io_uring_rsrc_register``: data, tags, how many."""
    if count != uring.RSRC_REGISTER.size:
        raise EINVAL
    number, flags, reserved, data, tags = uring.RSRC_REGISTER.unpack(t.mm.read(arg, count))
    if reserved or not number or flags & ~uring.IORING_RSRC_REGISTER_SPARSE:
        raise EINVAL
    if flags and data:
        raise EINVAL
    return data, tags, number


def register_tagged_files(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_FILES2."""
    slots.register_files(t, ring, *_read_resources(t, arg, count))


def register_tagged_buffers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_BUFFERS2."""
    slots.register_buffers(t, ring, *_read_resources(t, arg, count))


def change_files(t: Thread, ring: Ring, arg: int, count: int) -> int:
    """IORING_REGISTER_FILES_UPDATE."""
    if not count:
        raise EINVAL
    offset, reserved, data = uring.FILES_UPDATE.unpack(t.mm.read(arg, uring.FILES_UPDATE.size))
    no(reserved)
    return slots.update_files(t, ring, offset, data, 0, count)


def _read_update(t: Thread, arg: int, count: int) -> tuple[int, int, int, int]:
    if count != uring.RSRC_UPDATE2.size:
        raise EINVAL
    offset, reserved, data, tags, number, more = uring.RSRC_UPDATE2.unpack(t.mm.read(arg, count))
    if reserved or more or not number:
        raise EINVAL
    return offset, data, tags, number


def change_tagged_files(t: Thread, ring: Ring, arg: int, count: int) -> int:
    """IORING_REGISTER_FILES_UPDATE2."""
    return slots.update_files(t, ring, *_read_update(t, arg, count))


def change_buffers(t: Thread, ring: Ring, arg: int, count: int) -> int:
    """IORING_REGISTER_BUFFERS_UPDATE."""
    return slots.update_buffers(t, ring, *_read_update(t, arg, count))


def register_buffers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_BUFFERS."""
    if not arg:
        raise EFAULT
    slots.register_buffers(t, ring, arg, 0, count)


def unregister_buffers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_UNREGISTER_BUFFERS."""
    no(arg, count)
    if ring.buffers is None:
        raise ENXIO
    buffers, ring.buffers = ring.buffers, None
    buffers.clear_all()


def clone_buffers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_CLONE_BUFFERS."""
    if count != 1:
        raise EINVAL
    data = t.mm.read(arg, uring.CLONE_BUFFERS.size)
    fd, flags, first, to, number, rest = uring.CLONE_BUFFERS.unpack(data)
    known = uring.IORING_REGISTER_SRC_REGISTERED | uring.IORING_REGISTER_DST_REPLACE
    if flags & ~known or any(rest):
        raise EINVAL
    source = ring_at(t, fd, registered=bool(flags & uring.IORING_REGISTER_SRC_REGISTERED))
    replace = bool(flags & uring.IORING_REGISTER_DST_REPLACE)
    slots.clone_buffers(source, ring, first, to, number, replace=replace)


def set_allocation_range(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """IORING_REGISTER_FILE_ALLOC_RANGE."""
    if not arg or count:
        raise EINVAL
    first, length, reserved = uring.INDEX_RANGE.unpack(t.mm.read(arg, uring.INDEX_RANGE.size))
    if first + length >= 1 << 32:
        raise EOVERFLOW
    if reserved or ring.files is None or first + length > len(ring.files):
        raise EINVAL
    ring.files.set_range(first, first + length)
