"""Calls about the system: uname, sysinfo, syslog, host names, getcpu, getrandom."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from ...abi import layouts
from ...abi.capability import CAP_SYS_ADMIN, CAP_SYSLOG
from ...abi.errno import EAGAIN, EFAULT, EINTR, EINVAL, EPERM
from ...abi.poll import POLLIN
from ..load import load_average
from ..mm.frames import MemoryKind
from ._declare import Restart, syscall
from ._shown import InData, OutData, OutNames, OutSysinfo, OutU32, RandomFlags
from ._types import Int, Ptr, Size

if TYPE_CHECKING:
    from ..dev.kmsg import KernelLog
    from ..thread import Thread

_NAME_MAX: Final = 64
_LOAD_SHIFT: Final = 1 << 16

GRND_NONBLOCK: Final = 1
GRND_RANDOM: Final = 2
GRND_INSECURE: Final = 4
_RANDOM_MAX: Final = 33_554_431  #: bytes one getrandom(2) gives, as on Linux (INT_MAX >> 6)
_RANDOM_CHUNK: Final = 1 << 20


@syscall()
def uname(t: Thread, buf: OutNames) -> None:
    """uname(2)."""
    uts = t.namespaces.uts
    t.mm.write(
        buf,
        layouts.UTSNAME.pack(
            uts.sysname, uts.nodename, uts.release, uts.version, uts.machine, uts.domainname
        ),
    )


@syscall()
def sethostname(t: Thread, name: InData, length: Int) -> None:
    """sethostname(2)."""
    t.namespaces.uts.nodename = _new_name(t, name, length)


@syscall()
def setdomainname(t: Thread, name: InData, length: Int) -> None:
    """setdomainname(2)."""
    t.namespaces.uts.domainname = _new_name(t, name, length)


def _new_name(t: Thread, addr: int, length: int) -> bytes:
    if not t.cred.capable_in(t.namespaces.uts.user_ns, CAP_SYS_ADMIN):
        raise EPERM
    if not 0 <= length <= _NAME_MAX:
        raise EINVAL
    return t.mm.read(addr, length)


@syscall()
def sysinfo(t: Thread, info: OutSysinfo) -> None:
    """sysinfo(2)."""
    kernel = t.kernel
    usage = kernel.frames.usage()
    loads = [int(load * _LOAD_SHIFT) for load in load_average(kernel)]
    shift = t.namespaces.time.boottime_ns
    up = (kernel.executor.now - kernel.boot_monotonic_ns + shift) // 1_000_000_000
    memory = (kernel.ram.size, usage[MemoryKind.FREE], 0, 0, 0, 0)
    t.mm.write(info, layouts.SYSINFO.pack(up, *loads, *memory, len(kernel.threads), 0, 0, 1))


@syscall()
def restart_syscall(t: Thread) -> int:
    """restart_syscall(2): nothing here is left to be continued by a call of its own."""
    raise EINTR


@syscall()
def getcpu(t: Thread, cpu: OutU32, node: OutU32, unused: Ptr) -> None:
    """getcpu(2): there is one processor."""
    if cpu:
        t.mm.write_u32(cpu, 0)
    if node:
        t.mm.write_u32(node, 0)


@syscall()
def getrandom(t: Thread, buf: OutData, size: Size, flags: RandomFlags) -> int:
    """getrandom(2); the generator is seeded, so no flag makes a difference."""
    if flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE):
        raise EINVAL
    if flags & (GRND_RANDOM | GRND_INSECURE) == GRND_RANDOM | GRND_INSECURE:
        raise EINVAL
    size = min(size, _RANDOM_MAX)
    done = 0
    while done < size:
        chunk = t.kernel.random(min(size - done, _RANDOM_CHUNK))
        try:
            t.mm.write(buf + done, chunk)
        except EFAULT:
            if not done:
                raise
            break
        done += len(chunk)
    return done


# -- syslog -----------------------------------------------------------------------------------

(_CLOSE, _OPEN, _READ, _READ_ALL, _READ_CLEAR, _CLEAR, _CONSOLE_OFF, _CONSOLE_ON, _LEVEL,
 _SIZE_UNREAD, _SIZE_BUFFER) = range(11)  # fmt: skip


@syscall(restart=Restart.SA_RESTART)
def syslog(t: Thread, action: Int, buf: Ptr, length: Int) -> int | Coroutine[Any, Any, int]:
    """syslog(2)."""
    if not _CLOSE <= action <= _SIZE_BUFFER:
        raise EINVAL
    if action not in (_READ_ALL, _SIZE_BUFFER) and not t.cred.capable(CAP_SYSLOG):
        raise EPERM
    log = t.kernel.klog
    if action in (_READ, _READ_ALL, _READ_CLEAR):
        if not buf or length < 0:
            raise EINVAL
        if not length:
            return 0
    if action == _READ:
        return _read_unread(t, log, buf, length)
    if action in (_READ_ALL, _READ_CLEAR):
        return _read_all(t, log, buf, length, clear=action == _READ_CLEAR)
    return _ACTIONS[action](log, length)


def _read_unread(
    t: Thread, log: KernelLog, buf: int, length: int
) -> int | Coroutine[Any, Any, int]:
    """Give the records nobody took yet; wait while there are none."""

    def attempt() -> int:
        text = log.take(length)
        if not text:
            raise EAGAIN
        t.mm.write(buf, text)
        return len(text)

    try:
        return attempt()
    except EAGAIN:
        return t.wait_io(log, POLLIN, attempt, nonblocking=False)


def _read_all(t: Thread, log: KernelLog, buf: int, length: int, *, clear: bool) -> int:
    """Give the newest whole records that fit."""
    chosen: list[bytes] = []
    total = 0
    for record in reversed(log.after(log.cleared)):
        line = record.syslog()
        if total + len(line) > length:
            break
        chosen.append(line)
        total += len(line)
    t.mm.write(buf, b"".join(reversed(chosen)))
    if clear:
        log.cleared = log.next
    return total


def _nothing(log: KernelLog, length: int) -> int:
    """Open and close the log: there is nothing to do, on Linux too."""
    return 0


def _clear(log: KernelLog, length: int) -> int:
    log.cleared = log.next
    return 0


def _console_off(log: KernelLog, length: int) -> int:
    if log.saved_level is None:
        log.saved_level, log.console_level = log.console_level, 1
    return 0


def _console_on(log: KernelLog, length: int) -> int:
    if log.saved_level is not None:
        log.console_level, log.saved_level = log.saved_level, None
    return 0


def _set_level(log: KernelLog, length: int) -> int:
    if not 1 <= length <= 8:
        raise EINVAL
    log.console_level, log.saved_level = length, None
    return 0


_ACTIONS: Final[dict[int, Callable[[KernelLog, int], int]]] = {
    _CLOSE: _nothing,
    _OPEN: _nothing,
    _CLEAR: _clear,
    _CONSOLE_OFF: _console_off,
    _CONSOLE_ON: _console_on,
    _LEVEL: _set_level,
    _SIZE_UNREAD: lambda log, _: log.unread(),
    _SIZE_BUFFER: lambda log, _: log.capacity,
}
