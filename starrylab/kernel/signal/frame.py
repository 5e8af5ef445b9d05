"""The frame on the user's stack that a handler returns through (design document 8.2.1, 8.2.2).

The layout is Linux's ``struct rt_sigframe``: ``siginfo_t``, then ``ucontext_t`` with the
registers.  It is made in one piece and written with one copy; rt_sigreturn(2) reads it back
and trusts nothing in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from ...abi.arch import ArchLayout
from ...abi.errno import EFAULT
from ...abi.signal import SA_ONSTACK
from ...machine.api import UserContext
from .actions import SignalAction
from .info import SIGINFO_SIZE, SignalInfo
from .sets import SignalSet
from .stack import SignalStack

_M64: Final = (1 << 64) - 1

UCONTEXT_OFFSET: Final = SIGINFO_SIZE


class UserMemory(Protocol):
    """The part of an address space that frames need."""

    def read(self, addr: int, size: int) -> bytes:
        """Return user memory; ``EFAULT``."""
        ...

    def write(self, addr: int, data: bytes) -> object:
        """Change user memory; ``EFAULT``."""
        ...


def push_frame(
    context: UserContext,
    memory: UserMemory,
    layout: ArchLayout,
    info: SignalInfo,
    action: SignalAction,
    stack: SignalStack,
    mask: SignalSet,
    trampoline: int,
) -> None:
    """Make the thread run a handler next; ``mask`` comes back when the handler returns.

    ``trampoline`` is the user address of the code that calls rt_sigreturn(2).  Raises
    ``EFAULT`` when the stack has no room, and then leaves the registers alone.
    """
    sp = context.sp
    frame = layout.frame
    size = frame.size
    base, flags, length = stack
    if length:
        if stack.in_use(sp):
            if not stack.contains(sp - size):
                raise EFAULT("the frame would overflow the alternate stack")
        elif action.flags & SA_ONSTACK:
            sp = base + length
    addr = (sp - size & ~15) & _M64
    fields = layout.encode_context(*context.save())
    memory.write(addr, frame.pack(info.encode(), 0, 0, base, flags, length, mask, *fields))
    arguments = info.signo, addr, addr + UCONTEXT_OFFSET
    context.enter_function(action.handler, addr, action.restorer or trampoline, arguments)


def pop_frame(
    context: UserContext, memory: UserMemory, layout: ArchLayout
) -> tuple[SignalSet, tuple[int, int, int], int]:
    """Give the registers back what the frame at the stack pointer says.

    Returns the mask, the fields of the alternate stack and the result register that it has.
    Raises ``EFAULT`` if the frame cannot be read, `BadRegisters` if it cannot have been made
    by `push_frame`; the registers stay as they are then.
    """
    frame = layout.frame
    fields = frame.unpack(memory.read(context.sp, frame.size))
    _, _, _, base, flags, size, mask = fields[:7]
    general, floating = layout.decode_context(*fields[7:])
    context.restore(general, floating)
    at = layout.result_offset
    return mask, (base, flags, size), int.from_bytes(general[at : at + 8], "little")


def register_words(layout: ArchLayout, general: bytes) -> Sequence[tuple[str, int]]:
    """Return name and value of each general register, for a person to read."""
    words = memoryview(general).cast("B")
    return [
        (name, int.from_bytes(words[8 * i : 8 * i + 8], "little"))
        for i, name in enumerate(layout.general)
    ]
