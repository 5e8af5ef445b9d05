"""Resource limits and usage (<linux/resource.h>)."""

from __future__ import annotations

from typing import Final

PRIO_MAX: Final = 20
PRIO_MIN: Final = -20
PRIO_PGRP: Final = 1
PRIO_PROCESS: Final = 0
PRIO_USER: Final = 2
RLIM64_INFINITY: Final = -1
RLIMIT_AS: Final = 9
RLIMIT_CORE: Final = 4
RLIMIT_CPU: Final = 0
RLIMIT_DATA: Final = 2
RLIMIT_FSIZE: Final = 1
RLIMIT_LOCKS: Final = 10
RLIMIT_MEMLOCK: Final = 8
RLIMIT_MSGQUEUE: Final = 12
RLIMIT_NICE: Final = 13
RLIMIT_NOFILE: Final = 7
RLIMIT_NPROC: Final = 6
RLIMIT_RSS: Final = 5
RLIMIT_RTPRIO: Final = 14
RLIMIT_RTTIME: Final = 15
RLIMIT_SIGPENDING: Final = 11
RLIMIT_STACK: Final = 3
RLIM_INFINITY: Final = -1
RLIM_NLIMITS: Final = 16
RUSAGE_BOTH: Final = -2
RUSAGE_CHILDREN: Final = -1
RUSAGE_SELF: Final = 0
RUSAGE_THREAD: Final = 1
