"""Resource limits (getrlimit(2))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...abi.capability import CAP_SYS_RESOURCE
from ...abi.errno import EINVAL, EPERM
from ...abi.resource import (
    RLIM_NLIMITS,
    RLIMIT_CORE,
    RLIMIT_MEMLOCK,
    RLIMIT_MSGQUEUE,
    RLIMIT_NICE,
    RLIMIT_NOFILE,
    RLIMIT_NPROC,
    RLIMIT_RTPRIO,
    RLIMIT_SIGPENDING,
    RLIMIT_STACK,
)
from .cred import Credentials

INFINITY: Final = (1 << 64) - 1
NR_OPEN: Final = 1 << 20  #: /proc/sys/fs/nr_open
NGROUPS_MAX: Final = 65536  #: supplementary groups of a process

_DEFAULTS: Final[Mapping[int, tuple[int, int]]] = {
    **dict.fromkeys(range(RLIM_NLIMITS), (INFINITY, INFINITY)),
    RLIMIT_STACK: (8 << 20, INFINITY),
    RLIMIT_CORE: (0, INFINITY),
    RLIMIT_NPROC: (4096, 4096),
    RLIMIT_NOFILE: (1024, NR_OPEN),
    RLIMIT_MEMLOCK: (8 << 20, 8 << 20),
    RLIMIT_SIGPENDING: (4096, 4096),
    RLIMIT_MSGQUEUE: (819200, 819200),
    RLIMIT_NICE: (0, 0),
    RLIMIT_RTPRIO: (0, 0),
}


class Limits:
    """Resource number -> (soft, hard); shared by the threads of a process."""

    __slots__ = ("_values", "nofile")

    def __init__(self, values: Mapping[int, tuple[int, int]] = _DEFAULTS) -> None:
        self._values = values  # shared with the parent until one of them changes a limit
        self.nofile = self._values[RLIMIT_NOFILE][0]  #: kept apart: every open(2) reads it

    def __getitem__(self, resource: int) -> tuple[int, int]:
        return self._values[resource]

    def soft(self, resource: int) -> int:
        """Return the limit in force."""
        return self._values[resource][0]

    def copy(self) -> Limits:
        """Return equal limits for a new process."""
        return Limits(self._values)

    def set(self, resource: int, soft: int, hard: int, cred: Credentials) -> None:
        """Change a limit; ``EINVAL`` or ``EPERM`` as setrlimit(2) says."""
        if soft > hard:
            raise EINVAL
        if hard > self._values[resource][1] and not cred.capable(CAP_SYS_RESOURCE):
            raise EPERM
        if resource == RLIMIT_NOFILE and hard > NR_OPEN:
            raise EPERM
        self.replace(resource, soft, hard)

    def replace(self, resource: int, soft: int, hard: int) -> None:
        """Change a limit, whoever asks."""
        self._values = {**self._values, resource: (soft, hard)}
        self.nofile = self._values[RLIMIT_NOFILE][0]
