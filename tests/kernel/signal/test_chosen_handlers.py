"""Signal handlers that are entered and left by somebody else's code."""

from __future__ import annotations

from typing import Any

import pytest

from starrylab.abi import signal as sig
from starrylab.kernel.thread_signals.chosen import Caught, ChosenHandlers, Cpu
from tests.kernel.syscalls.signal_support import HANDLER, install

pytestmark = pytest.mark.timeout(20)


class Plain:
    """The least that works: registers and mask on the stack."""

    def enter(self, cpu: Cpu, signal: Caught) -> None:
        """Save, and jump."""
        frame = signal.mask_after.to_bytes(8, "little") + cpu.save()
        addr = cpu.sp - len(frame) & ~15
        cpu.write(addr, frame)
        cpu.jump(signal.handler, addr, signal.trampoline, (signal.signo, addr, addr))
        cpu.mask |= 1 << signal.signo - 1

    def leave(self, cpu: Cpu) -> None:
        """Restore."""
        frame = cpu.read(cpu.sp, 8 + cpu.state_size)
        cpu.mask = int.from_bytes(frame[:8], "little")
        cpu.restore(frame[8:])


class Hostile(Plain):
    """Blocks everything on its way back."""

    def leave(self, cpu: Cpu) -> None:
        """See `Plain.leave`."""
        super().leave(cpu)
        cpu.mask = (1 << 64) - 1


class Short(Plain):
    """Brings back too little."""

    def leave(self, cpu: Cpu) -> None:
        """See `Plain.leave`."""
        cpu.restore(b"short")


def kill(handlers: Any, lab: Any, *, sp: int = 0) -> list[Any]:
    """Run a program that sends itself a signal; return what it saw."""
    lab.kernel.handlers = ChosenHandlers(handlers)
    seen: list[Any] = []

    def handler(m: Any) -> Any:
        seen.append(m.argument)
        yield m.call("getpid")

    lab.hart.texts[HANDLER] = handler

    def program(m: Any) -> Any:
        yield install(m, sig.SIGUSR1)
        m.sp = sp or m.sp
        before = m.registers()
        seen.append((yield m.call("kill", 1, sig.SIGUSR1)))
        seen.append(before[1:10] == m.registers()[1:10])
        seen.append(lab.kernel.threads[1].signals.mask)
        yield m.call("exit_group", 0)

    lab.run(program)
    return seen


def test_a_handler_runs_and_the_program_goes_on(lab: Any) -> None:
    assert kill(Plain(), lab) == [sig.SIGUSR1, 0, True, 0]


def test_nobody_can_block_sigkill(lab: Any) -> None:
    mask = kill(Hostile(), lab)[-1]
    assert not mask & (1 << sig.SIGKILL - 1 | 1 << sig.SIGSTOP - 1)


def test_no_room_for_the_frame_is_a_fault(lab: Any) -> None:
    assert kill(Plain(), lab, sp=0x40) == []
    assert lab.exit_status == sig.SIGSEGV


def test_a_bad_frame_is_a_fault(lab: Any) -> None:
    assert kill(Short(), lab) == [sig.SIGUSR1]
    assert lab.exit_status == sig.SIGSEGV
