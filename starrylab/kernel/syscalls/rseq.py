"""rseq(2): registers where a thread keeps its restartable sequence (<linux/rseq.h>)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import signal as sig
from ...abi.errno import EBUSY, EFAULT, EINVAL, EPERM
from ..task.rseq import ORIGINAL_SIZE, UNINITIALIZED, Registration, write_ids
from ..thread_signals import force_fault
from ._declare import syscall
from ._types import Int, Ptr, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_UNREGISTER: Final = 1  #: RSEQ_FLAG_UNREGISTER


@syscall()
def rseq(t: Thread, addr: Ptr, size: UInt, flags: Int, signature: UInt) -> None:
    """rseq(2)."""
    known: Registration | None = t.kernel.rseqs.get(t)
    if flags & _UNREGISTER:
        if flags != _UNREGISTER or known is None or known[:2] != (addr, size):
            raise EINVAL
        if known.signature != signature:
            raise EPERM
        write_ids(t, addr, UNINITIALIZED)
        del t.kernel.rseqs[t]
        return
    if flags:
        raise EINVAL
    if known is not None:
        if known[:2] != (addr, size):
            raise EINVAL
        raise EPERM if known.signature != signature else EBUSY
    if size < ORIGINAL_SIZE or addr % ORIGINAL_SIZE:
        raise EINVAL
    if addr + size > t.mm.user_top:
        raise EFAULT
    t.kernel.rseqs[t] = Registration(addr, size, signature)
    try:
        write_ids(t, addr, 0)
    except EFAULT:  # Linux writes on the way back, where nobody can be told
        force_fault(t, sig.SIGSEGV, sig.SI_KERNEL)
