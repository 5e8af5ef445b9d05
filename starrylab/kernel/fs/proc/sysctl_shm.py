"""/proc/sys/kernel/shm*: limits of System V shared memory (sysvipc(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...mm.sysv import SHMALL, SHMMAX, SHMMNI
from ._declare import proc

if TYPE_CHECKING:
    from ...kernel import Kernel


@proc("sys/kernel/shmmax")
def shmmax(_: Kernel) -> str:
    """Show the largest segment, in bytes."""
    return f"{SHMMAX}\n"


@proc("sys/kernel/shmall")
def shmall(_: Kernel) -> str:
    """Show how many pages all segments may have."""
    return f"{SHMALL}\n"


@proc("sys/kernel/shmmni")
def shmmni(_: Kernel) -> str:
    """Show how many segments there may be."""
    return f"{SHMMNI}\n"
