"""Syscall User Dispatch: calls that a program serves itself, in a handler of SIGSYS.

prctl(2), PR_SET_SYSCALL_USER_DISPATCH; Linux's Documentation/admin-guide/syscall-user-dispatch.rst.
A new thread, a child and a new program have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_M64: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class UserDispatch:
    """Where calls go to the kernel as ever, and which byte says what becomes of the others."""

    start: int  #: the first address of the code whose calls are not looked at
    size: int  #: bytes of that code; the range may go on at 0 behind the last address
    selector: int  #: address of a byte, SYSCALL_DISPATCH_FILTER_*; 0: block all calls

    def passes(self, pc: int) -> bool:
        """Tell whether calls from there are the kernel's; ``pc`` is behind the instruction."""
        return (pc - self.start & _M64) < self.size
