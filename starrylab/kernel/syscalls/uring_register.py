"""io_uring_register(2): files, buffers, rings of buffers, personalities, restrictions, ..."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ...abi import uring
from ...abi.errno import (
    EACCES,
    EBADFD,
    EBUSY,
    EEXIST,
    EFAULT,
    EINVAL,
    ENOENT,
    ENXIO,
    EOVERFLOW,
    LinuxError,
)
from ...abi.uring import (
    IORING_REGISTER_SEND_MSG_RING,
    IORING_REGISTER_USE_REGISTERED_RING,
    IORING_SETUP_R_DISABLED,
    IORING_SETUP_SINGLE_ISSUER,
)
from ...machine.api import PAGE_MASK
from ..files.eventfd import EventFd
from ..uring.buffers import RingGroup
from ..uring.memory import Memory, OwnMemory, UserMemory
from ..uring.request import Request
from ..uring.ring import Ring
from ..uring.tasks import rings_of
from ._declare import syscall
from ._shown import UringRegisterOp
from ._types import FdNum, Ptr, UInt
from ._uring import cancel, slots
from ._uring.others import send_data
from ._uring.table import LAST, OPERATIONS
from .uring import ring_at

if TYPE_CHECKING:
    from ..thread import Thread

_Handler = Callable[["Thread", Ring, int, int], int | None]

_MOST_ENTRIES: Final = 1 << 15  #: of a ring of buffers
_PROBE_HEAD: Final = 16
_PROBE_OP: Final = 8


@syscall(partial="no busy polling of networks, memory regions, resizing and queries")
def io_uring_register(t: Thread, fd: FdNum, opcode: UringRegisterOp, arg: Ptr, count: UInt) -> int:
    """io_uring_register(2)."""
    registered = bool(opcode & IORING_REGISTER_USE_REGISTERED_RING)
    opcode &= ~IORING_REGISTER_USE_REGISTERED_RING
    if fd == -1 and opcode == IORING_REGISTER_SEND_MSG_RING:
        return _send_message(t, arg, count)
    handler = _HANDLERS.get(opcode)
    if handler is None:
        raise EINVAL
    ring = ring_at(t, fd, registered=registered)
    if ring.setup & IORING_SETUP_SINGLE_ISSUER and ring.issuer not in (None, t):
        raise EEXIST
    if ring.allowed is not None and opcode not in ring.allowed[0]:
        raise EACCES
    return handler(t, ring, arg, count) or 0


def _nothing(*fields: int) -> None:
    if any(fields):
        raise EINVAL


# -- files and buffers -----------------------------------------------------------------------


def _files(t: Thread, ring: Ring, arg: int, count: int) -> None:
    if not arg:
        raise EFAULT
    slots.register_files(t, ring, arg, 0, count)


def _no_files(t: Thread, ring: Ring, arg: int, count: int) -> None:
    _nothing(arg, count)
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


def _tagged_files(t: Thread, ring: Ring, arg: int, count: int) -> None:
    slots.register_files(t, ring, *_read_resources(t, arg, count))


def _tagged_buffers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    slots.register_buffers(t, ring, *_read_resources(t, arg, count))


def _update_files(t: Thread, ring: Ring, arg: int, count: int) -> int:
    if not count:
        raise EINVAL
    offset, reserved, data = uring.FILES_UPDATE.unpack(t.mm.read(arg, uring.FILES_UPDATE.size))
    _nothing(reserved)
    return slots.update_files(t, ring, offset, data, 0, count)


def _read_update(t: Thread, arg: int, count: int) -> tuple[int, int, int, int]:
    if count != uring.RSRC_UPDATE2.size:
        raise EINVAL
    offset, reserved, data, tags, number, more = uring.RSRC_UPDATE2.unpack(t.mm.read(arg, count))
    if reserved or more or not number:
        raise EINVAL
    return offset, data, tags, number


def _update_tagged_files(t: Thread, ring: Ring, arg: int, count: int) -> int:
    return slots.update_files(t, ring, *_read_update(t, arg, count))


def _update_buffers(t: Thread, ring: Ring, arg: int, count: int) -> int:
    return slots.update_buffers(t, ring, *_read_update(t, arg, count))


def _buffers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    if not arg:
        raise EFAULT
    slots.register_buffers(t, ring, arg, 0, count)


def _no_buffers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    _nothing(arg, count)
    if ring.buffers is None:
        raise ENXIO
    buffers, ring.buffers = ring.buffers, None
    buffers.clear_all()


def _clone_buffers(t: Thread, ring: Ring, arg: int, count: int) -> None:
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


def _allocation_range(t: Thread, ring: Ring, arg: int, count: int) -> None:
    if not arg or count:
        raise EINVAL
    first, length, reserved = uring.INDEX_RANGE.unpack(t.mm.read(arg, uring.INDEX_RANGE.size))
    if first + length >= 1 << 32:
        raise EOVERFLOW
    if reserved or ring.files is None or first + length > len(ring.files):
        raise EINVAL
    ring.files.set_range(first, first + length)


# -- telling ----------------------------------------------------------------------------------


def _eventfd(t: Thread, ring: Ring, arg: int, count: int) -> None:
    _tell(t, ring, arg, count, only_async=False)


def _eventfd_async(t: Thread, ring: Ring, arg: int, count: int) -> None:
    _tell(t, ring, arg, count, only_async=True)


def _tell(t: Thread, ring: Ring, arg: int, count: int, *, only_async: bool) -> None:
    if count != 1:
        raise EINVAL
    if ring.eventfd is not None:
        raise EBUSY
    counter = t.file(t.mm.read_i32(arg))
    if not isinstance(counter, EventFd):
        raise EINVAL
    ring.set_eventfd(counter, only_async=only_async)


def _no_eventfd(t: Thread, ring: Ring, arg: int, count: int) -> None:
    _nothing(arg, count)
    if ring.eventfd is None:
        raise ENXIO
    ring.set_eventfd(None)


# -- what there is, who it is, what may be -----------------------------------------------------


def _probe(t: Thread, ring: Ring, arg: int, count: int) -> None:
    if not arg or count > 256:
        raise EINVAL
    count = min(count, LAST + 1)
    size = _PROBE_HEAD + count * _PROBE_OP
    if any(t.mm.read(arg, size)):
        raise EINVAL
    answer = bytearray(bytes([LAST, count]) + bytes(14))
    for opcode in range(count):
        flags = uring.IO_URING_OP_SUPPORTED if opcode in OPERATIONS else 0
        answer += bytes([opcode, 0]) + flags.to_bytes(2, "little") + bytes(4)
    t.mm.write(arg, bytes(answer))


def _personality(t: Thread, ring: Ring, arg: int, count: int) -> int:
    _nothing(arg, count)
    number = ring.next_personality
    ring.next_personality = number % uring.MAX_CUSTOM_PERSONALITIES + 1
    ring.personalities[number] = t.cred
    return number


def _no_personality(t: Thread, ring: Ring, arg: int, count: int) -> None:
    _nothing(arg)
    if ring.personalities.pop(count, None) is None:
        raise EINVAL


def _restrictions(t: Thread, ring: Ring, arg: int, count: int) -> None:
    if not ring.setup & IORING_SETUP_R_DISABLED:
        raise EBADFD
    if ring.pending_allowed is not None:
        raise EBUSY
    if not arg or count > uring.IORING_REGISTER_QUERY + LAST + 2:
        raise EINVAL
    calls: set[int] = set()
    opcodes: set[int] = set()
    flags = required = 0
    data = t.mm.read(arg, count * uring.RESTRICTION.size)
    for kind, value, *_ in uring.RESTRICTION.iter_unpack(data):
        if kind == uring.IORING_RESTRICTION_REGISTER_OP and value <= uring.IORING_REGISTER_QUERY:
            calls.add(value)
        elif kind == uring.IORING_RESTRICTION_SQE_OP and value <= LAST:
            opcodes.add(value)
        elif kind == uring.IORING_RESTRICTION_SQE_FLAGS_ALLOWED:
            flags = value
        elif kind == uring.IORING_RESTRICTION_SQE_FLAGS_REQUIRED:
            required = value
        else:
            raise EINVAL
    ring.pending_allowed = (frozenset(calls), frozenset(opcodes), flags, required)


def _enable(t: Thread, ring: Ring, arg: int, count: int) -> None:
    _nothing(arg, count)
    if not ring.setup & IORING_SETUP_R_DISABLED:
        raise EBADFD
    ring.setup &= ~IORING_SETUP_R_DISABLED
    ring.issuer = t
    ring.allowed = ring.pending_allowed
    if ring.poller is not None:
        ring.poller.wake()


# -- rings of this thread, workers ---------------------------------------------------------------


def _register_rings(t: Thread, ring: Ring, arg: int, count: int) -> int:
    if not 0 < count <= uring.RINGFD_REGISTRATIONS:
        raise EINVAL
    done = 0
    try:
        for index in range(count):
            at = arg + index * uring.FILES_UPDATE.size
            wanted, reserved, fd = uring.FILES_UPDATE.unpack(t.mm.read(at, uring.FILES_UPDATE.size))
            _nothing(reserved)
            given = rings_of(t).register(ring_at(t, fd & 0x7FFFFFFF, registered=False), wanted)
            t.mm.write_u32(at, given)
            done += 1
    except LinuxError:
        if not done:
            raise
    return done


def _unregister_rings(t: Thread, ring: Ring, arg: int, count: int) -> int:
    if not 0 < count <= uring.RINGFD_REGISTRATIONS:
        raise EINVAL
    done = 0
    try:
        for index in range(count):
            at = arg + index * uring.FILES_UPDATE.size
            number, reserved, data = uring.FILES_UPDATE.unpack(
                t.mm.read(at, uring.FILES_UPDATE.size)
            )
            _nothing(reserved, data)
            rings_of(t).unregister(number)
            done += 1
    except LinuxError:
        if not done:
            raise
    return done


def _affinity(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """Let requests run on given processors: there is one, and they run on no thread anyway."""
    if not arg or not count:
        raise EINVAL
    if not any(t.mm.read(arg, min(count, 128))):
        raise EINVAL


def _no_affinity(t: Thread, ring: Ring, arg: int, count: int) -> None:
    _nothing(arg, count)


def _workers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """Tell and set how many workers there may be; a request that waits needs none here."""
    if not arg or count != 2:
        raise EINVAL
    wanted = [t.mm.read_u32(arg), t.mm.read_u32(arg + 4)]
    if any(number >> 31 for number in wanted):
        raise EINVAL
    kept = rings_of(t).workers
    for index, number in enumerate(wanted):
        t.mm.write_u32(arg + 4 * index, kept[index])
        if number:
            kept[index] = number


# -- rings of buffers ------------------------------------------------------------------------------


def _buffer_ring(t: Thread, ring: Ring, arg: int, count: int) -> None:
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


def _no_buffer_ring(t: Thread, ring: Ring, arg: int, count: int) -> None:
    if count != 1:
        raise EINVAL
    data = t.mm.read(arg, uring.BUF_REG.size)
    _, _, number, flags = uring.BUF_REG.unpack(data)
    if any(data[16:]) or flags:
        raise EINVAL
    group = ring.groups.get(number)
    if group is None:
        raise ENOENT
    if not isinstance(group, RingGroup):
        raise EINVAL
    del ring.groups[number]
    memory = ring.regions.pop(_offset_of(number), None)
    if memory is not None:
        memory.drop()


def _buffer_status(t: Thread, ring: Ring, arg: int, count: int) -> None:
    if count != 1:
        raise EINVAL
    data = t.mm.read(arg, uring.BUF_STATUS.size)
    number, _ = uring.BUF_STATUS.unpack(data)
    if any(data[8:]):
        raise EINVAL
    group = ring.groups.get(number)
    if group is None:
        raise ENOENT
    if not isinstance(group, RingGroup):
        raise EINVAL
    t.mm.write_u32(arg + 4, group.head)


# -- requests --------------------------------------------------------------------------------------


def _cancel(t: Thread, ring: Ring, arg: int, count: int) -> int:
    if not arg or count != 1:
        raise EINVAL
    data = t.mm.read(arg, uring.SYNC_CANCEL.size)
    user_data, fd, flags, _, _, opcode, pad, more = uring.SYNC_CANCEL.unpack(data)
    if any(pad) or any(more):
        raise EINVAL
    cancel.check(flags)
    file = cancel.target_of(ring, t.fds, flags, fd)
    return cancel.cancel(ring, flags, cancel.matcher(flags, user_data, file, opcode))


def _send_message(t: Thread, arg: int, count: int) -> int:
    """IORING_OP_MSG_RING without a ring of one's own: data only."""
    if not arg or count != 1:
        raise EINVAL
    entry = uring.SQE.unpack(t.mm.read(arg, uring.SQE.size))
    if entry[0] != uring.IORING_OP_MSG_RING or entry[1]:
        raise EINVAL
    target = t.file(entry[3])
    if not isinstance(target, Ring):
        raise EBADFD
    if entry[5] != uring.IORING_MSG_DATA:
        raise EINVAL
    send_data(Request(target, t, entry, b""), target)
    return 0


_HANDLERS: Final[Mapping[int, _Handler]] = MappingProxyType(
    {
        uring.IORING_REGISTER_BUFFERS: _buffers,
        uring.IORING_UNREGISTER_BUFFERS: _no_buffers,
        uring.IORING_REGISTER_FILES: _files,
        uring.IORING_UNREGISTER_FILES: _no_files,
        uring.IORING_REGISTER_EVENTFD: _eventfd,
        uring.IORING_UNREGISTER_EVENTFD: _no_eventfd,
        uring.IORING_REGISTER_FILES_UPDATE: _update_files,
        uring.IORING_REGISTER_EVENTFD_ASYNC: _eventfd_async,
        uring.IORING_REGISTER_PROBE: _probe,
        uring.IORING_REGISTER_PERSONALITY: _personality,
        uring.IORING_UNREGISTER_PERSONALITY: _no_personality,
        uring.IORING_REGISTER_RESTRICTIONS: _restrictions,
        uring.IORING_REGISTER_ENABLE_RINGS: _enable,
        uring.IORING_REGISTER_FILES2: _tagged_files,
        uring.IORING_REGISTER_FILES_UPDATE2: _update_tagged_files,
        uring.IORING_REGISTER_BUFFERS2: _tagged_buffers,
        uring.IORING_REGISTER_BUFFERS_UPDATE: _update_buffers,
        uring.IORING_REGISTER_IOWQ_AFF: _affinity,
        uring.IORING_UNREGISTER_IOWQ_AFF: _no_affinity,
        uring.IORING_REGISTER_IOWQ_MAX_WORKERS: _workers,
        uring.IORING_REGISTER_RING_FDS: _register_rings,
        uring.IORING_UNREGISTER_RING_FDS: _unregister_rings,
        uring.IORING_REGISTER_PBUF_RING: _buffer_ring,
        uring.IORING_UNREGISTER_PBUF_RING: _no_buffer_ring,
        uring.IORING_REGISTER_SYNC_CANCEL: _cancel,
        uring.IORING_REGISTER_FILE_ALLOC_RANGE: _allocation_range,
        uring.IORING_REGISTER_PBUF_STATUS: _buffer_status,
        uring.IORING_REGISTER_CLONE_BUFFERS: _clone_buffers,
    }
)
