"""What stands before each call once some thread has asked for Syscall User Dispatch.

The call table has these wrappers only in kernels where that has happened.  They are the
outermost: a call that becomes a signal is no call for seccomp(2), ptrace(2) and tracers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...abi import prctl as pr
from ...abi import signal as sig
from ...abi.errno import EFAULT, EINVAL
from ..signal.info import SignalInfo
from ..task.seccomp import audit_arch
from ..task.user_dispatch import UserDispatch
from ..thread_signals import force_signal

if TYPE_CHECKING:
    from ...machine.api import SyscallRegisters
    from ..thread import Thread

_M64: Final = (1 << 64) - 1

Call = Callable[["Thread", "SyscallRegisters"], Any]


def set_user_dispatch(t: Thread, mode: int, start: int, size: int, selector: int) -> int:
    """PR_SET_SYSCALL_USER_DISPATCH; raises ``EINVAL``, ``EFAULT``."""
    end = start + size & _M64
    if mode == pr.PR_SYS_DISPATCH_OFF:
        if start or size or selector:
            raise EINVAL
        t.user_dispatch = None
        return 0
    if mode == pr.PR_SYS_DISPATCH_EXCLUSIVE_ON:
        if start and end <= start:
            raise EINVAL
    elif mode == pr.PR_SYS_DISPATCH_INCLUSIVE_ON:
        if not size or end <= start:
            raise EINVAL
        start, size = end, -size & _M64  # all but the range
    else:
        raise EINVAL
    if selector >= t.mm.layout.user_top:
        raise EFAULT
    t.kernel.calls.dispatch()
    t.user_dispatch = UserDispatch(start, size, selector)
    return 0


def dispatching(call: Call) -> Call:
    """Return ``call`` behind the dispatch of the thread that makes it."""

    def checked(thread: Thread, registers: SyscallRegisters) -> Any:
        dispatch = thread.user_dispatch
        if dispatch is None or dispatch.passes(thread.context.pc):
            return call(thread, registers)
        info = _refusal(thread, dispatch, registers)
        if info is None:
            return call(thread, registers)
        force_signal(thread, info)
        return registers[0]  # the handler finds the registers as the call had them

    return checked


def _refusal(
    thread: Thread, dispatch: UserDispatch, registers: SyscallRegisters
) -> SignalInfo | None:
    """Return the signal that a call becomes; ``None``: it is the kernel's."""
    selector = pr.SYSCALL_DISPATCH_FILTER_BLOCK
    if dispatch.selector:
        try:
            selector = thread.mm.read(dispatch.selector, 1)[0]
        except EFAULT:
            return _fatal(thread, sig.SIGSEGV)
    if selector == pr.SYSCALL_DISPATCH_FILTER_ALLOW:
        return None
    if selector != pr.SYSCALL_DISPATCH_FILTER_BLOCK:
        return _fatal(thread, sig.SIGSYS)
    number = (registers[7] & 0xFFFF_FFFF ^ 1 << 31) - (1 << 31)
    return SignalInfo(
        sig.SIGSYS, sig.SYS_USER_DISPATCH, addr=thread.context.pc, status=number,
        value=audit_arch(thread),
    )  # fmt: skip


def _fatal(thread: Thread, signo: int) -> SignalInfo:
    """Return a signal that no handler gets (force_exit_sig())."""
    thread.signals.mask |= 1 << signo - 1
    return SignalInfo(signo, sig.SI_KERNEL)
