"""Calls that make, replace and end processes: clone, clone3, execve, exit and their kin."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ...abi import layouts
from ...abi.arch import ARCHES
from ...abi.errno import E2BIG, EFAULT, EINVAL, ENAMETOOLONG
from ...abi.fcntl import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW
from ...abi.ptrace import PTRACE_EVENT_VFORK_DONE
from ...abi.sched import (
    CLONE_CLEAR_SIGHAND,
    CLONE_DETACHED,
    CLONE_INTO_CGROUP,
    CLONE_PARENT_SETTID,
    CLONE_PIDFD,
    CLONE_THREAD,
    CLONE_VFORK,
    CSIGNAL,
)
from ...machine.api import PAGE_SIZE
from ..core.sched import park_killable, park_traced
from ..task.clone import KNOWN, CloneArgs, clone
from ..task.exec import executable
from ..task.exec import execve as replace_program
from ..vfs.context import EMPTY_PATH, NOFOLLOW
from ._at import start_of
from ._declare import syscall
from ._shown import (
    AtFlags,
    CloneChildTid,
    CloneFlags,
    CloneParentTid,
    CloneTls,
    InArgv,
    InCloneArgs,
    InEnvironment,
)
from ._types import FdNum, Int, Path, Ptr, Size

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ..thread import Thread

_CLONE_ARGS_MIN: Final = 64  #: CLONE_ARGS_SIZE_VER0
_CLONE3_FLAGS: Final = (KNOWN | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP) & ~(
    CSIGNAL | CLONE_DETACHED
)
_MAX_PID_NS_LEVEL: Final = 32
_MAX_STRINGS: Final = 0x7FFFFFFF // 8


@syscall(partial="no cgroup namespaces")
def clone_(
    t: Thread,
    flags: CloneFlags,
    stack: Ptr,
    parent_tid: CloneParentTid,
    tls: CloneTls,
    child_tid: CloneChildTid,
) -> int | Coroutine[object, object, int]:
    """clone(2); the arguments are named as on RISC-V, whose last two are swapped elsewhere."""
    if not ARCHES[t.kernel.arch].clone_backwards:
        tls, child_tid = child_tid, tls
    args = CloneArgs(
        flags & 0xFFFF_FFFF & ~CSIGNAL,
        flags & CSIGNAL,
        stack,
        parent_tid,
        child_tid,
        tls,
        parent_tid,
    )
    if args.flags & CLONE_PIDFD and args.flags & (CLONE_PARENT_SETTID | CLONE_DETACHED):
        raise EINVAL
    return _clone(t, args)


@syscall(partial="no cgroups")
def clone3(t: Thread, args: InCloneArgs, size: Size) -> int | Coroutine[object, object, int]:
    """clone3(2)."""
    if size > PAGE_SIZE:
        raise E2BIG
    if size < _CLONE_ARGS_MIN:
        raise EINVAL
    raw = t.mm.read(args, size)
    if any(raw[layouts.CLONE_ARGS.size :]):
        raise E2BIG
    fields = layouts.CLONE_ARGS.unpack(
        raw[: layouts.CLONE_ARGS.size].ljust(layouts.CLONE_ARGS.size, b"\0")
    )
    flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls = fields[:8]
    set_tid, set_tid_size, _cgroup = fields[8:]
    if flags & ~_CLONE3_FLAGS:
        raise EINVAL
    if flags & CLONE_INTO_CGROUP:
        raise EINVAL("this kernel has no cgroups")
    numbers = _set_tid(t, set_tid, set_tid_size)
    if bool(stack) != bool(stack_size) or exit_signal > 64:
        raise EINVAL
    if flags & CLONE_THREAD and exit_signal:
        raise EINVAL
    top = stack + stack_size if stack else 0
    return _clone(t, CloneArgs(flags, exit_signal, top, parent_tid, child_tid, tls, pidfd, numbers))


def _set_tid(t: Thread, addr: int, count: int) -> tuple[int, ...]:
    """Read the numbers that a child is to have, of the innermost pid namespace first."""
    if bool(addr) != bool(count) or count > _MAX_PID_NS_LEVEL:
        raise EINVAL
    return struct.unpack(f"<{count}i", t.mm.read(addr, 4 * count)) if count else ()


def _clone(t: Thread, args: CloneArgs) -> int | Coroutine[object, object, int]:
    if args.flags & CLONE_PIDFD and args.flags & CLONE_THREAD:
        raise EINVAL
    child = clone(t, args)
    if args.flags & CLONE_PARENT_SETTID:
        _tell(t, args.parent_tid, t.process.shown(child.tid))
    if args.flags & CLONE_PIDFD:
        from ..files.pidfd import PidFd

        fd = t.install(PidFd(child.process), cloexec=True)
        t.mm.write_u32(args.pidfd, fd)
    if args.flags & CLONE_VFORK:
        return _vfork(t, child)
    return child.tid if t.process.pid_ns is None else t.process.shown(child.tid)


def _tell(t: Thread, addr: int, tid: int) -> None:
    """Store a number where the caller wants it; a bad address is no error, as in Linux."""
    try:
        t.mm.write_u32(addr, tid)
    except EFAULT:
        return


async def _vfork(t: Thread, child: Thread) -> int:
    """Wait until the child executes a program or ends (vfork(2))."""
    tid, process = t.process.shown(child.tid), child.process
    await _hold(t)  # a tracer learns of the child before it runs on
    while process.vfork_done is not None and not process.zombie:
        process.vfork_done.register(t.waker)
        await park_killable()
    tracee = t.tracee
    if tracee is not None and tracee.wants(PTRACE_EVENT_VFORK_DONE):
        tracee.event(PTRACE_EVENT_VFORK_DONE, tracee.tracer.process.shown(child.tid))
        await _hold(t)
    return tid


async def _hold(t: Thread) -> None:
    """Stay in the stops that a tracer wants now."""
    while t.tracee is not None and t.tracee.holds():
        await park_traced()


@syscall()
def execve(t: Thread, path: Path, argv: InArgv, envp: InEnvironment) -> None:
    """execve(2)."""
    place = t.fs.walk(path, t.cred)
    executable(t, place)  # before the vectors are read, as Linux looks
    replace_program(t, place, path, _strings(t, argv), _strings(t, envp))


@syscall()
def execveat(
    t: Thread, fd: FdNum, path: Path, argv: InArgv, envp: InEnvironment, flags: AtFlags
) -> None:
    """execveat(2)."""
    if flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW):
        raise EINVAL
    walk = (EMPTY_PATH if flags & AT_EMPTY_PATH else 0) | (
        NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0
    )
    start = None
    name = path
    if fd != AT_FDCWD and path[:1] != b"/":
        start = start_of(t, fd, path)
        name = b"/dev/fd/%d" % fd + (b"/" + path if path else b"")
    place = t.fs.walk(path, t.cred, start, walk)
    executable(t, place)
    replace_program(t, place, name, _strings(t, argv), _strings(t, envp))


def _strings(t: Thread, addr: int) -> list[bytes]:
    """Read a NULL-terminated vector of strings; a null pointer is an empty one."""
    found: list[bytes] = []
    if not addr:
        return found
    mm = t.mm
    limit = 32 * PAGE_SIZE
    total = 0
    while len(found) < _MAX_STRINGS:
        pointer = mm.read_u64(addr)
        if not pointer:
            return found
        try:
            text = mm.read_cstr(pointer, limit)
        except ENAMETOOLONG:
            raise E2BIG from None
        total += len(text) + 9
        if total > 6 << 20:
            raise E2BIG
        found.append(text)
        addr += 8
    raise E2BIG


@syscall()
def exit_(t: Thread, status: Int) -> None:
    """_exit(2): end the calling thread."""
    t.exit_thread((status & 0xFF) << 8)


@syscall()
def exit_group(t: Thread, status: Int) -> None:
    """exit_group(2)."""
    t.process.exit_group((status & 0xFF) << 8)


@syscall()
def set_tid_address(t: Thread, addr: Ptr) -> int:
    """set_tid_address(2)."""
    t.clear_child_tid = addr
    return t.process.shown(t.tid)
