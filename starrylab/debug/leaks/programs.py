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
_MOST_SLOW: Final = 1024
_ENOUGH: Final = 2  #: frames of a stack whose outer end takes the whole unwinder


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
        self._slow: dict[bytes, tuple[int, ...]] = {}  #: registers -> stack, see `_whole`

    def let_go(self) -> None:
        """Hold no address space any more: the next stack makes what it needs anew."""
        self._stacks = Stacks(self._kernel, self._stacks.images)
        self._slow.clear()

    def of(self, thread: Thread) -> UserStack:
        """Return the user stack of the thread that runs."""
        key = (thread.tid, thread.syscalls, thread.context.pc)
        if key == self._key:
            return self._last
        if self._busy:
            return NOWHERE
        self._busy = True
        try:
            modules = self._stacks.modules(thread.mm)
            found = modules.quick().walk(thread.context.general(), _DEEPEST, partial=True)
            if found is None or len(found) < _ENOUGH:
                found = self._whole(thread)
            mapped = modules.snapshot()
        finally:
            self._busy = False
        self._key, self._last = key, UserStack(found, mapped)
        return self._last

    def _whole(self, thread: Thread) -> tuple[int, ...]:
        """Return the stack where only the whole unwinder can take the first step.

        That is code without frame tables, and the few assembly functions around clone(2).  The
        unwinder is slow, so equal registers there count as the same stack.
        """
        registers = bytes(thread.context.general())
        found = self._slow.get(registers)
        if found is None:
            if len(self._slow) >= _MOST_SLOW:
                self._slow.clear()
            found = self._slow[registers] = self._stacks.addresses(thread, _DEEPEST)
        return found


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
