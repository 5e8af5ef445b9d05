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
    EINVAL,
    ENXIO,
)
from ...abi.resource import RLIMIT_NPROC
from ...abi.uring import (
    IORING_REGISTER_SEND_MSG_RING,
    IORING_REGISTER_USE_REGISTERED_RING,
    IORING_SETUP_R_DISABLED,
    IORING_SETUP_SINGLE_ISSUER,
)
from ..files.eventfd import EventFd
from ..uring.request import Request
from ..uring.ring import Ring
from ..uring.tasks import ring_at, rings_of
from ._declare import syscall
from ._shown import UringRegisterOp
from ._types import FdNum, Ptr, UInt
from ._uring import cancel, register_groups, register_memory, register_slots
from ._uring.operation import no, one_by_one
from ._uring.others import send_data
from ._uring.table import LAST, OPERATIONS

if TYPE_CHECKING:
    from ..thread import Thread

_Handler = Callable[["Thread", Ring, int, int], int | None]

_BOUNDED: Final = 4  #: workers for files that never wait, a processor
_PROBE_HEAD: Final = 16
_PROBE_OP: Final = 8


@syscall(partial="no busy polling of networks, no queries")
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
    no(arg, count)
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
    no(arg, count)
    number = ring.next_personality
    ring.next_personality = number % uring.MAX_CUSTOM_PERSONALITIES + 1
    ring.personalities[number] = t.cred
    return number


def _no_personality(t: Thread, ring: Ring, arg: int, count: int) -> None:
    no(arg)
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
    no(arg, count)
    if not ring.setup & IORING_SETUP_R_DISABLED:
        raise EBADFD
    ring.setup &= ~IORING_SETUP_R_DISABLED
    ring.issuer = t
    ring.allowed = ring.pending_allowed
    if ring.poller is not None:
        ring.poller.wake()


# -- rings of this thread, workers ---------------------------------------------------------------


def _register_rings(t: Thread, ring: Ring, arg: int, count: int) -> int:
    def register(at: int, wanted: int, fd: int) -> None:
        given = rings_of(t).register(ring_at(t, fd & 0x7FFFFFFF, registered=False), wanted)
        t.mm.write_u32(at, given)

    return _each_ring(t, arg, count, register)


def _unregister_rings(t: Thread, ring: Ring, arg: int, count: int) -> int:
    def unregister(at: int, number: int, data: int) -> None:
        no(data)
        rings_of(t).unregister(number)

    return _each_ring(t, arg, count, unregister)


def _each_ring(t: Thread, arg: int, count: int, act: Callable[[int, int, int], None]) -> int:
    """Call ``act`` with the address, the index and the descriptor of each entry at ``arg``."""
    if not 0 < count <= uring.RINGFD_REGISTRATIONS:
        raise EINVAL
    entry = uring.FILES_UPDATE

    def act_on(index: int) -> None:
        at = arg + index * entry.size
        number, reserved, fd = entry.unpack(t.mm.read(at, entry.size))
        no(reserved)
        act(at, number, fd)

    return one_by_one(count, act_on)


def _affinity(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """Let requests run on given processors: there is one, and they run on no thread anyway."""
    if not arg or not count:
        raise EINVAL
    if not any(t.mm.read(arg, min(count, 128))):
        raise EINVAL


def _no_affinity(t: Thread, ring: Ring, arg: int, count: int) -> None:
    no(arg, count)


def _workers(t: Thread, ring: Ring, arg: int, count: int) -> None:
    """Tell and set how many workers there may be; a request that waits needs none here."""
    if not arg or count != 2:
        raise EINVAL
    wanted = [t.mm.read_u32(arg), t.mm.read_u32(arg + 4)]
    if any(number >> 31 for number in wanted):
        raise EINVAL
    kept = rings_of(t).workers
    if not kept[1]:
        kept[:] = [_BOUNDED, min(t.process.limits.soft(RLIMIT_NPROC), 0x7FFFFFFF)]
    for index, number in enumerate(wanted):
        t.mm.write_u32(arg + 4 * index, kept[index])
        if number:
            kept[index] = number


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
        uring.IORING_REGISTER_BUFFERS: register_slots.register_buffers,
        uring.IORING_UNREGISTER_BUFFERS: register_slots.unregister_buffers,
        uring.IORING_REGISTER_FILES: register_slots.register_files,
        uring.IORING_UNREGISTER_FILES: register_slots.unregister_files,
        uring.IORING_REGISTER_EVENTFD: _eventfd,
        uring.IORING_UNREGISTER_EVENTFD: _no_eventfd,
        uring.IORING_REGISTER_FILES_UPDATE: register_slots.change_files,
        uring.IORING_REGISTER_EVENTFD_ASYNC: _eventfd_async,
        uring.IORING_REGISTER_PROBE: _probe,
        uring.IORING_REGISTER_PERSONALITY: _personality,
        uring.IORING_UNREGISTER_PERSONALITY: _no_personality,
        uring.IORING_REGISTER_RESTRICTIONS: _restrictions,
        uring.IORING_REGISTER_ENABLE_RINGS: _enable,
        uring.IORING_REGISTER_FILES2: register_slots.register_tagged_files,
        uring.IORING_REGISTER_FILES_UPDATE2: register_slots.change_tagged_files,
        uring.IORING_REGISTER_BUFFERS2: register_slots.register_tagged_buffers,
        uring.IORING_REGISTER_BUFFERS_UPDATE: register_slots.change_buffers,
        uring.IORING_REGISTER_IOWQ_AFF: _affinity,
        uring.IORING_UNREGISTER_IOWQ_AFF: _no_affinity,
        uring.IORING_REGISTER_IOWQ_MAX_WORKERS: _workers,
        uring.IORING_REGISTER_RING_FDS: _register_rings,
        uring.IORING_UNREGISTER_RING_FDS: _unregister_rings,
        uring.IORING_REGISTER_PBUF_RING: register_groups.register_ring,
        uring.IORING_UNREGISTER_PBUF_RING: register_groups.unregister_ring,
        uring.IORING_REGISTER_SYNC_CANCEL: _cancel,
        uring.IORING_REGISTER_FILE_ALLOC_RANGE: register_slots.set_allocation_range,
        uring.IORING_REGISTER_PBUF_STATUS: register_groups.status,
        uring.IORING_REGISTER_MEM_REGION: register_memory.register_region,
        uring.IORING_REGISTER_RESIZE_RINGS: register_memory.resize,
        uring.IORING_REGISTER_CLONE_BUFFERS: register_slots.clone_buffers,
    }
)
