"""Signal-driven input and output: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2), "Managing signals")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import ref

from ...abi import signal as sig
from ...abi.errno import EAGAIN
from ...abi.landlock import LANDLOCK_SCOPE_SIGNAL
from ...abi.poll import POLLERR, POLLHUP, POLLIN, POLLMSG, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM
from ..core.sched import Waker
from ..signal.info import SignalInfo
from ..thread_signals import send_process_signal, send_signal

if TYPE_CHECKING:
    from ..files.file import File
    from ..kernel import Kernel
    from ..task.cred import Credentials
    from ..task.process import Process

O_ASYNC: Final = 0o20000
#: The kinds of file that tell of their readiness; others keep the flag, which then does nothing.
KINDS: Final = frozenset(("pipe", "socket", "tty", "ptmx", "inotify", "perf_event"))

_CHANGES: Final = POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP
#: readiness -> si_code and si_band (``band_table`` of fs/fcntl.c); the first that fits counts
_CODES: Final = (
    (POLLHUP, sig.POLL_HUP, POLLHUP | POLLERR),
    (POLLERR, sig.POLL_ERR, POLLERR),
    (POLLPRI, sig.POLL_PRI, POLLPRI),
    (POLLIN, sig.POLL_IN, POLLIN | POLLRDNORM),
    (POLLOUT, sig.POLL_OUT, POLLOUT | POLLWRNORM),
)


class Announcer(Waker):
    """Sends a signal whenever a file changes, as long as it has O_ASYNC."""

    __slots__ = ("_fd", "_file", "_kernel", "on")

    def __init__(self, kernel: Kernel, file: File, fd: int) -> None:
        self._kernel = kernel
        self._file = ref(file)  # the file's own sets of wakers hold this
        self._fd = fd
        self.on = True
        file.register(self, _CHANGES)

    @property
    def alive(self) -> bool:
        """Whether the file is open and still has the flag."""
        file = self._file()
        return self.on and file is not None and file.refs > 0

    def wake(self) -> None:
        """Tell the owner, and wait for the next change."""
        file = self._file()
        if file is None or not self.alive:
            return
        file.register(self, _CHANGES)
        ready = file.announced()
        if file.owner and ready:
            self._announce(file, ready)

    def _announce(self, file: File, ready: int) -> None:
        code, band = next((code, band) for bit, code, band in _CODES if ready & bit)
        tell_owner(self._kernel, file, self._fd, code, band)


def tell_owner(kernel: Kernel, file: File, fd: int, code: int, band: int) -> None:
    """Send the signal of a file to its owner (``send_sigio``); ``fd`` is what he calls it."""
    cred = file.signal_cred
    for process in _owners(kernel, file.owner):
        if cred is None or _permits(cred, process):
            _send(kernel, file, process, SignalInfo(file.signal, code, band=band, fd=fd))


def tell_of_message(kernel: Kernel, file: File, fd: int) -> None:
    """Tell the owner of a file that there is news of it (POLL_MSG): of a lease or a directory."""
    tell_owner(kernel, file, fd, sig.POLL_MSG, POLLIN | POLLRDNORM | POLLMSG)


def _send(kernel: Kernel, file: File, process: Process, info: SignalInfo) -> None:
    if not file.signal:
        info = SignalInfo.kernel(sig.SIGPOLL)
    thread = kernel.threads.get(file.owner) if file.owner_is_thread else None
    try:
        if thread is not None:
            send_signal(thread, info)
        else:
            send_process_signal(process, info)
    except EAGAIN:  # the queue is full: the plain signal says that something was lost
        send_process_signal(process, SignalInfo.kernel(sig.SIGPOLL))


def _owners(kernel: Kernel, owner: int) -> list[Process]:
    if owner > 0:
        thread = kernel.threads.get(owner)
        return [] if thread is None else [thread.process]
    group = kernel.groups.get(-owner)
    return [] if group is None else list(group.processes())


def _permits(cred: Credentials, process: Process) -> bool:
    """Say whether who set the owner may send it signals (``sigio_perm``)."""
    theirs = process.leader.cred
    if cred.landlock is not None and cred.landlock.cuts_off(theirs.landlock, LANDLOCK_SCOPE_SIGNAL):
        return False
    users = (theirs.uid, theirs.suid)
    return cred.euid == 0 or cred.euid in users or cred.uid in users


def follow_flag(kernel: Kernel, file: File, fd: int) -> None:
    """Begin or end to announce, as the file's O_ASYNC says; call it when the flag changed."""
    known = kernel.announcers.pop(file, None)
    if known is not None:
        known.on = False
    if file.flags & O_ASYNC and file.kind in KINDS:
        kernel.announcers[file] = Announcer(kernel, file, fd)
