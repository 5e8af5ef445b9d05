"""Lab 13: signals.

A set of signals is a number: bit N - 1 stands for signal N.

What a handler meets is in your hands.  ``cpu`` is the interrupted thread:

  cpu.sp                          its stack pointer
  cpu.mask                        the signals that it blocks; may be set
  cpu.save(), cpu.restore(bytes)  all registers, pc and sp among them: cpu.state_size bytes
  cpu.read(addr, size)            the program's memory; a bad address raises EFAULT, which
  cpu.write(addr, bytes)            may pass: the program gets SIGSEGV for it
  cpu.jump(pc, sp, return_address, (a0, a1, a2))   call a function of the program
  cpu.restart()                   changes the registers so that the interrupted call is made again

and ``signal`` what came:

  signal.signo, signal.info       its number; 128 bytes of siginfo_t
  signal.handler                  address of the function void (int, siginfo_t *, void *)
  signal.flags                    SA_* bits
  signal.mask                     what the program wants blocked while the handler runs
  signal.mask_after               what is to be blocked when the handler has returned
  signal.trampoline               the address where handlers return to
  signal.stack                    (lowest address, size) of the alternate stack, or None
  signal.restartable              a call was interrupted that may begin again
"""

from __future__ import annotations

from typing import Any

SIGKILL, SIGSTOP, SIGRTMIN = 9, 19, 32
SA_ONSTACK, SA_RESTART, SA_NODEFER = 0x08000000, 0x10000000, 0x40000000


class Pending:
    """Signals that were sent and not yet delivered."""

    def add(self, signo: int, info: Any) -> bool:
        """Remember a signal; False if it is a standard one that is pending already."""
        raise NotImplementedError("Pending.add")

    def take(self, blocked: int) -> tuple[int, Any] | None:
        """Remove and return the next signal that is not blocked: its number and info."""
        raise NotImplementedError("Pending.take")


class Handlers:
    """Enters handlers, and leaves them."""

    def enter(self, cpu: Any, signal: Any) -> None:
        """Make the handler run next, and everything be as it was when it returns."""
        raise NotImplementedError("Handlers.enter")

    def leave(self, cpu: Any) -> None:
        """The handler returned (rt_sigreturn): go on with what it interrupted."""
        raise NotImplementedError("Handlers.leave")
