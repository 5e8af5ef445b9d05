"""What a terminal needs to know of threads and signals (POSIX 11.1, credentials(7)).

A terminal is told about the rest of the kernel through `Surroundings`, so it can be used
in a test that has no kernel.  `KernelSurroundings` is what it gets in a running system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from ...abi.signal import SI_KERNEL
from ..signal.info import SignalInfo
from ..thread_signals import send_group_signal, send_process_signal

if TYPE_CHECKING:
    from ..core.sched import Timer
    from ..kernel import Kernel
    from ..task.process import Process, ProcessGroup
    from ..thread import Thread


class Surroundings(Protocol):
    """Time, the calling thread, and the way to send signals."""

    def now(self) -> int:
        """Nanoseconds on the monotonic clock."""
        ...

    def call_at(self, when: int, action: Callable[[], object]) -> Any:
        """Call ``action`` at ``when`` nanoseconds on the monotonic clock."""
        ...

    def current(self) -> Thread | None:
        """Return the thread whose system call is being served, if it is one."""
        ...

    def signal_group(self, group: ProcessGroup, signo: int) -> None:
        """Send a signal of the kernel's own to every member."""
        ...

    def signal_process(self, process: Process, signo: int) -> None:
        """Send a signal of the kernel's own to a process."""
        ...

    def refuses(self, thread: Thread, signo: int) -> bool:
        """Tell whether ``thread`` blocks or ignores the signal."""
        ...

    def process(self, pid: int) -> Process | None:
        """Return the process with this number."""
        ...


class KernelSurroundings:
    """The surroundings of a terminal in a running kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._executor = kernel.executor

    def now(self) -> int:
        """See ``Surroundings.now``."""
        return self._executor.now

    def call_at(self, when: int, action: Callable[[], object]) -> Timer:
        """See ``Surroundings.call_at``."""
        return self._executor.call_at(when, action)

    def current(self) -> Thread | None:
        """See ``Surroundings.current``."""
        task = self._executor.current
        return cast("Thread", task) if hasattr(task, "process") else None

    def signal_group(self, group: ProcessGroup, signo: int) -> None:
        """See ``Surroundings.signal_group``."""
        send_group_signal(group, SignalInfo(signo, SI_KERNEL))

    def signal_process(self, process: Process, signo: int) -> None:
        """See ``Surroundings.signal_process``."""
        send_process_signal(process, SignalInfo(signo, SI_KERNEL))

    def refuses(self, thread: Thread, signo: int) -> bool:
        """See ``Surroundings.refuses``."""
        refused = thread.signals.mask | thread.process.signals.actions.ignored
        return bool(refused >> signo - 1 & 1)

    def process(self, pid: int) -> Process | None:
        """See ``Surroundings.process``."""
        return self._kernel.processes.get(pid)
