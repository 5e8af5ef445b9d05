"""All that a kernel has of eBPF; made when somebody first uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EINVAL, LinuxError
from ...abi.signal import SI_KERNEL
from ...abi.time import CLOCK_TAI
from ..perf.moment import Moment
from ..signal.info import SignalInfo
from ..thread_signals import send_process_signal, send_signal
from .interpreter import Interpreter
from .maps.base import Map, Room
from .memory import Memory
from .objects import Table
from .printed import Printed
from .services import Task

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread
    from .btf import Btf
    from .links import Link
    from .program import Program

_SIGNALS = 64


class Bpf:
    """The objects by their numbers, and what runs programs."""

    def __init__(self, kernel: Kernel) -> None:
        self.memory = Memory()
        self.room = Room(self.memory, kernel.frames, kernel.heap)
        self.maps: Table[Map] = Table()
        self.programs: Table[Program] = Table()
        self.links: Table[Link] = Table()
        self.types: Table[Btf] = Table()
        self._services = KernelServices(kernel)
        self.interpreter = Interpreter(self.memory, self.room.handles, self._services)
        self.printed = Printed()
        self.statistics = 0  #: descriptors of BPF_ENABLE_STATS
        self._clock = kernel.clock

    def run(
        self,
        program: Program,
        context: bytearray,
        packet: bytes = b"",
        cookie: int = 0,
        thread: Thread | None = None,
    ) -> int:
        """Run a program in the name of ``thread``; return its result, 32 bits."""
        services = self._services
        before, services.thread = services.thread, thread
        started = self._clock.monotonic() if self.statistics else 0
        try:
            return self.interpreter.run(program, context, packet, cookie) & 0xFFFF_FFFF
        finally:
            services.thread = before
            if self.statistics:
                program.run_count += 1
                program.run_ns += self._clock.monotonic() - started


class KernelServices:
    """See `Services`."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.thread: Thread | None = None  #: in whose name a program runs, if not the current one's

    def monotonic_ns(self) -> int:
        """See `Services.monotonic_ns`."""
        return self._kernel.clock.monotonic()

    def boottime_ns(self) -> int:
        """See `Services.boottime_ns`."""
        return self._kernel.clock.boottime()

    def tai_ns(self) -> int:
        """See `Services.tai_ns`."""
        return self._kernel.clock.now(CLOCK_TAI)

    def random(self) -> int:
        """See `Services.random`."""
        return int.from_bytes(self._kernel.random(4), "little")

    def _thread(self) -> Thread:
        return self.thread or self._kernel.traps.current()

    def task(self) -> Task:
        """See `Services.task`."""
        thread = self._thread()
        cred = thread.cred
        return Task(thread.tid, thread.process.pid, cred.uid, cred.gid, thread.comm)

    def read_user(self, addr: int, size: int) -> bytes:
        """See `Services.read_user`."""
        return self._thread().mm.read(addr, size)

    def write_user(self, addr: int, data: bytes) -> None:
        """See `Services.write_user`."""
        self._thread().mm.write(addr, data)

    def read_user_text(self, addr: int, limit: int) -> bytes:
        """See `Services.read_user_text`."""
        data = self._thread().mm.read_partial(addr, limit)
        if not data:
            self._thread().mm.read(addr, 1)  # raises
        return data.split(b"\0")[0]

    def user_chain(self, limit: int) -> list[int]:
        """See `Services.user_chain`."""
        thread = self._thread()
        moment = Moment(thread, thread.context.pc, user=True)
        return moment.callchain(limit, kernel=False, user=True)[1:]

    def signal(self, number: int, *, thread: bool) -> int:
        """See `Services.signal`."""
        current = self._thread()
        if not 0 < number <= _SIGNALS:
            return -EINVAL.errno
        info = SignalInfo(number, SI_KERNEL)
        try:
            if thread:
                send_signal(current, info)
            else:
                send_process_signal(current.process, info)
        except LinuxError as error:
            return -error.errno
        return 0

    def trace(self, text: bytes) -> None:
        """See `Services.trace`."""
        thread = self._thread()
        seconds, ns = divmod(self._kernel.clock.monotonic(), 1_000_000_000)
        name = thread.comm[:15].decode("utf-8", "replace")
        head = f"{name:>16s}-{thread.tid:<7d} [000] ...11 {seconds:5d}.{ns // 1000:06d}: "
        line = head.encode() + b"bpf_trace_printk: " + text.rstrip(b"\n") + b"\n"
        system_of(self._kernel).printed.add(line)


def system_of(kernel: Kernel) -> Bpf:
    """Return what a kernel has of eBPF, made if need be."""
    if kernel.bpf is None:
        from .events import attach_descriptor

        kernel.bpf = Bpf(kernel)
        kernel.perf.system.attach_program = attach_descriptor
    return kernel.bpf
