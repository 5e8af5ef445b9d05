"""Who else has a device file open, as /proc tells it (proc_pid_fd(5))."""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple


class Holder(NamedTuple):
    """A process with the file open."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


def holders(path: str) -> list[Holder]:
    """Return the other processes that have `path` open, as far as we may see them."""
    try:
        wanted = os.stat(path).st_rdev
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    return [Holder(pid, _name(pid)) for pid in pids if pid != os.getpid() and _holds(pid, wanted)]


def _holds(pid: int, device: int) -> bool:
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{pid}/fd/{fd}").st_rdev == device:
                    return True
    return False


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "a program"
