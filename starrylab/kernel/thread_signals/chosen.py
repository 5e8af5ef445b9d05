"""Handlers that somebody else enters and leaves (design document 8.2; labs bind theirs).

The kernel chooses the signal, as always.  Where the frame lies, what is in it, which signals
the handler blocks and whether a call begins again is up to `Handlers`; a frame is the
business of who made it, so its layout need not be Linux's.  SS_AUTODISARM is not served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...abi import signal as sig
from ...abi.arch import ARCHES
from ...abi.errno import EFAULT, EINVAL
from ...abi.signal import SIGSEGV
from ..signal.sets import SignalSet
from .delivery import Delivery, no_frame, set_mask
from .sending import force_fault

if TYPE_CHECKING:
    from ..syscalls import Entry
    from ..thread import Thread


class Cpu:
    """A thread at the border of its handler: registers, memory, blocked signals."""

    def __init__(self, thread: Thread, interrupted: tuple[Entry, int] | None = None) -> None:
        self._thread = thread
        self._interrupted = interrupted
        self.mask: SignalSet = thread.signals.mask  #: bit N - 1: signal N is blocked

    @property
    def sp(self) -> int:
        """The stack pointer."""
        return self._thread.context.sp

    @property
    def state_size(self) -> int:
        """Bytes of `save`."""
        return sum(map(len, self._thread.context.save()))

    def save(self) -> bytes:
        """Return all registers, the program counter among them."""
        return b"".join(self._thread.context.save())

    def restore(self, state: bytes) -> None:
        """Set all registers; raise ``EINVAL`` unless `save` may have made ``state``."""
        general, floating = self._thread.context.save()
        least = ARCHES[self._thread.kernel.arch].floating_size  # before vectors came into use
        if len(state) - len(general) not in (len(floating), least):
            raise EINVAL
        self._thread.context.restore(state[: len(general)], state[len(general) :])

    def read(self, addr: int, size: int) -> bytes:
        """Return user memory; ``EFAULT``."""
        return self._thread.mm.read(addr, size)

    def write(self, addr: int, data: bytes) -> None:
        """Change user memory; ``EFAULT``."""
        self._thread.mm.write(addr, data)

    def jump(self, pc: int, sp: int, return_address: int, arguments: tuple[int, int, int]) -> None:
        """Go on at ``pc`` as if it had been called."""
        self._thread.context.enter_function(pc, sp, return_address, arguments)

    def restart(self) -> None:
        """Make the interrupted call begin again when these registers are in force again."""
        if self._interrupted is not None:
            self._thread.context.restart_syscall(self._interrupted[1])


class Caught:
    """A signal, and what the program wants done with it."""

    def __init__(self, thread: Thread, delivery: Delivery, call: Entry | None) -> None:
        action, signals = delivery.action, thread.signals
        self.signo = delivery.info.signo
        self.info: bytes = delivery.info.encode()  #: ``siginfo_t``
        self.handler = action.handler  #: address
        self.flags = action.flags  #: SA_*
        self.mask: SignalSet = action.mask  #: blocked while the handler runs
        saved = signals.saved_mask
        self.mask_after: SignalSet = signals.mask if saved is None else saved
        self.trampoline = action.restorer or thread.mm.trampoline  #: where handlers return to
        base, _, size = signals.altstack
        self.stack = (base, size) if size else None  #: the alternate stack: lowest address, bytes
        #: Whether a call ended with EINTR for this signal, and may begin again.
        self.restartable = call is not None and call.restart.name == "SA_RESTART"


class Handlers(Protocol):
    """Enters handlers of signals and leaves them."""

    def enter(self, cpu: Cpu, signal: Caught) -> None:
        """Make the handler run next."""
        ...

    def leave(self, cpu: Cpu) -> None:
        """Go on where the handler interrupted the program; ``cpu.sp`` is as `enter` set it."""
        ...


class ChosenHandlers:
    """Does what `push` and `sigreturn` do, by way of `Handlers`."""

    def __init__(self, handlers: Handlers) -> None:
        self.handlers = handlers

    def push(
        self, thread: Thread, delivery: Delivery, interrupted: tuple[Entry, int] | None
    ) -> None:
        """See `delivery.push`."""
        signals = thread.signals
        cpu = Cpu(thread, interrupted)
        caught = Caught(thread, delivery, None if interrupted is None else interrupted[0])
        try:
            self.handlers.enter(cpu, caught)
        except EFAULT:
            no_frame(thread, caught.signo)
            return
        signals.saved_mask = None
        set_mask(thread, cpu.mask)

    def sigreturn(self, thread: Thread) -> int:
        """See `delivery.sigreturn`."""
        cpu = Cpu(thread)
        try:
            self.handlers.leave(cpu)
        except (EFAULT, EINVAL):
            force_fault(thread, SIGSEGV, sig.SI_KERNEL)
            return thread.context.arguments()[0]
        set_mask(thread, cpu.mask)
        return thread.context.arguments()[0]


__all__ = ["Caught", "ChosenHandlers", "Cpu", "Handlers"]
