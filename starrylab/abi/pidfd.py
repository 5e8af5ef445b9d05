"""What a pidfd can be asked (<linux/pidfd.h>)."""

from __future__ import annotations

from struct import Struct
from typing import Final

PIDFD_GET_CGROUP_NAMESPACE: Final = 0xFF01
PIDFD_GET_IPC_NAMESPACE: Final = 0xFF02
PIDFD_GET_MNT_NAMESPACE: Final = 0xFF03
PIDFD_GET_NET_NAMESPACE: Final = 0xFF04
PIDFD_GET_PID_NAMESPACE: Final = 0xFF05
PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE: Final = 0xFF06
PIDFD_GET_TIME_NAMESPACE: Final = 0xFF07
PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE: Final = 0xFF08
PIDFD_GET_USER_NAMESPACE: Final = 0xFF09
PIDFD_GET_UTS_NAMESPACE: Final = 0xFF0A
PIDFD_GET_INFO: Final = 0xC000FF0B  #: without the size of the structure, which is in bits 16..29
IOC_SIZE_MASK: Final = 0x3FFF << 16

PIDFD_INFO_PID: Final = 1 << 0
PIDFD_INFO_CREDS: Final = 1 << 1
PIDFD_INFO_EXIT: Final = 1 << 3
#: struct pidfd_info as first published: mask, cgroup, pid, tgid, ppid; real, effective, saved and
#: file-system ids, each of user and group; exit status
PIDFD_INFO: Final = Struct("<QQ III IIIIIIII i")
