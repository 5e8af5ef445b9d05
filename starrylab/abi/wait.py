"""wait4 and waitid options (<linux/wait.h>)."""

from __future__ import annotations

from typing import Final

P_ALL: Final = 0
P_PGID: Final = 2
P_PID: Final = 1
P_PIDFD: Final = 3
WCONTINUED: Final = 8
WEXITED: Final = 4
WNOHANG: Final = 1
WNOWAIT: Final = 0x1000000
WSTOPPED: Final = 2
WUNTRACED: Final = 2
WNOTHREAD: Final = 0x20000000  #: __WNOTHREAD
WALL: Final = 0x40000000  #: __WALL
WCLONE: Final = 0x80000000 - 0x100000000  #: __WCLONE, as an int
