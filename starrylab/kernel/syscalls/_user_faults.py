"""Threads that wait for a page which a program brings (userfaultfd(2)).

User code that touches such a page simply waits and tries again.  A system call cannot wait
in the middle of a copy, for files and buffers are used without a wait.  So the pages that a
call is going to fill, or to take data from after it has had an effect, are brought in before
it begins, and a call that meets another such page is begun again once the page has come: what
a call reads first (paths, structures, vectors) is read before it has any effect.

The call table has these wrappers only in kernels where userfaultfd(2) was used, and they do
nothing for a program without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import EFAULT, EINTR, EINVAL, LinuxError
from ...machine.api import PAGE_SIZE, READ, WRITE
from ..core.sched import park, park_killable
from ..mm.areas import VM_UFFD
from ..mm.userfault import UserFault, Waiting

if TYPE_CHECKING:
    from ...machine.api import SyscallRegisters
    from ..mm.space import AddressSpace
    from ..thread import Thread

Call = Callable[["Thread", "SyscallRegisters"], Any]
Range = tuple[int, int, int]  #: address, bytes, access
Needs = Callable[["AddressSpace", "SyscallRegisters"], Iterator[Range]]

_MOST: Final = 0x7FFF_F000  #: MAX_RW_COUNT


async def wait_for_page(thread: Thread, fault: UserFault) -> int:
    """Let user code wait; a signal's handler goes first.  Returns the result register as it is."""
    waiting = Waiting(fault, thread, thread.tid)
    context = fault.context
    context.enter(waiting)
    try:
        while waiting in context.waiting:
            await park()
    except EINTR:
        pass  # the instruction is tried again after the handler
    finally:
        context.waiting.pop(waiting, None)
    return thread.context.arguments()[0]


async def _wait_in_kernel(thread: Thread, fault: UserFault) -> None:
    """Wait on behalf of a call; only a fatal signal ends it, as in Linux."""
    waiting = Waiting(fault, thread, thread.tid)
    context = fault.context
    context.enter(waiting)
    try:
        while waiting in context.waiting:
            await park_killable()
    finally:
        context.waiting.pop(waiting, None)


def resolving(call: Call, name: str) -> Call:
    """Return ``call`` with the waits for the pages that it needs."""
    needs = _NEEDS.get(name)

    def resolved(thread: Thread, registers: SyscallRegisters) -> Any:
        watch = thread.mm.watch
        if watch is None:
            return call(thread, registers)
        try:
            if needs is not None:
                _bring(thread.mm, needs(thread.mm, registers))
            result = call(thread, registers)
        except UserFault as fault:
            return _again(thread, registers, call, needs, fault)
        except LinuxError as error:
            if watch.unsettled:
                return _told(thread, -error.errno)
            raise
        if type(result) is int or result is None:
            return _told(thread, result or 0) if watch.unsettled else result
        return _rest(thread, registers, call, needs, result)

    return resolved


async def _again(
    thread: Thread, registers: SyscallRegisters, call: Call, needs: Needs | None, fault: UserFault
) -> int:
    """Wait for a page, and make the call from its beginning."""
    while True:
        await _wait_in_kernel(thread, fault)
        try:
            if needs is not None:
                _bring(thread.mm, needs(thread.mm, registers))
            result = call(thread, registers)
            if type(result) is not int and result is not None:
                result = await result
        except UserFault as another:
            fault = another
        else:
            return await _told(thread, result or 0)


async def _rest(
    thread: Thread, registers: SyscallRegisters, call: Call, needs: Needs | None, started: Any
) -> int:
    """Go on with a call that waits."""
    try:
        result: int | None = await started
    except UserFault as fault:
        return await _again(thread, registers, call, needs, fault)
    return await _told(thread, result or 0)


async def _told(thread: Thread, result: int) -> int:
    """Wait until the program that watches has read what the call did to memory."""
    watch = thread.mm.watch
    if watch is not None:
        events, watch.unsettled = watch.unsettled, []  # at once: others make calls meanwhile
        for event in events:
            while event.unread:
                event.sender.senders.register(thread.waker)
                await park_killable()
    return result


def _bring(mm: AddressSpace, ranges: Iterator[Range]) -> None:
    """Bring in the pages of watched areas; raise `UserFault` for one that has to be waited for.

    Other bad addresses are for the call to find, in its own order.
    """
    for addr, size, access in ranges:
        if not any(
            area.flags & VM_UFFD for area in mm.areas[slice(*mm.overlapping(addr, addr + size))]
        ):
            continue
        for at in range(addr & -PAGE_SIZE, addr + min(size, _MOST), PAGE_SIZE):
            if mm.table.get(at >> 12, 0) & access:
                continue
            try:
                mm.kernel_fault(max(at, addr), access)
            except UserFault:
                raise
            except EFAULT:
                return


# -- what calls need -----------------------------------------------------------------------------


def _fixed(*ranges: Range) -> Needs:
    """Need what arguments point at, of a fixed size: index, bytes, access."""

    def needs(_: AddressSpace, registers: SyscallRegisters) -> Iterator[Range]:
        for index, size, access in ranges:
            if registers[index]:
                yield registers[index], size, access

    return needs


def _buffer(index: int, size: int, access: int, *more: Range) -> Needs:
    """Need a buffer whose size is another argument, and more of fixed size."""

    def needs(mm: AddressSpace, registers: SyscallRegisters) -> Iterator[Range]:
        yield registers[index], registers[size], access
        yield from _fixed(*more)(mm, registers)

    return needs


def _vector(index: int, access: int) -> Needs:
    """Need what an iovec names; its count is the next argument."""

    def needs(mm: AddressSpace, registers: SyscallRegisters) -> Iterator[Range]:
        yield from _pieces(mm, registers[index], registers[index + 1], access)

    return needs


def _pieces(mm: AddressSpace, vector: int, count: int, access: int) -> Iterator[Range]:
    try:
        pieces = mm.read_vector(vector, count & 0xFFFFFFFF)
    except UserFault:
        raise
    except (EFAULT, EINVAL):  # for the call to find
        return
    for addr, size in pieces:
        if size:
            yield addr, size, access


def _message(access: int) -> Needs:
    """Need a ``struct msghdr`` and what it points at."""

    def needs(mm: AddressSpace, registers: SyscallRegisters) -> Iterator[Range]:
        header = registers[1]
        if not header:
            return
        yield header, 56, access
        try:
            name, name_size, vector, count, control, control_size = (
                mm.read_u64(header + offset) for offset in (0, 8, 16, 24, 32, 40)
            )
        except UserFault:
            raise
        except EFAULT:
            return
        yield name, name_size & 0xFFFFFFFF if name else 0, access
        yield control, control_size if control else 0, access
        yield from _pieces(mm, vector, count, access)

    return needs


_SOCKADDR: Final = 128  #: bytes of struct sockaddr_storage
_SIGINFO: Final = 128
_RUSAGE: Final = 144

#: Calls that have an effect before they fill memory, or wait before they read it.
_NEEDS: Final[dict[str, Needs]] = {
    "read": _buffer(1, 2, WRITE),
    "pread64": _buffer(1, 2, WRITE),
    "readv": _vector(1, WRITE),
    "preadv": _vector(1, WRITE),
    "preadv2": _vector(1, WRITE),
    "write": _buffer(1, 2, READ),
    "pwrite64": _buffer(1, 2, READ),
    "writev": _vector(1, READ),
    "pwritev": _vector(1, READ),
    "pwritev2": _vector(1, READ),
    "vmsplice": _vector(1, READ),
    "getdents64": _buffer(1, 2, WRITE),
    "getrandom": _buffer(0, 1, WRITE),
    "recvfrom": _buffer(1, 2, WRITE, (4, _SOCKADDR, WRITE), (5, 4, WRITE)),
    "sendto": _buffer(1, 2, READ),
    "recvmsg": _message(WRITE),
    "sendmsg": _message(READ),
    "accept": _fixed((1, _SOCKADDR, WRITE), (2, 4, WRITE)),
    "accept4": _fixed((1, _SOCKADDR, WRITE), (2, 4, WRITE)),
    "socketpair": _fixed((3, 8, WRITE)),
    "pipe2": _fixed((0, 8, WRITE)),
    "wait4": _fixed((1, 4, WRITE), (3, _RUSAGE, WRITE)),
    "waitid": _fixed((2, _SIGINFO, WRITE), (4, _RUSAGE, WRITE)),
    "rt_sigtimedwait": _fixed((1, _SIGINFO, WRITE)),
    "msgrcv": _buffer(1, 2, WRITE),
    "msgsnd": _buffer(1, 2, READ),
    "mq_timedreceive": _buffer(1, 2, WRITE, (3, 4, WRITE)),
    "mq_timedsend": _buffer(1, 2, READ),
    "sendfile": _fixed((2, 8, WRITE)),
    "splice": _fixed((1, 8, WRITE), (3, 8, WRITE)),
    "copy_file_range": _fixed((1, 8, WRITE), (3, 8, WRITE)),
    "io_getevents": _fixed((3, 32, WRITE)),
    "clone": _fixed((2, 4, WRITE)),
    "timer_create": _fixed((2, 4, WRITE)),
    "rt_sigaction": _fixed((2, 24, WRITE)),
    "rt_sigprocmask": _fixed((2, 8, WRITE)),
    "sigaltstack": _fixed((1, 24, WRITE)),
    "setitimer": _fixed((2, 32, WRITE)),
    "timer_settime": _fixed((3, 32, WRITE)),
    "timerfd_settime": _fixed((3, 32, WRITE)),
    "prlimit64": _fixed((3, 16, WRITE)),
    "epoll_pwait": _fixed((1, 16, WRITE)),
}
