"""/proc/sys: settings and limits of the kernel (proc_sys(5))."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ....abi.capability import CAP_LAST_CAP, CAP_SYS_ADMIN
from ....abi.errno import EPERM
from ...dev.pty import PTY_MAX
from ...files.pipe import MAX_CAPACITY
from ...ipc.messages import MSGMAX, MSGMNB
from ...ipc.mqueue import MAX_MESSAGES, MAX_QUEUES, MAX_SIZE
from ...ipc.objects import MOST
from ...ipc.semaphores import SEMMNS, SEMMSL, SEMOPM
from ...mm.layout import MAX_MAP_COUNT
from ...task.limits import NGROUPS_MAX, NR_OPEN
from ._declare import proc, seen_from
from ._numbers import setting

if TYPE_CHECKING:
    from ...kernel import Kernel
    from ...thread import Thread

_NAME_MAX = 64  #: bytes (__NEW_UTS_LEN)
_RANDOM_POOL_BITS = 256


def _set_name(kernel: Kernel, thread: Thread | None, which: str, data: bytes) -> None:
    uts = kernel.uts if thread is None else thread.namespaces.uts
    if thread is not None:
        thread.cred.require_in(uts.user_ns, CAP_SYS_ADMIN)
    setattr(uts, which, data.strip()[:_NAME_MAX])


def _set_hostname(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    _set_name(kernel, thread, "nodename", data)


def _set_domainname(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    _set_name(kernel, thread, "domainname", data)


def _set_pid_max(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.pids.maximum = setting(thread, data, 301, 1 << 22)


def _set_threads_max(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.threads_max = setting(thread, data, 20, 1 << 22)


def _set_printk(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.klog.console_level = setting(thread, data, 0, 15)


def _set_unprivileged_userfaultfd(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.unprivileged_userfaultfd = bool(setting(thread, data, 0, 1))


def _set_unprivileged_bpf_disabled(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    value = setting(thread, data, 0, 2)
    if kernel.unprivileged_bpf_disabled == 1 and value != 1:
        raise EPERM  # 1 is for good
    kernel.unprivileged_bpf_disabled = value


@proc("sys/kernel/unprivileged_bpf_disabled", mode=0o644, write=_set_unprivileged_bpf_disabled)
def unprivileged_bpf_disabled(kernel: Kernel) -> str:
    """Show whether bpf(2) needs CAP_BPF."""
    return f"{kernel.unprivileged_bpf_disabled}\n"


@proc("sys/kernel/hostname", mode=0o644, write=_set_hostname)
def hostname(kernel: Kernel) -> bytes:
    """Show the host's name."""
    return seen_from(kernel).uts.nodename + b"\n"


@proc("sys/kernel/domainname", mode=0o644, write=_set_domainname)
def domainname(kernel: Kernel) -> bytes:
    """Show the NIS domain."""
    return seen_from(kernel).uts.domainname + b"\n"


@proc("sys/kernel/ostype")
def ostype(kernel: Kernel) -> bytes:
    """Show uname's sysname."""
    return seen_from(kernel).uts.sysname + b"\n"


@proc("sys/kernel/osrelease")
def osrelease(kernel: Kernel) -> bytes:
    """Show uname's release."""
    return seen_from(kernel).uts.release + b"\n"


@proc("sys/kernel/version")
def version(kernel: Kernel) -> bytes:
    """Show uname's version."""
    return seen_from(kernel).uts.version + b"\n"


@proc("sys/kernel/arch")
def arch(kernel: Kernel) -> bytes:
    """Show uname's machine."""
    return seen_from(kernel).uts.machine + b"\n"


@proc("sys/kernel/pid_max", mode=0o644, write=_set_pid_max)
def pid_max(kernel: Kernel) -> str:
    """Show where process numbers wrap."""
    return f"{kernel.pids.maximum}\n"


@proc("sys/kernel/threads-max", mode=0o644, write=_set_threads_max)
def threads_max(kernel: Kernel) -> str:
    """Show how many threads there may be."""
    return f"{kernel.threads_max}\n"


@proc("sys/kernel/printk", mode=0o644, write=_set_printk)
def printk(kernel: Kernel) -> str:
    """Show the log levels: console, default of messages, minimum, default of the console."""
    return f"{kernel.klog.console_level}\t4\t1\t7\n"


@proc("sys/kernel/msgmax")
def msgmax(_: Kernel) -> str:
    """Show the longest System V message."""
    return f"{MSGMAX}\n"


@proc("sys/kernel/msgmnb")
def msgmnb(_: Kernel) -> str:
    """Show how many bytes a message queue takes."""
    return f"{MSGMNB}\n"


@proc("sys/kernel/msgmni")
def msgmni(_: Kernel) -> str:
    """Show how many message queues there may be."""
    return f"{MOST}\n"


@proc("sys/kernel/sem")
def sem(_: Kernel) -> str:
    """Show the limits of semaphores: of a set, of all, operations of a call, sets."""
    return f"{SEMMSL}\t{SEMMNS}\t{SEMOPM}\t{MOST}\n"


@proc("sys/fs/mqueue/queues_max")
def queues_max(_: Kernel) -> str:
    """Show how many POSIX message queues there may be."""
    return f"{MAX_QUEUES}\n"


@proc("sys/fs/mqueue/msg_max")
@proc("sys/fs/mqueue/msg_default")
def msg_max(_: Kernel) -> str:
    """Show how many messages a queue holds without privileges."""
    return f"{MAX_MESSAGES}\n"


@proc("sys/fs/mqueue/msgsize_max")
@proc("sys/fs/mqueue/msgsize_default")
def msgsize_max(_: Kernel) -> str:
    """Show how long a message may be without privileges."""
    return f"{MAX_SIZE}\n"


@proc("sys/kernel/cap_last_cap")
def cap_last_cap(_: Kernel) -> str:
    """Show the highest capability."""
    return f"{CAP_LAST_CAP}\n"


@proc("sys/kernel/ngroups_max")
def ngroups_max(_: Kernel) -> str:
    """Show how many supplementary groups a process may have."""
    return f"{NGROUPS_MAX}\n"


@proc("sys/kernel/random/uuid")
def random_uuid(kernel: Kernel) -> str:
    """Make another UUID at every read."""
    return f"{uuid.UUID(bytes=kernel.random(16), version=4)}\n"


@proc("sys/kernel/random/boot_id")
def boot_id(kernel: Kernel) -> str:
    """Show the UUID of this boot."""
    return f"{kernel.boot_id}\n"


@proc("sys/kernel/random/entropy_avail")
def entropy_avail(_: Kernel) -> str:
    """Show the bits in the pool: it is full from the start."""
    return f"{_RANDOM_POOL_BITS}\n"


@proc("sys/kernel/random/poolsize")
def poolsize(_: Kernel) -> str:
    """Show the size of the pool in bits."""
    return f"{_RANDOM_POOL_BITS}\n"


@proc("sys/kernel/randomize_va_space")
def randomize_va_space(_: Kernel) -> str:
    """Show that addresses are the same at each run."""
    return "0\n"


@proc("sys/kernel/pty/max")
def pty_max(_: Kernel) -> str:
    """Show how many pseudo-terminals there may be."""
    return f"{PTY_MAX}\n"


@proc("sys/kernel/pty/nr")
def pty_nr(kernel: Kernel) -> str:
    """Count the pseudo-terminals."""
    return f"{len(kernel.ptys)}\n"


@proc("sys/vm/unprivileged_userfaultfd", mode=0o644, write=_set_unprivileged_userfaultfd)
def unprivileged_userfaultfd(kernel: Kernel) -> str:
    """Show whether anybody may serve faults of system calls."""
    return f"{int(kernel.unprivileged_userfaultfd)}\n"


def _drop_caches(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    if setting(thread, data, 1, 4) & 1:
        kernel.pool.shrink(kernel.pool.evictable, kept=kernel.pool.evictable)


@proc("sys/vm/drop_caches", mode=0o200, write=_drop_caches)
def drop_caches(_: Kernel) -> str:
    """Nothing to show; 1 or 3 gives up file pages that can be read again and are not mapped."""
    return "0\n"


@proc("sys/vm/overcommit_memory")
def overcommit_memory(_: Kernel) -> str:
    """Show the policy: every mapping is granted, and pages are found when touched."""
    return "1\n"


@proc("sys/vm/max_map_count")
def max_map_count(_: Kernel) -> str:
    """Show how many areas an address space may have."""
    return f"{MAX_MAP_COUNT}\n"


@proc("sys/fs/nr_open")
def nr_open(_: Kernel) -> str:
    """Show the highest RLIMIT_NOFILE."""
    return f"{NR_OPEN}\n"


@proc("sys/fs/pipe-max-size")
def pipe_max_size(_: Kernel) -> str:
    """Show the largest capacity of a pipe in bytes."""
    return f"{MAX_CAPACITY}\n"


@proc("sys/fs/file-nr")
def file_nr(kernel: Kernel) -> str:
    """Count open descriptions; there is no limit for the system."""
    files = {
        id(file)
        for thread in list(kernel.threads.values())
        if thread.fds is not None
        for file in thread.fds.values()
    }
    return f"{len(files)}\t0\t9223372036854775807\n"


@proc("sys/fs/file-max")
def file_max(_: Kernel) -> str:
    """Show the limit of open files: none."""
    return "9223372036854775807\n"
