"""ptrace(2): the requests of a tracer; `kernel.task.ptrace` does the stopping.

riscv64 has neither PTRACE_SINGLESTEP nor PTRACE_PEEKUSER: as in Linux these are ``EIO``, and a
debugger steps by breakpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi import ptrace as pt
from ...abi import signal as sig
from ...abi.arch import ARCHES
from ...abi.errno import EFAULT, EINVAL, EIO, EPERM, ESRCH
from ..core.sched import State
from ..mm.poke import peek, poke
from ..signal.info import SIGINFO_SIZE, SignalInfo
from ..signal.sets import UNBLOCKABLE
from ..task.ptrace import Tracee, detach, may_trace, trace
from ..thread_signals import send_process_signal, send_signal, set_mask
from ._declare import syscall
from ._targets import thread_of
from ._types import Int, Long, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_IOVEC: Final = Struct("<QQ")
_CALL_HEAD: Final = Struct("<B3xIQQ")  # op, AUDIT_ARCH, instruction pointer, stack pointer
_CALL_ENTRY: Final = Struct("<7Q")
_CALL_EXIT: Final = Struct("<qB")
_CALL_INFO_SIZE: Final = 88  #: struct ptrace_syscall_info with its seccomp part
_PEEK: Final = Struct("<QIi")  #: struct ptrace_peeksiginfo_args: offset, flags, how many
_MAX_ERRNO: Final = 4095
_AUDIT_64BIT_LE: Final = 3 << 30  #: of AUDIT_ARCH_*, beside the ELF machine (<linux/audit.h>)

Request = Callable[["Thread", Tracee, int, int], int | None]


@syscall(partial="no PTRACE_SECCOMP_GET_FILTER and no PTRACE_O_SUSPEND_SECCOMP")
def ptrace(t: Thread, request: Long, pid: Int, addr: Ptr, data: Ptr) -> int | None:
    """ptrace(2)."""
    if request == pt.PTRACE_TRACEME:
        return _trace_me(t)
    thread = thread_of(t, pid) if pid else None
    if thread is None:
        raise ESRCH
    if request in (pt.PTRACE_ATTACH, pt.PTRACE_SEIZE):
        return _attach(t, thread, request == pt.PTRACE_SEIZE, addr, data)
    tracee = thread.tracee
    if tracee is None or tracee.tracer.process is not t.process:
        raise ESRCH
    if request == pt.PTRACE_KILL:
        send_process_signal(thread.process, SignalInfo(sig.SIGKILL), forced=True)
        return 0
    if request == pt.PTRACE_INTERRUPT:
        if not tracee.seized:
            raise EIO
        tracee.interrupt()
        return 0
    if tracee.status is None or thread.state is not State.TRACED:
        raise ESRCH
    serve = _REQUESTS.get(request)
    if serve is None:
        raise EIO
    return serve(t, tracee, addr, data)


def _trace_me(t: Thread) -> int:
    parent = t.process.parent
    if t.tracee is not None or parent is None:
        raise EPERM
    domain = parent.leader.cred.landlock
    if domain is not None and not domain.contains(t.cred.landlock):
        raise EPERM
    trace(parent.leader, t)
    return 0


def _attach(t: Thread, thread: Thread, seize: bool, addr: int, options: int) -> int:
    if seize and (addr or options & ~pt.PTRACE_O_MASK):
        raise EIO
    if thread.process is t.process:
        raise EPERM
    if not may_trace(t, thread):
        raise EPERM
    tracee = trace(t, thread, options if seize else 0, seized=seize)
    if thread.state is State.STOPPED:
        tracee.job_stop(thread.process.stop_signal or sig.SIGSTOP)
        thread.state = State.TRACED
    elif not seize:
        send_signal(thread, SignalInfo(sig.SIGSTOP, pid=t.process.pid, uid=t.cred.uid))
    return 0


# -- memory and registers ---------------------------------------------------------------------


def _peek(t: Thread, tracee: Tracee, addr: int, data: int) -> None:
    try:
        word = peek(tracee.thread.mm, addr, 8)
    except EFAULT:
        raise EIO from None
    t.mm.write(data, word)


def _poke(_: Thread, tracee: Tracee, addr: int, data: int) -> None:
    try:
        poke(tracee.thread.mm, addr, data.to_bytes(8, "little"))
    except EFAULT:
        raise EIO from None


def _get_registers(t: Thread, tracee: Tracee, kind: int, vector: int) -> None:
    base, size = _vector(t, vector)
    registers = _registers(tracee, kind)[:size]
    t.mm.write(base, registers)
    t.mm.write_u64(vector + 8, len(registers))


def _set_registers(t: Thread, tracee: Tracee, kind: int, vector: int) -> None:
    base, size = _vector(t, vector)
    registers = _registers(tracee, kind)
    size = min(size, len(registers))
    registers = t.mm.read(base, size) + registers[size:]
    context = tracee.thread.context
    (context.set_general if kind == pt.NT_PRSTATUS else context.set_floating)(registers)
    t.mm.write_u64(vector + 8, size)


def _vector(t: Thread, addr: int) -> tuple[int, int]:
    """Read a struct iovec; ``EINVAL`` unless it is for whole registers (gdb asks for more)."""
    base, size = _IOVEC.unpack(t.mm.read(addr, _IOVEC.size))
    if size % 8:
        raise EINVAL
    return base, size


def _registers(tracee: Tracee, kind: int) -> bytes:
    if kind == pt.NT_PRSTATUS:
        return tracee.thread.context.general()
    if kind == pt.NT_PRFPREG:
        return tracee.thread.context.floating()
    raise EINVAL


# -- the stop ---------------------------------------------------------------------------------


def _set_options(_: Thread, tracee: Tracee, __: int, options: int) -> None:
    if options & ~pt.PTRACE_O_MASK:
        raise EINVAL
    tracee.options = options


def _get_message(t: Thread, tracee: Tracee, _: int, data: int) -> None:
    t.mm.write_u64(data, tracee.message)


def _get_signal(t: Thread, tracee: Tracee, _: int, data: int) -> None:
    if tracee.info is None:
        raise EINVAL
    t.mm.write(data, tracee.info.encode())


def _set_signal(t: Thread, tracee: Tracee, _: int, data: int) -> None:
    if tracee.info is None:
        raise EINVAL
    tracee.info = SignalInfo.decode(t.mm.read(data, SIGINFO_SIZE))


def _peek_signals(t: Thread, tracee: Tracee, addr: int, data: int) -> int:
    """PTRACE_PEEKSIGINFO: copy queued signals without taking them; returns how many."""
    offset, flags, count = _PEEK.unpack(t.mm.read(addr, _PEEK.size))
    if flags & ~pt.PTRACE_PEEKSIGINFO_SHARED or count < 0:
        raise EINVAL
    signals = tracee.thread.signals
    queue = signals.process.pending if flags else signals.pending
    done = 0
    for info in queue.entries()[offset : offset + count]:
        try:
            t.mm.write(data + done * SIGINFO_SIZE, info.encode())
        except EFAULT:
            if not done:
                raise
            break
        done += 1
    return done


def _get_mask(t: Thread, tracee: Tracee, size: int, data: int) -> None:
    if size != 8:
        raise EINVAL
    t.mm.write_u64(data, tracee.thread.signals.mask)


def _set_mask(t: Thread, tracee: Tracee, size: int, data: int) -> None:
    if size != 8:
        raise EINVAL
    set_mask(tracee.thread, t.mm.read_u64(data) & ~UNBLOCKABLE)


def _get_call(t: Thread, tracee: Tracee, size: int, data: int) -> int:
    """PTRACE_GET_SYSCALL_INFO; returns how many bytes there are."""
    thread, inside, result = tracee.thread, tracee.inside, tracee.result
    op = pt.PTRACE_SYSCALL_INFO_NONE
    more = b""
    if inside is not None and tracee.is_call_stop and result is None:
        op = pt.PTRACE_SYSCALL_INFO_ENTRY
        more = _CALL_ENTRY.pack(inside[7], *inside[:6])
    elif tracee.is_call_stop and result is not None:
        op = pt.PTRACE_SYSCALL_INFO_EXIT
        more = _CALL_EXIT.pack(result, -_MAX_ERRNO <= result < 0)
    arch = _AUDIT_64BIT_LE | ARCHES[thread.kernel.arch].elf_machine
    info = _CALL_HEAD.pack(op, arch, thread.context.pc, thread.context.sp) + more
    t.mm.write(data, info.ljust(_CALL_INFO_SIZE, b"\0")[: min(size, len(info))])
    return len(info)


# -- going on ---------------------------------------------------------------------------------


def _checked(signo: int) -> int:
    if signo > sig.SIGRTMAX:
        raise EIO
    return signo


def _continue(_: Thread, tracee: Tracee, __: int, signo: int) -> None:
    tracee.resume(_checked(signo), follows_calls=False)


def _to_next_call(_: Thread, tracee: Tracee, __: int, signo: int) -> None:
    tracee.resume(_checked(signo), follows_calls=True)


def _detach(_: Thread, tracee: Tracee, __: int, signo: int) -> None:
    detach(tracee, _checked(signo))


def _listen(_: Thread, tracee: Tracee, __: int, ___: int) -> None:
    if not tracee.seized or (tracee.status or 0) >> 16 != pt.PTRACE_EVENT_STOP:
        raise EIO
    tracee.listen()


_REQUESTS: Final[dict[int, Request]] = {
    pt.PTRACE_PEEKTEXT: _peek,
    pt.PTRACE_PEEKDATA: _peek,
    pt.PTRACE_POKETEXT: _poke,
    pt.PTRACE_POKEDATA: _poke,
    pt.PTRACE_CONT: _continue,
    pt.PTRACE_SYSCALL: _to_next_call,
    pt.PTRACE_DETACH: _detach,
    pt.PTRACE_LISTEN: _listen,
    pt.PTRACE_SETOPTIONS: _set_options,
    pt.PTRACE_GETEVENTMSG: _get_message,
    pt.PTRACE_GETSIGINFO: _get_signal,
    pt.PTRACE_SETSIGINFO: _set_signal,
    pt.PTRACE_GETREGSET: _get_registers,
    pt.PTRACE_SETREGSET: _set_registers,
    pt.PTRACE_PEEKSIGINFO: _peek_signals,
    pt.PTRACE_GETSIGMASK: _get_mask,
    pt.PTRACE_SETSIGMASK: _set_mask,
    pt.PTRACE_GET_SYSCALL_INFO: _get_call,
}
