"""Lab 13: signals."""

from __future__ import annotations

from collections import deque
from typing import Any

SIGKILL, SIGSTOP, SIGRTMIN = 9, 19, 32
SA_ONSTACK, SA_RESTART, SA_NODEFER = 0x08000000, 0x10000000, 0x40000000
_UNBLOCKABLE = 1 << SIGKILL - 1 | 1 << SIGSTOP - 1
_INFO = 128


class Pending:
    """Signals that were sent and not yet delivered."""

    def __init__(self) -> None:
        self.queues: dict[int, deque[Any]] = {}

    def add(self, signo: int, info: Any) -> bool:
        """Queue it; standard signals have one place."""
        queue = self.queues.setdefault(signo, deque())
        if queue and signo < SIGRTMIN:
            return False
        queue.append(info)
        return True

    def take(self, blocked: int) -> tuple[int, Any] | None:
        """Return the lowest number, and of it the oldest."""
        for signo in sorted(self.queues):
            if self.queues[signo] and not blocked >> signo - 1 & 1:
                return signo, self.queues[signo].popleft()
        return None


class Handlers:
    """Enters handlers, and leaves them.

    The frame, from its address on: siginfo_t, the mask, the registers.
    """

    def enter(self, cpu: Any, signal: Any) -> None:
        """Save everything on the stack, then call the handler."""
        if signal.flags & SA_RESTART:
            cpu.restart()
        top = cpu.sp
        if signal.stack is not None and signal.flags & SA_ONSTACK:
            base, size = signal.stack
            if not base < top <= base + size:
                top = base + size
        frame = signal.info + signal.mask_after.to_bytes(8, "little") + cpu.save()
        addr = (top - len(frame)) & ~15
        cpu.write(addr, frame)
        cpu.jump(signal.handler, addr, signal.trampoline, (signal.signo, addr, addr + _INFO))
        cpu.mask |= signal.mask
        if not signal.flags & SA_NODEFER:
            cpu.mask |= 1 << signal.signo - 1

    def leave(self, cpu: Any) -> None:
        """Take everything back from the stack."""
        frame = cpu.read(cpu.sp, _INFO + 8 + cpu.state_size)
        cpu.mask = int.from_bytes(frame[_INFO : _INFO + 8], "little") & ~_UNBLOCKABLE
        cpu.restore(frame[_INFO + 8 :])
