"""What stands before each call once some thread has used seccomp(2): its guard is asked.

The call table has these wrappers only in kernels where that has happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...abi import ptrace as pt
from ...abi import seccomp as sc
from ...abi import signal as sig
from ...abi.errno import ENOSYS
from ..core.sched import park_traced
from ..signal.info import SignalInfo
from ..task.seccomp import audit_arch
from ..thread_signals import force_signal

if TYPE_CHECKING:
    from ...machine.api import SyscallRegisters
    from ..thread import Thread

_STRICT: Final = frozenset(("read", "write", "exit", "rt_sigreturn"))
_MAX_ERRNO: Final = 4095

Call = Callable[["Thread", "SyscallRegisters"], Any]


def guarded(call: Call, other: Callable[[int], Call]) -> Call:
    """Return ``call`` behind the guard of the thread that makes it.

    ``other`` returns what serves a number: a tracer may put another one in.
    """

    def checked(thread: Thread, registers: SyscallRegisters) -> Any:
        guard = thread.seccomp
        if guard is None:
            return call(thread, registers)
        if guard.mode == sc.SECCOMP_MODE_STRICT:
            return _strict(thread, registers, call)
        verdict = guard.verdict(thread, registers)
        action = verdict & sc.SECCOMP_RET_ACTION_FULL
        if action in (sc.SECCOMP_RET_ALLOW, sc.SECCOMP_RET_LOG):
            return call(thread, registers)
        data = verdict & sc.SECCOMP_RET_DATA
        if action == sc.SECCOMP_RET_ERRNO:
            return -min(data, _MAX_ERRNO)
        if action == sc.SECCOMP_RET_TRACE:
            tracee = thread.tracee
            if tracee is None or not tracee.wants(pt.PTRACE_EVENT_SECCOMP):
                raise ENOSYS
            return _ask_tracer(thread, data, other)
        if action == sc.SECCOMP_RET_TRAP:
            _trap(thread, registers, data)
            return registers[0]
        if action == sc.SECCOMP_RET_USER_NOTIF:
            raise ENOSYS  # as in Linux where nobody listens
        _kill(thread, registers, data, thread_only=action == sc.SECCOMP_RET_KILL_THREAD)
        return registers[0]

    return checked


def _strict(thread: Thread, registers: SyscallRegisters, call: Call) -> Any:
    entry = thread.kernel.calls.entry(registers[7])
    if entry is not None and entry.name in _STRICT:
        return call(thread, registers)
    thread.exit_thread(sig.SIGKILL)
    return registers[0]


async def _ask_tracer(thread: Thread, data: int, other: Callable[[int], Call]) -> int:
    """PTRACE_EVENT_SECCOMP: the tracer looks, and may change or skip the call."""
    before = thread.context.arguments()
    if thread.tracee is not None:
        thread.tracee.event(pt.PTRACE_EVENT_SECCOMP, data)
    while thread.tracee is not None and thread.tracee.holds():
        await park_traced()
    registers = thread.context.arguments()
    if registers[7] == (1 << 64) - 1:
        if registers[0] == before[0]:
            raise ENOSYS
        return registers[0]
    guard = thread.seccomp
    if guard is not None:  # a call that was put in is asked about again, but not its tracer
        again = guard.verdict(thread, registers) & sc.SECCOMP_RET_ACTION_FULL
        if again not in (sc.SECCOMP_RET_TRACE, sc.SECCOMP_RET_ALLOW, sc.SECCOMP_RET_LOG):
            _kill(thread, registers, 0, thread_only=False)
            return registers[0]
    result = other(registers[7])(thread, registers)
    if result is not None and type(result) is not int:
        result = await result
    return result or 0


def _sigsys(thread: Thread, registers: SyscallRegisters, data: int) -> SignalInfo:
    number = (registers[7] & 0xFFFF_FFFF ^ 1 << 31) - (1 << 31)
    return SignalInfo(
        sig.SIGSYS, sig.SYS_SECCOMP, errno=data, addr=thread.context.pc, status=number,
        value=audit_arch(thread),
    )  # fmt: skip


def _trap(thread: Thread, registers: SyscallRegisters, data: int) -> None:
    force_signal(thread, _sigsys(thread, registers, data))


def _kill(thread: Thread, registers: SyscallRegisters, data: int, *, thread_only: bool) -> None:
    if thread_only and len(thread.process.threads) > 1:
        thread.exit_thread(sig.SIGSYS)
        return
    thread.signals.mask |= 1 << sig.SIGSYS - 1  # so that no handler gets it
    force_signal(thread, _sigsys(thread, registers, data))
