"""Run an ELF file on an emulated CPU, with limits that are the same on every host.

The CPU runs in slices of so many instructions, and the guest's clock advances with them, not
with the host's: so preemption, times and limits do not depend on how fast the host is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from ...abi.fcntl import O_RDWR
from ...devices.uart16550 import Uart16550
from ...kernel import boot
from ...kernel.core.component import Components
from ...kernel.dev.setup import attach_serial
from ...kernel.files.file import File
from ...kernel.files.tty import open_tty
from ...kernel.fs.tmpfs import Tmpfs
from ...kernel.kernel import Kernel
from ...kernel.syscalls import Entry
from ...kernel.thread import Thread
from ...machine.api import Hart, SyscallRegisters, Trap, UserContext
from ...machine.door import VirtualDoor
from ...machine.ram import HostRam
from ...machine.unicorn.hart import UnicornHart
from ...rootfs import Tree
from ..recording import follow, over
from .outcome import GuestLimit, Outcome
from .panics import explain_panics, raise_panic

_NS_PER_INSTRUCTION: Final = 10  #: a CPU of 100 MHz that takes one cycle for each
_PER_ENTRY: Final = 500  #: instructions charged for each time that user mode is entered
_PROGRAM: Final = "/bin/program"
_CALLS: Final = 4096  #: recorded
_ARGUMENTS: Final = 6  #: of a call that nobody knows

Prepare = Callable[[Kernel], object]


class CountingHart(UnicornHart):
    """A CPU whose only clock are the instructions it executed."""

    def __init__(self, ram: HostRam, door: VirtualDoor) -> None:
        self.instructions = 0
        self.over: Callable[[], object] = lambda: None
        self.limit = 1 << 62
        super().__init__(ram, no_exit_request=False)
        self._door = door
        self.instructions = 0

    def run(self, context: UserContext) -> Trap:
        """See `Hart.run`."""
        self._charge(_PER_ENTRY)
        return super().run(context)

    def _tick(self) -> Trap | None:
        if hasattr(self, "_door"):  # not yet while the hart tests itself
            self._charge(self._slice)
            self._interrupted = True
        return super()._tick()

    def _charge(self, count: int) -> None:
        self.instructions += count
        if hasattr(self, "_door"):
            self._door.now += count * _NS_PER_INSTRUCTION
            if self.instructions > self.limit:
                self.over()


def run_program(
    program: bytes,
    arguments: Sequence[str] = (),
    *,
    files: Mapping[str, bytes] | None = None,
    components: Components | None = None,
    prepare: Prepare | None = None,
    typed: bytes = b"",
    environment: Sequence[str] = (),
    instructions: int = 200_000_000,
    guest_seconds: float = 60.0,
    ram: int = 64 << 20,
) -> Outcome:
    """Run ``program`` as process 1 on a terminal until it ends.

    ``files`` are there besides, by path; ``prepare`` may change the kernel before it starts.
    Raises `GuestLimit`, and `KernelPanic`.
    """
    door = VirtualDoor()
    hart = CountingHart(HostRam(ram), door)
    try:
        kernel = boot.build(hart, door, components)
        hart.limit = instructions
        machine = Machine(kernel, hart, door, program, files or {})
        if prepare is not None:
            prepare(kernel)
        env = ("PATH=/bin", "TERM=dumb", *environment)
        config = boot.BootConfig(
            [word.encode() for word in (_PROGRAM, *arguments)], [text.encode() for text in env]
        )
        return machine.run(config, typed, guest_seconds)
    finally:
        hart.close()


class LimitedHart(Hart, Protocol):
    """A CPU that counts, and calls ``over`` when it has counted enough."""

    instructions: int
    over: Callable[[], object]


class Machine:
    """A kernel with a terminal, and a root file system that has the program."""

    def __init__(
        self, kernel: Kernel, hart: LimitedHart, door: VirtualDoor, program: bytes,
        files: Mapping[str, bytes],
    ) -> None:  # fmt: skip
        self._kernel, self._hart, self._door = kernel, hart, door
        self._output = bytearray()
        self._outcome = Outcome()
        uart = Uart16550(transmit=self._output.extend)
        self._tty, uart.irq = attach_serial(kernel, uart)
        door.subscribe("console", lambda data: uart.receive(data) if data else self._tty.hang_up())
        explain_panics(kernel)
        follow(kernel)
        boot.mount_root(kernel, _root(kernel, program, files))
        _record(kernel, self._outcome)

    def run(self, config: boot.BootConfig, typed: bytes, guest_seconds: float) -> Outcome:
        """Start the program and run until it ends; raise `GuestLimit`."""
        kernel, outcome = self._kernel, self._outcome
        try:
            boot.start(kernel, config, self._open_console)
        except boot.BootError as error:
            outcome.status, outcome.output = error.status, str(error).encode()
            return outcome
        if typed:
            self._door.send("console", typed, after_ns=1_000_000)
        try:
            _execute(kernel, self._hart, guest_seconds)
        finally:
            over(kernel)
        raise_panic(kernel)
        outcome.output = bytes(self._output)
        outcome.instructions = self._hart.instructions
        status = kernel.exit_status
        if status is not None:
            outcome.status = 128 + (status & 0x7F) if status & 0x7F else status >> 8 & 0xFF
        return outcome

    def _open_console(self, thread: Thread) -> list[File]:
        place = thread.fs.walk(b"/dev/" + self._tty.name, thread.cred)
        return [open_tty(self._tty, thread, place, O_RDWR) for _ in range(3)]


def _execute(kernel: Kernel, hart: LimitedHart, guest_seconds: float) -> None:
    reached: list[str] = []

    def over(what: str) -> None:
        reached.append(what)
        kernel.executor.stop()
        hart.interrupt()

    hart.over = lambda: over("instructions")
    deadline = kernel.executor.now + int(guest_seconds * 1e9)
    timer = kernel.executor.call_at(deadline, lambda: over("time"))
    kernel.executor.run()
    timer.cancel()
    if reached:
        raise GuestLimit(f"the guest used up its {reached[0]}")


def _root(kernel: Kernel, program: bytes, files: Mapping[str, bytes]) -> Tmpfs:
    tree = Tree()
    for folder in ("bin", "dev", "proc", "sys", "tmp", "root"):
        tree.folder(folder)
    tree.file("bin/program", program, 0o755)
    for path, content in files.items():
        tree.file(path.strip("/"), content, 0o755 if path.startswith("/bin/") else 0o644)
    fs = Tmpfs(kernel.clock.realtime, kernel.pool)
    fs.populate(tree)
    return fs


def _record(kernel: Kernel, outcome: Outcome) -> None:
    def left(_: Thread, entry: Entry | None, registers: SyscallRegisters, result: int) -> None:
        if len(outcome.calls) < _CALLS:
            name = entry.name if entry is not None else str(registers[7])
            count = len(entry.args) if entry is not None else _ARGUMENTS
            outcome.calls.append((name, list(registers[:count]), result))

    def faulted(*_: object) -> None:
        outcome.faults += 1

    kernel.events.subscribe("syscall_exit", left)
    kernel.events.subscribe("page_fault", faulted)


__all__ = ["GuestLimit", "Outcome", "run_program"]
