"""Run an ELF file on the CPU of a board, whose monitor is at the other end of a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ...kernel import boot
from ...link.monitor.client import MonitorClient
from ...link.monitor.exchange import LinePort
from ...machine.api import Trap, UserContext
from ...machine.board.hart import BoardHart
from ...machine.door import VirtualDoor
from ...machine.ram import HostRam
from .outcome import Outcome
from .program import Machine

_ENTRY_NS: Final = 100_000  #: of the kernel's clock for each time that user mode is entered


class _BoardHart(BoardHart):
    """A board whose entries into user mode are what the kernel's clock counts."""

    def __init__(self, monitor: MonitorClient, ram: HostRam, door: VirtualDoor) -> None:
        self.instructions = 0
        self.over: Callable[[], object] = lambda: None
        self._door = door
        super().__init__(monitor, ram)

    def run(self, context: UserContext) -> Trap:
        """See `Hart.run`."""
        self._door.now += _ENTRY_NS
        return super().run(context)


def run_on_board(
    port: LinePort, program: bytes, arguments: Sequence[str] = (), *,
    environment: Sequence[str] = (), guest_seconds: float = 30.0, ram: int = 32 << 20,
) -> Outcome:  # fmt: skip
    """Run ``program`` as process 1 until it ends.

    Raises `MonitorError` if no monitor answers, `GuestLimit`, and `KernelPanic`.
    """
    door = VirtualDoor()
    hart = _BoardHart(MonitorClient(port), HostRam(ram), door)
    kernel = boot.build(hart, door)
    machine = Machine(kernel, hart, door, program, {})
    words, env = ("/bin/program", *arguments), ("PATH=/bin", *environment)
    config = boot.BootConfig([w.encode() for w in words], [e.encode() for e in env])
    return machine.run(config, b"", guest_seconds)
