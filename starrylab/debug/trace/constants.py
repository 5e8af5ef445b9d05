"""Names of numbers and flags, made from the constants of `abi`: nothing is written twice."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Final

from ...abi import (
    fanotify,
    fcntl,
    futex,
    handles,
    inotify,
    ioctl,
    ipc,
    keyctl,
    landlock,
    mempolicy,
    mman,
    perf,
    poll,
    prctl,
    resource,
    sched,
    signal,
    socket,
    stat,
    time,
    userfaultfd,
    wait,
)


def named(module: ModuleType, *prefixes: str, without: tuple[str, ...] = ()) -> dict[int, str]:
    """Return value -> name of a module's integers; the first of several names wins."""
    found: dict[int, str] = {}
    for name, value in vars(module).items():
        if name.startswith(prefixes) and isinstance(value, int) and not name.startswith(without):
            found.setdefault(value, name)
    return found


def some(module: ModuleType, *names: str) -> dict[int, str]:
    """Return value -> name of some of a module's integers."""
    return {getattr(module, name): name for name in names}


@dataclass(frozen=True)
class Flags:
    """Bits with names; what has several bits goes before its parts."""

    names: dict[int, str]
    zero: str = "0"  #: what no bit at all is called

    def text(self, value: int) -> str:
        """Return "A|B|0x8"; what has no name comes last, in hexadecimal."""
        left = value
        found: list[tuple[int, str]] = []
        for bits in sorted(self.names, key=int.bit_count, reverse=True):
            if bits > 0 and left & bits == bits:
                left &= ~bits
                found.append((bits & -bits, self.names[bits]))
        words = [name for _, name in sorted(found)]
        if left or not words:
            words.append(hex(left) if left else self.zero)
        return "|".join(words)


def _without_masks(names: dict[int, str], *masks: str) -> dict[int, str]:
    return {value: name for value, name in names.items() if name not in masks}


_OPEN: Final = named(
    fcntl, "O_", without=("O_ACCMODE", "O_NDELAY", "O_RDONLY", "O_WRONLY", "O_RDWR")
)
_AT: Final = some(fcntl, "AT_SYMLINK_NOFOLLOW", "AT_EMPTY_PATH", "AT_NO_AUTOMOUNT",
                  "AT_RECURSIVE")  # fmt: skip
_EPOLL: Final = named(poll, "EPOLL", without=("EPOLL_",))

#: what follows ``flags:`` in a kind
_POLICY_FLAGS: Final = some(
    mempolicy, "MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES", "MPOL_F_NUMA_BALANCING"
)

FLAGS: Final[dict[str, Flags]] = {
    "open": Flags(_OPEN),
    "fd": Flags(some(fcntl, "O_CLOEXEC")),
    "epoll_create": Flags(some(poll, "EPOLL_CLOEXEC")),
    "pipe": Flags(some(fcntl, "O_CLOEXEC", "O_NONBLOCK", "O_DIRECT")),
    "eventfd": Flags(named(poll, "EFD_")),
    "timerfd": Flags(some(time, "TFD_CLOEXEC", "TFD_NONBLOCK")),
    "signalfd": Flags(named(signal, "SFD_")),
    "futex2": Flags(named(futex, "FUTEX2_", without=("FUTEX2_SIZE",)) | {2: "FUTEX2_SIZE_U32"}),
    "mbind": Flags(named(mempolicy, "MPOL_MF_")),
    "get_mempolicy": Flags(some(mempolicy, "MPOL_F_NODE", "MPOL_F_ADDR", "MPOL_F_MEMS_ALLOWED")),
    "userfaultfd": Flags(
        {**some(fcntl, "O_CLOEXEC", "O_NONBLOCK"), 1: "UFFD_USER_MODE_ONLY"}
    ),
    "timer": Flags({**some(time, "TIMER_ABSTIME"), 2: "TFD_TIMER_CANCEL_ON_SET"}),
    "flock": Flags(some(fcntl, "LOCK_SH", "LOCK_EX", "LOCK_UN", "LOCK_NB")),
    "rwf": Flags(named(fcntl, "RWF_", without=("RWF_SUPPORTED", "RWF_WRITE"))),
    "prot": Flags(named(mman, "PROT_", without=("PROT_NONE",)), "PROT_NONE"),
    "map": Flags(named(mman, "MAP_", without=("MAP_FILE", "MAP_HUGE_", "MAP_TYPE", "MAP_SHARED",
                                              "MAP_PRIVATE"))),
    "mremap": Flags(named(mman, "MREMAP_")),
    "msync": Flags(named(mman, "MS_")),
    "mlock2": Flags(named(mman, "MLOCK_", without=("MLOCK_LIMIT",))),
    "mlockall": Flags(named(mman, "MCL_")),
    "mount": Flags({value: name for value, name in _without_masks(
        named(fcntl, "MS_", without=("MS_ASYNC", "MS_INVALIDATE", "MS_SYNC", "MS_MGC_",
                                     "MS_RMT_", "MS_VERBOSE")),
    ).items() if value > 0} | some(fcntl, "MS_SYNCHRONOUS")),
    "umount": Flags({1: "MNT_FORCE", 2: "MNT_DETACH", 4: "MNT_EXPIRE", 8: "UMOUNT_NOFOLLOW"}),
    "at": Flags(_AT),
    "unlinkat": Flags(some(fcntl, "AT_REMOVEDIR")),
    "linkat": Flags(some(fcntl, "AT_SYMLINK_FOLLOW", "AT_EMPTY_PATH")),
    "handle_at": Flags({
        **some(fcntl, "AT_SYMLINK_FOLLOW", "AT_EMPTY_PATH"), **named(handles, "AT_HANDLE_")}),
    "access_at": Flags({**_AT, **some(fcntl, "AT_EACCESS")}),
    "statx_at": Flags({**_AT, **some(fcntl, "AT_STATX_FORCE_SYNC", "AT_STATX_DONT_SYNC")}),
    "statx_mask": Flags(named(stat, "STATX_", without=("STATX_ATTR", "STATX__"))),
    "stat_attributes": Flags(named(stat, "STATX_ATTR_")),
    "fallocate": Flags(named(fcntl, "FALLOC_FL_")),
    "wait": Flags({
        **some(wait, "WNOHANG", "WUNTRACED", "WEXITED", "WCONTINUED", "WNOWAIT"),
        wait.WNOTHREAD: "__WNOTHREAD", wait.WALL: "__WALL", wait.WCLONE & 0xFFFFFFFF: "__WCLONE",
    }),
    "xattr": Flags(some(fcntl, "XATTR_CREATE", "XATTR_REPLACE")),
    "landlock_create": Flags(named(landlock, "LANDLOCK_CREATE_RULESET_")),
    "landlock_restrict": Flags(named(landlock, "LANDLOCK_RESTRICT_SELF_")),
    "landlock_files": Flags(named(landlock, "LANDLOCK_ACCESS_FS_")),
    "landlock_net": Flags(named(landlock, "LANDLOCK_ACCESS_NET_")),
    "landlock_scope": Flags(named(landlock, "LANDLOCK_SCOPE_")),
    "shmget": Flags({**some(ipc, "IPC_CREAT", "IPC_EXCL", "SHM_HUGETLB", "SHM_NORESERVE")}),
    "shmat": Flags(some(ipc, "SHM_RDONLY", "SHM_RND", "SHM_REMAP", "SHM_EXEC")),
    "msgop": Flags(some(ipc, "IPC_NOWAIT", "MSG_NOERROR", "MSG_EXCEPT", "MSG_COPY")),
    "perf": Flags(named(perf, "PERF_FLAG_")),
    "pidfd": Flags({fcntl.O_NONBLOCK: "PIDFD_NONBLOCK", fcntl.O_EXCL: "PIDFD_THREAD"}),
    "message": Flags(named(socket, "MSG_")),
    "fanotify": Flags(named(fanotify, "FAN_", without=(
        "FAN_CLOEXEC", "FAN_NONBLOCK", "FAN_CLASS", "FAN_UNLIMITED", "FAN_ENABLE", "FAN_REPORT",
        "FAN_MARK", "FAN_NO", "FAN_EPIDFD", "FAN_EVENT_INFO", "FAN_ALLOW", "FAN_DENY", "FAN_AUDIT",
        "FAN_INFO", "FAN_ERRNO", "FAN_RESPONSE"))),
    "fanotify_init": Flags(named(
        fanotify, "FAN_CLOEXEC", "FAN_NONBLOCK", "FAN_CLASS", "FAN_UNLIMITED", "FAN_ENABLE",
        "FAN_REPORT"), "FAN_CLASS_NOTIF"),
    "fanotify_mark": Flags(named(fanotify, "FAN_MARK_")),
    "inotify": Flags(named(inotify, "IN_", without=(
        "IN_ALL", "IN_KNOWN", "IN_NONBLOCK", "IN_CLOEXEC"))),
    "inotify_init": Flags(some(inotify, "IN_NONBLOCK", "IN_CLOEXEC")),
    "memfd": Flags(some(fcntl, "MFD_CLOEXEC", "MFD_ALLOW_SEALING", "MFD_HUGETLB")),
    "rename": Flags(named(fcntl, "RENAME_")),
    "random": Flags(named(fcntl, "GRND_")),
    "splice": Flags(named(fcntl, "SPLICE_F_")),
    "poll": Flags(named(poll, "POLL", without=("POLLREMOVE", "POLLFREE"))),
    "epoll": Flags(_EPOLL),
    "setns": Flags(named(sched, "CLONE_NEW")),
    "clone": Flags(named(sched, "CLONE_", without=("CLONE_ARGS", "CLONE_DETACHED")) |
                   some(sched, "CLONE_DETACHED")),
    "sa": Flags(named(signal, "SA_", without=("SA_NOMASK", "SA_ONESHOT", "SA_UNSUPPORTED")) |
                {0x4000000: "SA_RESTORER"}),
    "sigstack": Flags(some(signal, "SS_ONSTACK", "SS_DISABLE", "SS_AUTODISARM")),
    "resolve": Flags(named(fcntl, "RESOLVE_")),
    "seals": Flags(named(fcntl, "F_SEAL_")),
    "socket": Flags(some(socket, "SOCK_NONBLOCK", "SOCK_CLOEXEC")),
}  # fmt: skip

#: what follows ``choice:`` in a kind
CHOICES: Final[dict[str, dict[int, str]]] = {
    "accmode": some(fcntl, "O_RDONLY", "O_WRONLY", "O_RDWR"),
    "epoll_op": named(poll, "EPOLL_CTL_"),
    "clock": named(time, "CLOCK_"),
    "fcntl": named(fcntl, "F_", without=("F_LINUX", "F_RDLCK", "F_WRLCK", "F_UNLCK", "F_SHLCK",
                                         "F_EXLCK", "F_OWNER", "F_SEAL", "F_GETOWNER")),
    "lock": some(fcntl, "F_RDLCK", "F_WRLCK", "F_UNLCK"),
    "futex": named(futex, "FUTEX_", without=(
        "FUTEX_32", "FUTEX_BITSET", "FUTEX_CLOCK", "FUTEX_CMD", "FUTEX_OP", "FUTEX_OWNER",
        "FUTEX_PRIVATE", "FUTEX_TID", "FUTEX_WAITERS", "FUTEX_WAITV")),
    "futex_op": some(futex, "FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN",
                     "FUTEX_OP_XOR"),
    "map": some(mman, "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"),
    "key_spec": named(keyctl, "KEY_SPEC_"),
    "keyctl": named(keyctl, "KEYCTL_", without=("KEYCTL_CAPS", "KEYCTL_MOVE_")),
    "madvise": named(mman, "MADV_"),
    "mempolicy": {
        mode | flag: name + (f"|{label}" if flag else "")
        for mode, name in named(mempolicy, "MPOL_", without=("MPOL_F_", "MPOL_MF_")).items()
        for flag, label in ({0: ""} | _POLICY_FLAGS).items()
    },
    "prctl": named(prctl, "PR_SET_", "PR_GET_", "PR_CAP", without=(
        "PR_SET_MM_", "PR_CAP_AMBIENT_", "PR_SET_PTRACER_", "PR_SET_VMA_")) |
        some(prctl, "PR_SCHED_CORE", "PR_SVE_SET_VL", "PR_SVE_GET_VL", "PR_MCE_KILL"),
    "signal_how": some(signal, "SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK"),
    "family": named(socket, "AF_", without=("AF_MAX",)),
    "socket_type": some(socket, "SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_SEQPACKET"),
    "shutdown": named(socket, "SHUT_"),
    "socket_level": some(socket, "SOL_SOCKET"),
    "socket_option": named(socket, "SO_"),
    "cmsg": some(socket, "SCM_RIGHTS", "SCM_CREDENTIALS"),
    "fadvise": {0: "POSIX_FADV_NORMAL", 1: "POSIX_FADV_RANDOM", 2: "POSIX_FADV_SEQUENTIAL",
                3: "POSIX_FADV_WILLNEED", 4: "POSIX_FADV_DONTNEED", 5: "POSIX_FADV_NOREUSE"},
    "itimer": named(time, "ITIMER_", without=("ITIMERSPEC",)),
    "rusage": some(resource, "RUSAGE_SELF", "RUSAGE_CHILDREN", "RUSAGE_THREAD"),
    "resource": named(resource, "RLIMIT_"),
    "id_type": named(wait, "P_"),
    "policy": named(sched, "SCHED_", without=("SCHED_FLAG", "SCHED_RESET", "SCHED_NORMAL")) |
        {sched.SCHED_NORMAL: "SCHED_OTHER"},
    "priority": some(resource, "PRIO_PROCESS", "PRIO_PGRP", "PRIO_USER"),
    "shmctl": some(ipc, "IPC_RMID", "IPC_SET", "IPC_STAT", "IPC_INFO", "SHM_LOCK", "SHM_UNLOCK",
                   "SHM_STAT", "SHM_INFO", "SHM_STAT_ANY"),
    "msgctl": some(ipc, "IPC_RMID", "IPC_SET", "IPC_STAT", "IPC_INFO", "MSG_STAT", "MSG_INFO",
                   "MSG_STAT_ANY"),
    "semctl": some(ipc, "IPC_RMID", "IPC_SET", "IPC_STAT", "IPC_INFO", "GETPID", "GETVAL", "GETALL",
                   "GETNCNT", "GETZCNT", "SETVAL", "SETALL", "SEM_STAT", "SEM_INFO",
                   "SEM_STAT_ANY"),
    "whence": named(fcntl, "SEEK_", without=("SEEK_MAX",)),
    "ioctl": named(ioctl, "TC", "TIOC", "FIO", "FS_IOC", "BLK", "FI", without=(
        "TCSADRAIN", "TCSAFLUSH", "TCSANOW", "TIOCM_", "TIOCPKT_", "TIOCSER_", "FS_IOC32",
        "TIOCINQ")) | {
            request: name for request, name in named(userfaultfd, "UFFDIO_").items()
            if "_MODE" not in name
        } | {
            request: f"PERF_EVENT_{name}"
            for request, name in named(perf, "IOC_", without=("IOC_FLAG",)).items()
        },
    "landlock_rule": named(landlock, "LANDLOCK_RULE_"),
    "sigev": some(signal, "SIGEV_SIGNAL", "SIGEV_NONE", "SIGEV_THREAD", "SIGEV_THREAD_ID"),
    "file_system": named(stat, *(
        name for name in vars(stat) if name.endswith("_MAGIC"))),
    "file_type": named(stat, "S_IF", without=("S_IFMT",)),
    "entry_type": {0: "DT_UNKNOWN", 1: "DT_FIFO", 2: "DT_CHR", 4: "DT_DIR", 6: "DT_BLK",
                   8: "DT_REG", 10: "DT_LNK", 12: "DT_SOCK", 14: "DT_WHT"},
}  # fmt: skip

#: si_code: those of every signal, then by signal number
ANY_CODES: Final = named(signal, "SI_", without=("SI_MAX",))
SIGNAL_CODES: Final[dict[int, dict[int, str]]] = {
    signal.SIGCHLD: named(signal, "CLD_"),
    signal.SIGSEGV: named(signal, "SEGV_"),
    signal.SIGBUS: named(signal, "BUS_"),
    signal.SIGFPE: named(signal, "FPE_"),
    signal.SIGILL: named(signal, "ILL_"),
    signal.SIGTRAP: named(signal, "TRAP_", without=("TRAP_PERF_FLAG",)),
    signal.SIGPOLL: named(signal, "POLL_", without=("POLL_BUSY",)),
}


def _common(first: str, last: str) -> str:
    """Return what the first and the last of sorted names, and so all, begin with."""
    length = next(
        (n for n, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1), 0
    )
    return first[:length]


def choice(table: str, value: int) -> str:
    """Return the name of a number, or "0x4d /* CLOCK_??? */"."""
    found = CHOICES[table].get(value)
    if found is not None:
        return found
    names = CHOICES[table].values()
    prefix = _common(min(names), max(names))
    number = hex(value & 0xFFFFFFFF) if value else "0"
    return f"{number} /* {prefix}??? */" if prefix.endswith("_") else number
