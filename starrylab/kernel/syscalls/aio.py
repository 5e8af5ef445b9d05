"""Asynchronous input and output: io_setup(2), io_submit(2), io_getevents(2), io_cancel(2).

As in Linux with buffered files, a transfer is done when it is submitted; only IOCB_CMD_POLL waits
behind the caller's back.  A context's id is the address of a page in which Linux would have its
ring of events; here the ring's magic number is missing, so libraries ask the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...abi import aio
from ...abi.errno import (
    EAGAIN,
    EBADF,
    EFAULT,
    EINPROGRESS,
    EINTR,
    EINVAL,
    EOPNOTSUPP,
    ESPIPE,
    LinuxError,
)
from ...abi.mman import MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE
from ...abi.poll import POLLERR, POLLHUP
from ...machine.api import PAGE_SIZE
from ..core.poll import poll_any
from ..files.aio import AioContext, AioPoll, Event
from ..files.eventfd import EventFd
from ..files.file import File
from ..mm.areas import VM_DONTFORK
from . import io, sync
from ._declare import syscall
from ._shown import InTime
from ._types import Long, Ptr, UInt, ULong
from .poll import look_for_signals, read_sigmask, under_mask

if TYPE_CHECKING:
    from ..thread import Thread

_RING: Final = Struct("<IIII")  #: the head of struct aio_ring: id, how many, head, tail
_MASK: Final = Struct("<QQ")  #: struct __aio_sigset
_TIMESPEC: Final = Struct("<qq")
_FOREVER_NS: Final = 1 << 62
_MOST: Final = 0x1000_0000 // 32

Result = int | Coroutine[Any, Any, int]
_Transfer = Callable[["Thread", File, "_Request"], Any]


class _Request(NamedTuple):
    """``struct iocb``."""

    data: int
    key: int
    rw_flags: int
    opcode: int
    priority: int
    fd: int
    buf: int
    nbytes: int
    offset: int
    reserved: int
    flags: int
    told: int


# -- contexts -----------------------------------------------------------------------------------


@syscall()
def io_setup(t: Thread, count: UInt, context: Ptr) -> None:
    """io_setup(2)."""
    if t.mm.read_u64(context) or not 0 < count <= _MOST:
        raise EINVAL
    contexts = t.kernel.aio.setdefault(t.mm, {})
    if count + sum(other.size for other in contexts.values()) > aio.AIO_MAX_NR:
        raise EAGAIN
    addr = t.mm.map(
        0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, vm_flags=VM_DONTFORK
    )
    t.mm.write(addr, _RING.pack(0, count, 0, 0))
    try:
        t.mm.write_u64(context, addr)
    except EFAULT:
        t.mm.unmap(addr, PAGE_SIZE)
        raise
    contexts[addr] = AioContext(count)


@syscall()
def io_destroy(t: Thread, context: ULong) -> None:
    """io_destroy(2)."""
    _context(t, context).destroy()
    del t.kernel.aio[t.mm][context]
    t.mm.unmap(context, PAGE_SIZE)


def _context(t: Thread, ident: int) -> AioContext:
    found = t.kernel.aio.get(t.mm, {}).get(ident)
    if found is None:
        raise EINVAL
    return found


# -- submitting ---------------------------------------------------------------------------------


@syscall()
async def io_submit(t: Thread, context: ULong, count: Long, pointers: Ptr) -> int:
    """io_submit(2)."""
    found = _context(t, context)
    if count < 0:
        raise EINVAL
    done = 0
    try:
        while done < min(count, found.size):
            await _submit(t, found, t.mm.read_u64(pointers + 8 * done))
            done += 1
    except LinuxError:
        if not done:
            raise
    return done


async def _submit(t: Thread, context: AioContext, addr: int) -> None:
    request = _Request(*aio.IOCB.unpack(t.mm.read(addr, aio.IOCB.size)))
    if request.reserved:
        raise EINVAL
    if context.full:
        raise EAGAIN
    file = t.file(request.fd)
    told: EventFd | None = None
    if request.flags & aio.IOCB_FLAG_RESFD:
        counter = t.file(request.told)
        if not isinstance(counter, EventFd):
            raise EINVAL
        told = counter
    t.mm.write_u32(addr + 8, 0)  # KIOCB_KEY, for io_cancel
    if request.opcode == aio.IOCB_CMD_POLL:
        _poll(context, file, request, addr, told)
        return
    transfer = _TRANSFERS.get(request.opcode)
    if transfer is None:
        raise EINVAL
    result = await _result(t, file, request, transfer)
    context.end((request.data, addr, result), told)


async def _result(t: Thread, file: File, request: _Request, transfer: _Transfer) -> int:
    """Return the bytes moved, or an error's number; what Linux refuses at once is raised."""
    try:
        result = transfer(t, file, request)
        if result is not None and type(result) is not int:
            result = await result
    except (EBADF, EINVAL, EFAULT, EOPNOTSUPP):
        raise
    except LinuxError as error:
        return -error.errno
    return result or 0


def _poll(
    context: AioContext, file: File, request: _Request, addr: int, told: EventFd | None
) -> None:
    if request.buf >> 16 or request.offset or request.nbytes or request.rw_flags:
        raise EINVAL
    AioPoll(context, file, request.buf | POLLERR | POLLHUP, addr, request.data, told).wake()


def _read(t: Thread, file: File, request: _Request) -> Any:
    if not file.readable:
        raise EBADF
    try:
        return io.pread64(t, file, request.buf, request.nbytes, request.offset)
    except ESPIPE:
        return io.read(t, file, request.buf, request.nbytes)


def _write(t: Thread, file: File, request: _Request) -> Any:
    if not file.writable:
        raise EBADF
    try:
        return io.pwrite64(t, file, request.buf, request.nbytes, request.offset)
    except ESPIPE:
        return io.write(t, file, request.buf, request.nbytes)


def _read_vector(t: Thread, file: File, request: _Request) -> Any:
    flags = request.rw_flags
    return io.preadv2(t, file, request.buf, request.nbytes, request.offset, 0, flags)


def _write_vector(t: Thread, file: File, request: _Request) -> Any:
    flags = request.rw_flags
    return io.pwritev2(t, file, request.buf, request.nbytes, request.offset, 0, flags)


def _sync(t: Thread, file: File, request: _Request) -> None:
    if request.buf or request.offset or request.nbytes or request.rw_flags:
        raise EINVAL
    (sync.fdatasync if request.opcode == aio.IOCB_CMD_FDSYNC else sync.fsync)(t, file)


_TRANSFERS: Final[dict[int, _Transfer]] = {
    aio.IOCB_CMD_PREAD: _read,
    aio.IOCB_CMD_PWRITE: _write,
    aio.IOCB_CMD_FSYNC: _sync,
    aio.IOCB_CMD_FDSYNC: _sync,
    aio.IOCB_CMD_PREADV: _read_vector,
    aio.IOCB_CMD_PWRITEV: _write_vector,
}


@syscall()
def io_cancel(t: Thread, context: ULong, request: Ptr, result: Ptr) -> None:
    """io_cancel(2): as in Linux, the event comes as any other, and the call says so."""
    if t.mm.read_u32(request + 8):
        raise EINVAL
    found = _context(t, context)
    poll = found.polls.get(request)
    if poll is None:
        raise EINVAL
    poll.cancel()
    found.end((poll.data, poll.addr, 0), poll.told)
    raise EINPROGRESS


# -- events -------------------------------------------------------------------------------------


@syscall()
def io_getevents(
    t: Thread, context: ULong, least: Long, most: Long, events: Ptr, timeout: InTime
) -> Result:
    """io_getevents(2)."""
    timeout_ns = _timeout(t, timeout)
    return _get_events(t, context, least, most, events, timeout_ns, None)


@syscall()
def io_pgetevents(
    t: Thread, context: ULong, least: Long, most: Long, events: Ptr, timeout: InTime, mask: Ptr
) -> Result:
    """io_pgetevents(2)."""
    timeout_ns = _timeout(t, timeout)
    signals = None
    if mask:
        signals = read_sigmask(t, *_MASK.unpack(t.mm.read(mask, _MASK.size)))
    return _get_events(t, context, least, most, events, timeout_ns, signals)


def _timeout(t: Thread, addr: int) -> int | None:
    """Read a timespec as Linux does here: whatever it says is a time, 0 at least."""
    if not addr:
        return None
    seconds, nanoseconds = _TIMESPEC.unpack(t.mm.read(addr, _TIMESPEC.size))
    timeout_ns: int = seconds * 1_000_000_000 + nanoseconds
    return max(0, min(timeout_ns, _FOREVER_NS))


def _get_events(
    t: Thread, ident: int, least: int, most: int, addr: int, timeout_ns: int | None,
    signals: int | None,
) -> Result:  # fmt: skip
    context = _context(t, ident)
    if not 0 <= least <= most:
        raise EINVAL
    if len(context.events) >= least or timeout_ns == 0:
        return _fetch(t, context, most, addr)
    deadline = None if timeout_ns is None else t.executor.now + timeout_ns
    waiting = _wait(t, context, (least, most), addr, deadline, masked=signals is not None)
    return waiting if signals is None else under_mask(t, signals, waiting)


async def _wait(
    t: Thread, context: AioContext, limits: tuple[int, int], addr: int, deadline: int | None,
    *, masked: bool,
) -> int:  # fmt: skip
    least, most = limits
    try:
        while len(context.events) < least and not context.destroyed:
            if not await poll_any(t, [(context, 0)], deadline):
                if masked:
                    await look_for_signals(t)
                break
    except EINTR:
        if not context.events:
            raise
    if context.destroyed:
        raise EINVAL
    return _fetch(t, context, most, addr)


def _fetch(t: Thread, context: AioContext, most: int, addr: int) -> int:
    """Hand events out; one that cannot be stored stays."""
    done = 0
    while context.events and done < most:
        event: Event = context.events[0]
        try:
            t.mm.write(addr + done * aio.IO_EVENT.size, aio.IO_EVENT.pack(*event, 0))
        except EFAULT:
            if not done:
                raise
            break
        context.events.popleft()
        done += 1
    return done
