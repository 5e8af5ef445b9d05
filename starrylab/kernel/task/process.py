"""Sessions, process groups and processes (design document 6.2.1, credentials(7)).

A child holds its parent side strongly: a process its group, a group its session.  The
tables of groups and sessions are weak, so that a group without processes and a session
without groups vanish by themselves (design document 6.3).  A process leaves the tables
that it is in at one place, when it is reaped (`exit.reap`); they are plain dicts, because
an entry of a weak one costs a fork two microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from ..core.poll import PollSet
from .limits import Limits

if TYPE_CHECKING:
    from ..mm.space import AddressSpace
    from ..namespaces.pid import Pid, PidNamespace
    from ..signal.manager import ProcessSignals
    from ..thread import Thread
    from .ptrace import Tracee


class Session:
    """setsid(2): groups that share a controlling terminal."""

    held: Pid | None = None  #: its numbers in other pid namespaces, which outlive its leader

    def __init__(self, sid: int) -> None:
        self.sid = sid
        self.terminal: Any = None  #: the controlling terminal, if any
        self.groups: WeakValueDictionary[int, ProcessGroup] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"Session({self.sid})"


class ProcessGroup:
    """setpgid(2): processes that get job-control signals together."""

    held: Pid | None = None  #: as in `Session`

    def __init__(self, pgid: int, session: Session) -> None:
        self.pgid = pgid
        self.session = session
        self._members: dict[int, Process] = {}
        session.groups[pgid] = self

    def processes(self) -> list[Process]:
        """Return the members, zombies included, lowest pid first."""
        return [self._members[pid] for pid in sorted(self._members)]

    def add(self, process: Process) -> None:
        """Make ``process`` a member; it leaves its former group."""
        old = process.group
        if old is not None and old is not self:
            old.remove(process)
        process.group = self
        self._members[process.pid] = process

    def remove(self, process: Process) -> None:
        """Forget a process that was reaped."""
        self._members.pop(process.pid, None)

    @property
    def orphaned(self) -> bool:
        """Whether no member has a parent in another group of the same session (POSIX 3.264)."""
        for process in self.processes():
            parent = process.parent
            if process.zombie or parent is None:
                continue
            if parent.group is not self and parent.group.session is self.session:
                return False
        return True

    def __repr__(self) -> str:
        return f"ProcessGroup({self.pgid})"


class Usage:
    """CPU time in nanoseconds and counters (getrusage(2))."""

    __slots__ = ("involuntary", "majflt", "maxrss_kib", "minflt", "rchar", "stime_ns", "syscr",
                 "syscw", "utime_ns", "voluntary", "wchar")  # fmt: skip

    def __init__(self) -> None:
        self.utime_ns = 0
        self.stime_ns = 0
        self.minflt = 0
        self.majflt = 0
        self.voluntary = 0  #: context switches
        self.involuntary = 0
        self.maxrss_kib = 0
        self.rchar = 0  #: bytes that read calls returned (proc_pid_io(5))
        self.wchar = 0
        self.syscr = 0  #: calls
        self.syscw = 0

    def add(self, other: Usage) -> None:
        """Add the counters of ``other``; maxrss is the greater of both."""
        self.utime_ns += other.utime_ns
        self.stime_ns += other.stime_ns
        if other.minflt or other.majflt:
            self.minflt += other.minflt
            self.majflt += other.majflt
        self.voluntary += other.voluntary
        self.involuntary += other.involuntary
        if other.syscr or other.syscw:
            self.rchar += other.rchar
            self.wchar += other.wchar
            self.syscr += other.syscr
            self.syscw += other.syscw
        if other.maxrss_kib > self.maxrss_kib:
            self.maxrss_kib = other.maxrss_kib

    def add_faults(self, space: AddressSpace) -> None:
        """Add the page faults of an address space, and see whether its peak is a new one."""
        self.minflt += space.minflt
        self.majflt += space.majflt
        peak = space.peak_rss_kib()
        if peak > self.maxrss_kib:
            self.maxrss_kib = peak


class Process:
    """A thread group: what POSIX calls a process."""

    pid_ns: PidNamespace | None = None  #: the pid namespace it is in; None: the initial one
    nested = False  #: whether it is in another pid or user namespace than the initial ones

    def __init__(self, pid: int, parent: Process | None, limits: Limits) -> None:
        self.pid = pid
        self.parent = parent
        self.children: dict[int, Process] = {}
        self.threads: dict[int, Thread] = {}
        self.group: ProcessGroup = None  # type: ignore[assignment]  # set by ProcessGroup.add
        self.signals: ProcessSignals = None  # type: ignore[assignment]  # set by the thread that is made
        self.limits = limits
        self.leader: Thread = None  # type: ignore[assignment]  # the thread whose tid is pid
        self.comm = b""
        self.exe: Any = None  #: Location of the program
        self.start_time_ns = 0  #: monotonic
        self._usage: Usage | None = None
        self._children_usage: Usage | None = None
        self.exit_status: int | None = None  #: wait status once the group is exiting
        self.zombie = False
        self.exit_signal = 17  #: what the parent gets when this process ends (SIGCHLD)
        self.stopped = False
        self.stop_report: int | None = None  #: wait status of a stop nobody waited for yet
        self.stop_signal = 0  #: of the last stop
        self.continue_report = False
        self.tracees: dict[int, Tracee] | None = None  #: threads that this process traces, by tid
        self.children_changed = PollSet()
        self.exited = PollSet()  #: wakes pidfds
        self.timers: dict[int, Any] = {}  #: POSIX timers by id
        self.dumpable = 1
        self.persona = 0  #: personality(2)
        self.subreaper = False
        self.execed = False  #: setpgid(2) by the parent is refused after execve
        self.death_signal = 0  #: PR_SET_PDEATHSIG
        self.vfork_done: PollSet | None = None  #: the parent of a vfork waits here
        self.oom_score_adj = 0
        self.uid_at_exit = 0  #: real user id, once the last thread is gone

    @property
    def session(self) -> Session:
        """The session of the process's group."""
        return self.group.session

    @property
    def uid(self) -> int:
        """Real user id, of a zombie too."""
        for thread in self.threads.values():
            return thread.cred.uid
        return self.uid_at_exit

    @property
    def usage(self) -> Usage:
        """Usage of the threads that ended."""
        found = self._usage
        if found is None:  # most processes end with their first thread
            found = self._usage = Usage()
        return found

    def add_usage(self, usage: Usage) -> None:
        """Count what a thread used that ended; ``usage`` belongs to the process now."""
        if self._usage is None:
            self._usage = usage
        else:
            self._usage.add(usage)

    @property
    def children_usage(self) -> Usage:
        """Usage of the children that were waited for, and of theirs."""
        found = self._children_usage
        if found is None:  # most processes never have a child
            found = self._children_usage = Usage()
        return found

    def add_child_usage(self, child: Process) -> None:
        """Count what a child used that was waited for."""
        usage = self.children_usage
        usage.add(child.usage)
        if child._children_usage is not None:
            usage.add(child._children_usage)

    def exit_group(self, status: int) -> None:
        """Begin to end every thread with a wait(2) status (exit_group(2), fatal signals)."""
        if self.exit_status is None:
            self.exit_status = status
        for thread in list(self.threads.values()):
            thread.exit_thread(self.exit_status)

    def total_usage(self) -> Usage:
        """Return the usage of all threads, living and ended."""
        total = Usage()
        total.add(self.usage)
        for thread in self.threads.values():
            total.add(thread.usage)
        if self.threads:
            total.add_faults(next(iter(self.threads.values())).mm)
        return total

    def shown(self, number: int) -> int:
        """Return what this process is told of a number of the kernel's; 0: it does not see it."""
        return number if self.pid_ns is None else self.pid_ns.shown(number)

    def meant(self, number: int) -> int:
        """Return the kernel's number for one that this process uses; 0 if nobody has it."""
        return number if self.pid_ns is None else self.pid_ns.meant(number)

    def __repr__(self) -> str:
        return f"Process({self.pid} {self.comm.decode(errors='replace')})"
