"""The controlling terminal of a session: who is in the foreground (POSIX 11.1.3, 11.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EAGAIN, EIO, EPERM
from ...abi.signal import SIGCONT, SIGHUP, SIGTTIN
from ..core.poll import PollSet

if TYPE_CHECKING:
    from ..task.process import Process, ProcessGroup, Session
    from ..thread import Thread
    from .job_control import Surroundings


class ControllingTerminal:
    """The part of a terminal that knows sessions and process groups."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.around = surroundings
        self.readers = PollSet()
        self.writers = PollSet()
        self.session: Session | None = None  #: whose controlling terminal this is
        self.pgid = 0  #: of the foreground process group
        self._foreground: ref[ProcessGroup] | None = None

    def signal(self, signo: int) -> None:
        """Signal the foreground process group, if there is one."""
        group = self.foreground
        if group is not None:
            self.around.signal_group(group, signo)

    def session_over(self) -> None:
        """Do what the end of the session means for the open files."""
        raise NotImplementedError

    @property
    def foreground(self) -> ProcessGroup | None:
        """The foreground process group, as long as it has members."""
        return None if self._foreground is None else self._foreground()

    def set_foreground(self, group: ProcessGroup | None) -> None:
        """Put a group into the foreground; readers that were in the background try again."""
        self._foreground = None if group is None else ref(group)
        self.pgid = 0 if group is None else group.pgid
        self.readers.wake()
        self.writers.wake()

    def controls(self, process: Process) -> bool:
        """Tell whether this is the controlling terminal of ``process``."""
        return self.session is not None and process.session is self.session

    def check_background(self, signo: int) -> None:
        """Stop a background process that wants to read (SIGTTIN) or change things (SIGTTOU).

        Raises ``EAGAIN`` once the signal is on its way, for the call to be tried again;
        ``EIO`` if the signal would have no effect.
        """
        thread = self.around.current()
        if thread is None or self.session is None:
            return
        group = thread.process.group
        if group.session is not self.session or not self.pgid or group.pgid == self.pgid:
            return
        if self.around.refuses(thread, signo):
            if signo == SIGTTIN:
                raise EIO
            return
        if group.orphaned:
            raise EIO
        self.around.signal_group(group, signo)
        raise EAGAIN

    def acquire(self, process: Process) -> None:
        """Become the controlling terminal of a session leader, and its group the foreground."""
        session = process.session
        self.session = session
        session.terminal = self
        self.set_foreground(process.group)

    def acquire_on_open(self, thread: Thread) -> None:
        """Become the controlling terminal if opening has that effect here (open(2), O_NOCTTY)."""
        process = thread.process
        session = process.session
        if session.sid == process.pid and session.terminal is None and self.session is None:
            self.acquire(process)

    def take_over(self, thread: Thread, *, force: bool, readable: bool) -> None:
        """TIOCSCTTY; ``force`` takes it away from another session."""
        process = thread.process
        session = process.session
        leader = session.sid == process.pid
        if leader and self.session is session:
            return
        if not leader or session.terminal is not None:
            raise EPERM
        privileged = thread.cred.capable(CAP_SYS_ADMIN)
        if self.session is not None:
            if not (force and privileged):
                raise EPERM
            self.release()
        if not readable and not privileged:
            raise EPERM
        self.acquire(process)

    def release(self) -> None:
        """Be nobody's controlling terminal any more."""
        if self.session is not None:
            self.session.terminal = None
        self.session = None
        self.set_foreground(None)

    def give_up(self, process: Process) -> None:
        """TIOCNOTTY by a session leader: the session loses its terminal."""
        group = self.foreground
        self.release()
        if group is not None:
            self.around.signal_group(group, SIGHUP)
            self.around.signal_group(group, SIGCONT)

    def session_leader_exited(self, session: Session) -> None:
        """Hang up: the leader of the session that this terminal controls has ended."""
        if self.session is not session:
            return
        group = self.foreground
        self.session_over()
        self.release()
        if group is not None:
            self.around.signal_group(group, SIGHUP)
