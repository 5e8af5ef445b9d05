"""What a front end may do to a guest process: as root of the lab would, by the kernel's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..abi import resource
from ..abi.errno import LinuxError
from ..kernel.signal.info import SignalInfo
from ..kernel.task.cred import Credentials
from ..kernel.task.limits import INFINITY
from ..kernel.thread_signals import send_process_signal

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from .protocol import SetLimit

_SIGNALS: Final = range(1, 65)


def send_signal(kernel: Kernel, pid: int, signo: int) -> None:
    """Send a signal to a process; one that has ended takes none."""
    process = kernel.processes.get(pid)
    if process is not None and not process.zombie and signo in _SIGNALS:
        send_process_signal(process, SignalInfo(signo))


def set_limit(kernel: Kernel, wanted: SetLimit) -> str:
    """Change a resource limit as prlimit(2) does; return why it could not be done, or ""."""
    process = kernel.processes.get(wanted.pid)
    if process is None:
        return f"there is no process {wanted.pid}"
    number = getattr(resource, f"RLIMIT_{wanted.name.upper()}", None)
    if not isinstance(number, int):
        return f"there is no limit {wanted.name}"
    soft, hard = (INFINITY if value < 0 else value for value in (wanted.soft, wanted.hard))
    if soft > hard:
        return f"{wanted.name}: the soft limit cannot be above the hard limit"
    try:
        process.limits.set(number, soft, hard, Credentials())
    except LinuxError as error:
        return f"{wanted.name} of process {wanted.pid} cannot be changed: {error}"
    return ""
