"""Helpers that pass data to processes: ring buffers and perf events."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ....abi import bpf as b
from ....abi.errno import E2BIG, EINVAL, ENOENT, LinuxError
from ..files import EventOutput
from ..maps.base import CPUS
from ..maps.ring import RingBuffer
from .declare import EVERY, Arg, Result, helper
from .errors import failing

if TYPE_CHECKING:
    from ..interpreter import Run

_FLAGS = b.BPF_RB_NO_WAKEUP | b.BPF_RB_FORCE_WAKEUP


def _ring(run: Run, handle: int) -> RingBuffer:
    return cast("RingBuffer", run.handles[handle])  # the verifier has looked


@helper("ringbuf_output", Arg.MAP, Arg.MEMORY, Arg.SIZE_OR_ZERO, Arg.ANYTHING)
@failing
def output(run: Run, handle: int, data: int, size: int, flags: int) -> int:
    """bpf_ringbuf_output()."""
    if flags & ~_FLAGS:
        raise EINVAL
    ring = _ring(run, handle)
    place = ring.reserve(size)
    ring.fill(place, run.memory.read(data, size))
    ring.finish(place, flags)
    return 0


@helper("ringbuf_reserve", Arg.MAP, Arg.CONSTANT_SIZE, Arg.ANYTHING, result=Result.RECORD_OR_NULL)
def reserve(run: Run, handle: int, size: int, flags: int) -> int:
    """bpf_ringbuf_reserve(): a record of its own, which goes into the ring when it is finished."""
    if flags:
        return 0
    ring = _ring(run, handle)
    try:
        place = ring.reserve(size)
    except LinuxError:
        return 0
    addr = run.memory.add(bytearray(size))
    run.records[addr] = (ring, place, size)
    return addr


def _finish(run: Run, addr: int, flags: int, *, discard: bool) -> None:
    ring, place, size = run.records.pop(addr)
    if not discard:
        ring.fill(place, run.memory.read(addr, size))
    ring.finish(place, flags, discard=discard)
    run.memory.remove(addr)


@helper("ringbuf_submit", Arg.RECORD, Arg.ANYTHING)
def submit(run: Run, record: int, flags: int) -> int:
    """bpf_ringbuf_submit()."""
    _finish(run, record, flags, discard=False)
    return 0


@helper("ringbuf_discard", Arg.RECORD, Arg.ANYTHING)
def discard(run: Run, record: int, flags: int) -> int:
    """bpf_ringbuf_discard()."""
    _finish(run, record, flags, discard=True)
    return 0


@helper("ringbuf_query", Arg.MAP, Arg.ANYTHING)
def query(run: Run, handle: int, what: int) -> int:
    """bpf_ringbuf_query()."""
    return _ring(run, handle).query(what)


@helper(
    "perf_event_output", Arg.CONTEXT, Arg.MAP, Arg.ANYTHING, Arg.MEMORY, Arg.SIZE_OR_ZERO,
    gpl=True, types=EVERY,
)  # fmt: skip
@failing
def event_output(
    run: Run,
    context: int,
    handle: int,
    flags: int,
    data: int,
    size: int,
) -> int:
    """bpf_perf_event_output()."""
    if flags & ~(b.BPF_F_INDEX_MASK | b.BPF_F_CTXLEN_MASK):
        raise EINVAL
    index = flags & b.BPF_F_INDEX_MASK
    if index == b.BPF_F_CURRENT_CPU:
        index = 0
    found = run.handles[handle]
    if index >= found.shape.max_entries:
        raise E2BIG
    file = getattr(found, "held", {}).get(index)
    if file is None:
        raise ENOENT
    if index >= CPUS or not isinstance(file, EventOutput):
        raise EINVAL
    tail = min(flags >> 32 & 0xFFFFF, len(run.packet))
    file.output(run.memory.read(data, size) + run.packet[:tail])
    return 0
