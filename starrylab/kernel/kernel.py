"""The kernel object: it owns everything, so that two kernels live in one process.

Nothing in the kernel is module-level state; whoever needs the tables reaches them from
here, through its thread.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from ..abi.signal import SIGKILL
from ..machine.api import HartLost
from .clock import Clock
from .core.component import Components
from .core.events import Events
from .core.sched import TICK_NS, Executor
from .files.travelling import Travelling
from .files.watching import Watching
from .hwprobe import probe
from .ipc.namespace import IpcNamespace
from .load import LoadAverage
from .mm.heap import KernelHeap
from .mm.layout import Layout
from .mm.pages import Mmu
from .mm.space import AddressSpace
from .namespaces.base import INITIAL, Registry
from .namespaces.clocks import TimeNamespace
from .namespaces.mnt import MntNamespace
from .namespaces.pid import PidNamespace, PidTable
from .namespaces.proxy import Namespaces
from .namespaces.user import UserNamespace
from .namespaces.uts import UtsNamespace
from .net.namespace import NetNamespace
from .perf.events import PerfEvents
from .syscalls import table
from .task.futexes import FutexTable
from .task.ids import PidAllocator
from .task.oom import Killer
from .task.ptrace import Follower
from .task.rseq import Registration, leave_sequence
from .traps import Calls, Traps, describe
from .uring.tasks import RingSettings
from .vdso import Vdso
from .vfs.mount import MountNamespace
from .vfs.page_pool import PagePool
from .vfs.protections import Protections

if TYPE_CHECKING:
    from ..abi.numbers import Arch
    from ..machine.api import Hart
    from ..machine.door import Door
    from .bpf.system import Bpf
    from .core.tracing import Tracer
    from .files.aio import AioContext
    from .files.file import File
    from .files.pidfd import PidFd
    from .fs.system import Factory
    from .mm.frames import FrameAllocator
    from .mm.policies import Policy
    from .syscalls._sigio import Announcer
    from .task.chosen_loader import ChosenLoader
    from .task.keyrings import Keyrings
    from .task.limits import Limits
    from .task.process import Process, ProcessGroup, Session
    from .thread import Thread
    from .thread_signals.chosen import ChosenHandlers
    from .uring.tasks import TaskRings
    from .vfs.mount import Mountpoint

_LAYOUT: Final = Layout()


class Kernel:
    """One running Starry."""

    unprivileged_userfaultfd = False  #: /proc/sys/vm/unprivileged_userfaultfd
    accounting: File | None = None  #: where records of ended processes go (acct(2))
    keyrings: Keyrings | None = None  #: once there are keys (keyrings(7))

    def __init__(
        self,
        hart: Hart,
        door: Door,
        arch: Arch,
        frames: FrameAllocator,
        components: Components | None = None,
    ) -> None:
        self.hart = hart
        self.door = door
        self.arch: Arch = arch
        self.ram = hart.ram
        self.frames = frames
        self.heap = KernelHeap(frames)
        self._make_namespaces()
        self._make_tables()
        self._make_extras()
        self._leave_to_boot()
        self.events = Events()
        self.components = Components() if components is None else components
        self.components.default(AddressSpace, AddressSpace)
        self.components.default(Executor, Executor)
        self.executor = self.components.make(Executor, door)
        self.vdso = Vdso(arch, frames)
        self.clock = Clock(self)
        self.futexes = FutexTable()
        self.follower = Follower()  #: stops traced threads at their calls
        self.travelling = Travelling(self._writer)  #: descriptors that lie in sockets
        self.watching = Watching()  #: limits of inotify(7) and fanotify(7)
        self.announcers: WeakKeyDictionary[File, Announcer] = WeakKeyDictionary()  #: O_ASYNC
        #: contexts of io_setup(2) by their id, of each address space that has some
        self.aio: WeakKeyDictionary[AddressSpace, dict[int, AioContext]] = WeakKeyDictionary()
        self.ring_settings = RingSettings()  #: who may make a ring
        self.pool = PagePool(frames)  #: frames for page caches
        frames.last_resort = Killer(self).make_room
        self.boot_time_ns = door.realtime()
        self.boot_monotonic_ns = self.clock.started_ns
        self.boot_id = uuid.UUID(bytes=door.random(16), version=4)
        self.load = LoadAverage(self.boot_monotonic_ns)
        self.forks = 0  #: threads made since boot
        self.calls = Calls(table(arch), self.events)
        self.mmu = Mmu(hart)
        self.traps = Traps(self, self.calls)
        hart.bind(self.traps)
        if hart.set_clock(door.counter):
            self.clock.share(self.vdso)
        self.vdso.tell_processor(probe(arch, _LAYOUT.user_top))
        self.tick_ns = TICK_NS  #: what is between two ticks; samples may want less
        self.sampler: Callable[[Thread], object] | None = None  #: is told of every tick
        self.perf = PerfEvents(self)
        self.bpf: Bpf | None = None  #: bpf(2), once somebody has used it
        self.unprivileged_bpf_disabled = 2  #: /proc/sys/kernel/unprivileged_bpf_disabled
        self.executor.on_idle = lambda idle: hart.set_tick(0 if idle else self.tick_ns)

    def _make_tables(self) -> None:
        self.anon_inodes = count(1)  #: inode numbers of pipes and sockets
        self.processes: dict[int, Process] = {}  #: zombies too, until they are reaped
        self.threads: dict[int, Thread] = {}
        self.groups: WeakValueDictionary[int, ProcessGroup] = WeakValueDictionary()
        self.sessions: WeakValueDictionary[int, Session] = WeakValueDictionary()
        self.pids = PidAllocator(lambda number: number in self.groups or number in self.sessions)
        self.threads_max = 8192

    def _leave_to_boot(self) -> None:
        """Name what `boot` and front ends set."""
        self.tracer: Tracer | None = None  #: a debugger
        self.handlers: ChosenHandlers | None = None  #: another way into signal handlers
        self.loader: ChosenLoader | None = None  #: another way to load static programs
        self.init: Process = None  # type: ignore[assignment]  # boot sets it
        self.exit_status: int | None = None  #: wait(2) status of init, once it ended
        self.panic_text: str | None = None
        self.hart_lost: str | None = None  #: why the CPU is gone, which is a panic as well
        self.describe_panic: Callable[[BaseException], str] = describe  #: a debugger knows more
        self.halted: Callable[[], object] = lambda: None
        self.filesystems: dict[str, Factory] = {}  #: type name -> factory, for mount(2)
        self.devices: Any = None  #: table of device numbers
        self.root: Mountpoint = None  # type: ignore[assignment]  # boot sets these
        self.console: Any = None  #: what /dev/console speaks to
        self.interrupts: Any = None
        self.klog: Any = None  #: ring of kernel messages
        self.ptys: Any = None
        self.command_line = b""

    def _make_extras(self) -> None:
        # What few threads have, until they end.  Every clone(2) and exit(2) looks, and a look into
        # a weak dictionary costs ten times as much.
        self.rseqs: dict[Thread, Registration] = {}  #: rseq(2)
        self.urings: dict[Thread, TaskRings] = {}  #: io_uring(7)
        self.io_priorities: dict[Thread, int] = {}  #: ioprio_set(2)
        self.mempolicies: dict[Thread, Policy] = {}  #: numa(7)
        self.fork_resets: set[Thread] = set()  #: SCHED_RESET_ON_FORK
        self.protections = Protections()  #: /proc/sys/fs/protected_*

    def _make_namespaces(self) -> None:
        """Make the initial namespaces."""
        registry = self.registry = Registry()
        self.numbers = PidTable()  #: of processes in pid namespaces of their own
        self.mounts = MountNamespace()
        self.user_namespace = UserNamespace(registry, None, 0, 0, INITIAL["user"])
        self.namespaces = Namespaces(
            UtsNamespace(registry, None, self.arch.encode(), INITIAL["uts"]),
            IpcNamespace(registry, None, self.frames, INITIAL["ipc"]),
            MntNamespace(registry, None, self.mounts, INITIAL["mnt"]),
            NetNamespace(registry, None, INITIAL["net"]),
            PidNamespace(registry, None, self.numbers, ino=INITIAL["pid"]),
            TimeNamespace(registry, None, INITIAL["time"]),
        )
        self.uts, ipc = self.namespaces.uts, self.namespaces.ipc
        self.shm, self.semaphores = ipc.shm, ipc.semaphores  #: System V
        self.messages = ipc.messages
        self.queues = ipc.queues  #: POSIX message queues

    def ipc_namespaces(self) -> list[IpcNamespace]:
        """Return every IPC namespace."""
        return [ns for ns in self.registry.living if isinstance(ns, IpcNamespace)]

    def _writer(self) -> tuple[int, int, int]:
        """Return pid, uid and gid of whoever calls now: who writes to a socket (unix(7))."""
        thread = self.traps.current()
        return thread.process.pid, thread.cred.euid, thread.cred.egid

    def ask_pidfd(self, file: PidFd, thread: Thread, request: int, arg: int) -> int:
        """Serve ioctl(2) on a pidfd."""
        from .fs import pidfs  # hardly anybody asks

        return pidfs.ioctl(file, thread, request, arg)

    # -- the CPU ------------------------------------------------------------------------

    def enter(self, thread: Thread) -> None:
        """Give the CPU to ``thread``: its traps and its address space from now on."""
        self.traps.enter(thread)
        mmu, space = self.mmu, thread.mm
        if mmu.current is not space:
            mmu.use(space)
        if self.events.switch is not None:
            self.events.switch(thread)

    def ticked(self, thread: Thread) -> None:
        """Note that the hart stopped ``thread`` for a tick, or for what came from outside."""
        self.clock.follow_host()
        if self.sampler is not None:
            self.sampler(thread)
        self.interrupted(thread)

    def interrupted(self, thread: Thread) -> None:
        """Note that ``thread`` was interrupted: another one may run now."""
        if self.rseqs:
            leave_sequence(thread)

    def new_space(self, limits: Limits) -> AddressSpace:
        """Return an empty address space for a program (execve(2))."""
        space = self.components.make(AddressSpace, self.frames, _LAYOUT, limits)
        space.mmu = self.mmu  # a fork inherits it
        return space

    def forget_space(self, space: AddressSpace) -> None:
        """Note that ``space`` goes away: whoever runs next uses another one."""
        if self.mmu.current is space:
            self.mmu.current = None
        if self.aio:
            for context in self.aio.pop(space, {}).values():
                context.destroy()

    def leave_rings(self, thread: Thread, *, ends: bool) -> None:
        """Let ``thread`` leave io_uring(7): it ends, or executes a program."""
        rings = self.urings.pop(thread, None)
        if rings is not None:
            rings.leave(thread, ends=ends)

    def attach_tracer(self, tracer: Tracer) -> None:
        """Let ``tracer`` decide where threads stop; ``RuntimeError`` if there is one."""
        if self.tracer is not None and not self.perf.gives_way(self.tracer):
            raise RuntimeError(f"{type(self.tracer).__name__} traces this kernel already")
        self.tracer = tracer

    # -- the end --------------------------------------------------------------------------

    def panic(self, bug: BaseException) -> None:
        """Stop this machine because of a bug in the kernel; the lab stays alive."""
        if isinstance(bug, HartLost):
            self.hart_lost = str(bug)
        self.panic_text = self.describe_panic(bug)
        if self.events.panic is not None:
            self.events.panic(bug)
        self.executor.stop()
        self.hart.interrupt()
        self.halted()

    def init_exited(self, process: Process) -> None:
        """Halt: the first process ended.  Everything else is ended with it."""
        self.exit_status = process.exit_status
        for other in list(self.processes.values()):
            if other is not process and not other.zombie:
                other.exit_group(SIGKILL)
        self.executor.stop()
        self.halted()

    def power_off(self) -> None:
        """End the machine at a guest's wish (reboot(2)); the exit status is 0."""
        self.exit_status = 0
        self.executor.stop()
        self.hart.interrupt()
        self.halted()

    def log(self, text: str, level: int = 6) -> None:
        """Append a line to the kernel log; `dev.kmsg` replaces this when it is set up."""

    # -- small things -----------------------------------------------------------------------

    def random(self, size: int) -> bytes:
        """Return ``size`` random bytes from the door."""
        return self.door.random(size)
