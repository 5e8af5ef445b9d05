"""io_uring: io_uring_setup(2), io_uring_enter(2)."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...abi import uring
from ...abi.errno import (
    EBADF,
    EBADFD,
    EEXIST,
    EFAULT,
    EINTR,
    EINVAL,
    EOWNERDEAD,
    EPERM,
    ETIME,
    LinuxError,
)
from ...abi.poll import POLLIN, POLLOUT
from ...abi.uring import (
    IORING_ENTER_ABS_TIMER,
    IORING_ENTER_EXT_ARG,
    IORING_ENTER_EXT_ARG_REG,
    IORING_ENTER_GETEVENTS,
    IORING_ENTER_NO_IOWAIT,
    IORING_ENTER_REGISTERED_RING,
    IORING_ENTER_SQ_WAIT,
    IORING_ENTER_SQ_WAKEUP,
    IORING_OFF_SQES,
    IORING_SETUP_ATTACH_WQ,
    IORING_SETUP_CLAMP,
    IORING_SETUP_COOP_TASKRUN,
    IORING_SETUP_CQE32,
    IORING_SETUP_CQSIZE,
    IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_IOPOLL,
    IORING_SETUP_NO_MMAP,
    IORING_SETUP_NO_SQARRAY,
    IORING_SETUP_R_DISABLED,
    IORING_SETUP_REGISTERED_FD_ONLY,
    IORING_SETUP_SINGLE_ISSUER,
    IORING_SETUP_SQ_AFF,
    IORING_SETUP_SQE128,
    IORING_SETUP_SQPOLL,
    IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_TASKRUN_FLAG,
)
from ...machine.api import PAGE_MASK, WRITE
from ..core.poll import poll_any
from ..uring.memory import Memory, PinnedMemory
from ..uring.queues import Queues, Shape
from ..uring.ring import Ring
from ..uring.tasks import ring_at, rings_of
from ._declare import syscall
from ._shown import UringEnterFlags, UringParams
from ._timespec import MAX_NS, read_timespec, to_ns
from ._types import FdNum, Ptr, Size, UInt
from ._uring.poller import start_poller
from ._uring.register_memory import own_queues, shape_of
from ._uring.submit import submit
from .poll import look_for_signals, read_sigmask, under_mask

if TYPE_CHECKING:
    from ..thread import Thread

Result = int | Coroutine[Any, Any, int]

_SETUP: Final = (
    IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF | IORING_SETUP_CQSIZE
    | IORING_SETUP_CLAMP | IORING_SETUP_ATTACH_WQ | IORING_SETUP_R_DISABLED
    | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG
    | IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER
    | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY
    | IORING_SETUP_NO_SQARRAY
)  # fmt: skip
_FEATURES: Final = (
    uring.IORING_FEAT_SINGLE_MMAP | uring.IORING_FEAT_NODROP | uring.IORING_FEAT_SUBMIT_STABLE
    | uring.IORING_FEAT_RW_CUR_POS | uring.IORING_FEAT_CUR_PERSONALITY
    | uring.IORING_FEAT_FAST_POLL | uring.IORING_FEAT_POLL_32BITS
    | uring.IORING_FEAT_SQPOLL_NONFIXED | uring.IORING_FEAT_EXT_ARG
    | uring.IORING_FEAT_NATIVE_WORKERS | uring.IORING_FEAT_RSRC_TAGS
    | uring.IORING_FEAT_CQE_SKIP | uring.IORING_FEAT_LINKED_FILE
    | uring.IORING_FEAT_REG_REG_RING | uring.IORING_FEAT_RECVSEND_BUNDLE
    | uring.IORING_FEAT_MIN_TIMEOUT | uring.IORING_FEAT_NO_IOWAIT
)  # fmt: skip
_TASK_WORK: Final = (
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_DEFER_TASKRUN
)
_ENTER: Final = (
    IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT | IORING_ENTER_EXT_ARG
    | IORING_ENTER_EXT_ARG_REG | IORING_ENTER_REGISTERED_RING | IORING_ENTER_ABS_TIMER
    | IORING_ENTER_NO_IOWAIT
)  # fmt: skip


# -- setup -----------------------------------------------------------------------------------


@syscall(partial="no IOPOLL on any file; registered buffers are not pinned")
def io_uring_setup(t: Thread, entries: UInt, params: UringParams) -> FdNum:
    """io_uring_setup(2)."""
    if not t.kernel.ring_settings.allow(t.cred):
        raise EPERM
    data = t.mm.read(params, uring.PARAMS_SIZE)
    _, cq_entries, flags, processor, idle_ms, _, attach = uring.PARAMS.unpack_from(data)
    if any(data[28:40]) or flags & ~_SETUP:
        raise EINVAL
    _check_setup(t, flags, processor, attach)
    shape = shape_of(entries, cq_entries, flags)
    rings_addr = sqes_addr = 0
    if flags & IORING_SETUP_NO_MMAP:
        (sqes_addr,) = uring.OFFSETS.unpack_from(data, uring.PARAMS.size)[8:]
        (rings_addr,) = uring.OFFSETS.unpack_from(data, uring.PARAMS.size + uring.OFFSETS.size)[8:]
    memory, sqes = _memory(t, shape, flags, rings_addr, sqes_addr)
    ring = Ring(Queues(memory, sqes, shape), flags, t)
    ring.regions[0], ring.regions[IORING_OFF_SQES] = memory, sqes
    ring.acquire()
    try:
        answer = uring.PARAMS.pack(
            shape.sq_entries, shape.cq_entries, flags, processor, idle_ms, _FEATURES, attach
        ) + shape.offsets(rings_addr, sqes_addr)
        t.mm.write(params, answer)
        if flags & IORING_SETUP_REGISTERED_FD_ONLY:
            made = rings_of(t).register(ring, 0xFFFFFFFF)
        else:
            made = t.install(ring, cloexec=True)
        if flags & IORING_SETUP_SQPOLL:
            start_poller(t, ring, idle_ms)
        return made
    finally:
        ring.release()


def _check_setup(t: Thread, flags: int, processor: int, attach: int) -> None:
    """Raise ``EINVAL`` for flags that contradict each other (``io_uring_sanitise_params()``)."""
    if flags & IORING_SETUP_SQPOLL:
        if flags & _TASK_WORK:
            raise EINVAL
        if flags & IORING_SETUP_SQ_AFF and processor:
            raise EINVAL
    elif flags & IORING_SETUP_SQ_AFF:
        raise EINVAL
    if flags & IORING_SETUP_TASKRUN_FLAG and not flags & (
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN
    ):
        raise EINVAL
    if flags & IORING_SETUP_DEFER_TASKRUN and not flags & IORING_SETUP_SINGLE_ISSUER:
        raise EINVAL
    if flags & IORING_SETUP_REGISTERED_FD_ONLY and not flags & IORING_SETUP_NO_MMAP:
        raise EINVAL
    if flags & IORING_SETUP_ATTACH_WQ:
        other = t.fds.get(attach)
        if other is None:
            raise EBADF
        if not isinstance(other, Ring):
            raise EINVAL


def _memory(
    t: Thread, shape: Shape, flags: int, rings_addr: int, sqes_addr: int
) -> tuple[Memory, Memory]:  # fmt: skip
    if not flags & IORING_SETUP_NO_MMAP:
        return own_queues(t, shape)
    if (rings_addr | sqes_addr) & PAGE_MASK:
        raise EINVAL
    t.mm.views(sqes_addr, shape.sqes_size, WRITE)
    t.mm.write(rings_addr, bytes(shape.rings_size))
    sqes = PinnedMemory(t.mm, sqes_addr, shape.sqes_size)
    return PinnedMemory(t.mm, rings_addr, shape.rings_size), sqes


# -- enter -----------------------------------------------------------------------------------


@syscall()
def io_uring_enter(
    t: Thread, fd: FdNum, to_submit: UInt, least: UInt, flags: UringEnterFlags, arg: Ptr, size: Size
) -> Result:
    """io_uring_enter(2)."""
    if flags & ~_ENTER:
        raise EINVAL
    ring = ring_at(t, fd, registered=bool(flags & IORING_ENTER_REGISTERED_RING))
    if ring.setup & IORING_SETUP_R_DISABLED:
        raise EBADFD
    if ring.setup & IORING_SETUP_SQPOLL:
        return _enter_polled(t, ring, to_submit, least, flags, arg, size)
    done = 0
    if to_submit:
        _check_issuer(t, ring)
        rings_of(t).used.add(ring)
        done = submit(t, ring, to_submit)
        if done != to_submit:
            return done
    if not flags & IORING_ENTER_GETEVENTS:
        return done
    return _get_events(t, ring, least, flags, arg, size, done)


def _check_issuer(t: Thread, ring: Ring) -> None:
    if ring.setup & IORING_SETUP_SINGLE_ISSUER and ring.issuer is not t:
        raise EEXIST


def _enter_polled(
    t: Thread, ring: Ring, to_submit: int, least: int, flags: int, arg: int, size: int
) -> Result:
    """Leave the entries to the ring's own task."""
    poller = ring.poller
    if poller is None:
        raise EOWNERDEAD
    if flags & IORING_ENTER_SQ_WAKEUP:
        poller.wake()
    if flags & IORING_ENTER_SQ_WAIT and not ring.poll() & POLLOUT:
        return _wait_for_room(t, ring, to_submit, least, flags, arg, size)
    if not flags & IORING_ENTER_GETEVENTS:
        return to_submit
    return _get_events(t, ring, least, flags, arg, size, to_submit)


async def _wait_for_room(
    t: Thread, ring: Ring, done: int, least: int, flags: int, arg: int, size: int
) -> int:
    ring.acquire()
    try:
        while not ring.poll() & POLLOUT:
            await poll_any(t, [(ring, POLLOUT)], None)
        if not flags & IORING_ENTER_GETEVENTS:
            return done
        result = _get_events(t, ring, least, flags, arg, size, done)
        return result if isinstance(result, int) else await result
    finally:
        ring.release()


def _get_events(
    t: Thread, ring: Ring, least: int, flags: int, arg: int, size: int, done: int
) -> Result:
    """Wait for completions; what was submitted counts more than an error here."""
    try:
        if ring.setup & IORING_SETUP_DEFER_TASKRUN:
            _check_issuer(t, ring)
        mask, timeout_ns, shortest_ns = _read_arguments(t, ring, flags, arg, size)
    except LinuxError:
        if done:
            return done
        raise
    ring.serve()
    least = min(least, ring.queues.shape.cq_entries)
    if ring.queues.completed >= least:
        return done
    now = t.executor.now
    deadline = timeout_ns
    if timeout_ns is not None and not flags & IORING_ENTER_ABS_TIMER:
        deadline = min(now + timeout_ns, MAX_NS)
    shortest = now + shortest_ns if shortest_ns else None
    waiting = _wait(t, ring, least, deadline, shortest, masked=mask is not None)
    return _finish(done, waiting if mask is None else under_mask(t, mask, waiting))


async def _finish(done: int, waiting: Coroutine[Any, Any, int]) -> int:
    try:
        await waiting
    except LinuxError:
        if not done:
            raise
    return done


def _read_arguments(
    t: Thread, ring: Ring, flags: int, arg: int, size: int
) -> tuple[int | None, int | None, int]:  # fmt: skip
    """Return signal mask, timeout and shortest wait (ns)."""
    if flags & IORING_ENTER_EXT_ARG_REG:
        return _registered_arguments(t, ring, flags, arg, size)
    if not flags & IORING_ENTER_EXT_ARG:
        return read_sigmask(t, arg, size), None, 0
    if size != uring.GETEVENTS_ARG.size:
        raise EINVAL
    mask_at, mask_size, shortest_us, time_at = uring.GETEVENTS_ARG.unpack(t.mm.read(arg, size))
    timeout_ns = read_timespec(t.mm, time_at) if time_at else None
    return read_sigmask(t, mask_at, mask_size), timeout_ns, shortest_us * 1000


def _registered_arguments(
    t: Thread, ring: Ring, flags: int, offset: int, size: int
) -> tuple[int | None, int | None, int]:  # fmt: skip
    """Read the arguments from a region that was registered for it; ``EFAULT``, ``EINVAL``."""
    region = ring.wait_region
    if not flags & IORING_ENTER_EXT_ARG or size != uring.REG_WAIT.size:
        raise EINVAL
    if region is None or offset % 8 or offset + size > region.length:
        raise EFAULT
    data = b"".join([region.read(offset + at, 8) for at in range(0, size, 8)])
    seconds, ns, shortest_us, kind, mask_at, mask_size = uring.REG_WAIT.unpack(data)
    if kind & ~uring.IORING_REG_WAIT_TS or any(data[36:]):
        raise EINVAL
    timeout_ns = to_ns(seconds, ns) if kind else None
    return read_sigmask(t, mask_at, mask_size), timeout_ns, shortest_us * 1000


async def _wait(
    t: Thread, ring: Ring, least: int, deadline: int | None, shortest: int | None, *, masked: bool
) -> int:
    """Sleep until ``least`` completions are there; ``ETIME``, ``EINTR`` if there is none at all.

    From ``shortest`` on, one is enough.
    """
    ring.acquire()
    try:
        await _sleep(t, ring, least, deadline, shortest, masked=masked)
    except (EINTR, ETIME):
        ring.serve()
        if not ring.queues.completed:
            raise
    finally:
        ring.release()
    return 0


async def _sleep(
    t: Thread, ring: Ring, least: int, deadline: int | None, shortest: int | None, *, masked: bool
) -> None:
    watched = [(ring, POLLIN)]
    wait = partial(poll_any, t, watched)
    expired = ring.expired
    # A timeout always ends the wait, however few completions there are (``io_should_wake()``).
    while ring.queues.completed < least and ring.expired == expired:
        until = deadline
        if shortest is not None and (deadline is None or shortest < deadline):
            until = shortest
        if await wait(until):
            ring.serve()
            continue
        ring.serve()
        if until == shortest and until != deadline:
            least, shortest = 1, None
            continue
        if masked:
            await look_for_signals(t)
        if ring.queues.completed < least:
            raise ETIME
