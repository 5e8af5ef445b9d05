"""/proc/PID/fdinfo/FD of a ring of io_uring (``io_uring_show_fdinfo()``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ....abi import uring
from ...uring.queues import CQ_HEAD, CQ_TAIL, SQ_HEAD, SQ_TAIL

if TYPE_CHECKING:
    from ...uring.ring import Ring
    from ._declare import Subject

_M32 = 0xFFFFFFFF


def ring_info(ring: Ring, _: Subject) -> Iterator[str]:
    """Yield the lines about a ring."""
    queues = ring.queues
    memory, shape = queues.memory, queues.shape
    words = (
        ("SqMask", f"0x{shape.sq_entries - 1:x}"),
        ("SqHead", memory.read_u32(SQ_HEAD)),
        ("SqTail", memory.read_u32(SQ_TAIL)),
        ("CachedSqHead", queues.sq_head),
        ("CqMask", f"0x{shape.cq_entries - 1:x}"),
        ("CqHead", memory.read_u32(CQ_HEAD)),
        ("CqTail", memory.read_u32(CQ_TAIL)),
        ("CachedCqTail", queues.cq_tail),
    )
    yield "".join(f"{name}:\t{value}\n" for name, value in words)
    yield from _entries(ring)
    yield from _completions(ring)
    yield "SqThread:\t-1\nSqThreadCpu:\t-1\nSqTotalTime:\t0\nSqWorkTime:\t0\n"
    yield from _registered(ring)
    yield "PollList:\n"
    for request in ring.requests:
        if request.waits:
            yield f"  op={request.opcode}, task_works=0\n"
    yield "CqOverflowList:\n"
    for user_data, result, flags, _extra in ring.overflow:
        yield f"  user_data={user_data}, res={result}, flags={flags:x}\n"
    yield "NAPI:\tdisabled\n"


def _entries(ring: Ring) -> Iterator[str]:
    """Yield the entries that were not taken yet."""
    queues = ring.queues
    shape = queues.shape
    count = queues.submitted
    yield f"SQEs:\t{count}\n"
    for index in range(count):
        at = (queues.sq_head + index) & (shape.sq_entries - 1)
        if shape.array:
            at = queues.memory.read_u32(shape.array + 4 * at)
        if at >= shape.sq_entries:
            continue
        fields = uring.SQE.unpack(queues.sqes.read(at * shape.sqe_size, uring.SQE.size))
        opcode, flags, _, fd, off, addr, _, rw_flags, user_data, buf_index, *_rest = fields
        yield (
            f"{at:5d}: opcode:{_name(opcode)}, fd:{fd}, flags:{flags:x}, off:{off}, "
            f"addr:0x{addr:x}, rw_flags:0x{rw_flags:x}, buf_index:{buf_index} "
            f"user_data:{user_data}\n"
        )


def _name(opcode: int) -> str:
    for name, value in vars(uring).items():
        if name.startswith("IORING_OP_") and value == opcode:
            return name.removeprefix("IORING_OP_")
    return "INVALID"


def _completions(ring: Ring) -> Iterator[str]:
    """Yield the completions that the program has not seen yet."""
    queues = ring.queues
    entries = queues.shape.cq_entries
    count = min(queues.completed, entries)
    yield f"CQEs:\t{count}\n"
    head = queues.memory.read_u32(CQ_HEAD)
    for index in range(count):
        at = (head + index & _M32) & (entries - 1)
        user_data, result, flags = queues.completion(at)
        yield f"{at:5d}: user_data:{user_data}, res:{result}, flag:{flags:x}\n"


def _registered(ring: Ring) -> Iterator[str]:
    files: list[Any] = [] if ring.files is None else ring.files.nodes
    yield f"UserFiles:\t{len(files)}\n"
    for index, node in enumerate(files):
        if node is not None:
            yield f"{index:5d}: {node.item.path().decode(errors='replace')}\n"
    buffers: list[Any] = [] if ring.buffers is None else ring.buffers.nodes
    yield f"UserBufs:\t{len(buffers)}\n"
    for index, node in enumerate(buffers):
        if node is None:
            yield f"{index:5d}: <none>\n"
        else:
            yield f"{index:5d}: 0x{node.item[0]:x}/{node.item[1]}\n"
