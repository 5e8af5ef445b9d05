"""Where a program was when the kernel allocated something for it: its own stack, kept as addresses.

A program that makes one system call has one stack, however much the kernel allocates meanwhile,
so it is walked once a call or fault.  What was mapped is kept with it, since most programs are
gone when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..stack import Stacks, named
from ..unwind.unwinder import RawFrame
from .stacks import Call

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.thread import Thread
    from ..modules import ModuleMap

_DEEPEST: Final = 16  #: frames


@dataclass(frozen=True, slots=True)
class UserStack:
    """A program's stack: addresses, innermost first, and what was mapped there."""

    addresses: tuple[int, ...]
    modules: ModuleMap | None = None


NOWHERE: Final = UserStack(())


class Programs:
    """Takes the user stacks of one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._stacks = Stacks(kernel)
        self._busy = False  #: reading an image can make the kernel allocate
        self._key: tuple[int, int, int] = (0, 0, 0)
        self._last = NOWHERE

    def let_go(self) -> None:
        """Hold no address space any more: the next stack makes what it needs anew."""
        self._stacks = Stacks(self._kernel, self._stacks.images)

    def of(self, thread: Thread) -> UserStack:
        """Return the user stack of the thread that runs."""
        key = (thread.tid, thread.syscalls, thread.context.pc)
        if key == self._key:
            return self._last
        if self._busy:
            return NOWHERE
        self._busy = True
        try:
            addresses = self._stacks.addresses(thread, _DEEPEST)
            modules = self._stacks.modules(thread.mm).snapshot()
        finally:
            self._busy = False
        self._key, self._last = key, UserStack(addresses, modules)
        return self._last


def program_calls(stack: UserStack, fault: bool) -> tuple[Call, ...]:
    """Return the program's functions, innermost first; in a ``fault`` it stands at the first."""
    if stack.modules is None:
        return ()
    frames = [
        RawFrame(address, address if fault and not index else address - 1, [])
        for index, address in enumerate(stack.addresses)
    ]
    return tuple(
        Call(frame.function or "<unknown>", frame.file or frame.module, frame.line, frame.pc)
        for frame in named(frames, stack.modules)
    )
