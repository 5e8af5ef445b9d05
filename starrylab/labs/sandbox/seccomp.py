"""Seccomp: a process gives up calls: no new process, no program, no socket, no foreign memory.

The filter is classic BPF over ``struct seccomp_data`` (seccomp(2)); refused calls answer EPERM.
Threads stay possible, as an emulator and Python itself may want some.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_FILTER: Final = 2
_CLONE_THREAD: Final = 0x10000
_X32: Final = 0x4000_0000

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_EPERM, _ENOSYS = 1, 38
_NUMBER_AT, _ARCH_AT, _ARGUMENT_AT = 0, 4, 16
_SECOND_ARGUMENT_AT: Final = _ARGUMENT_AT + 8
#: fcntl(2) commands by which the kernel sends a signal of one's choice to anybody of one's user
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15

#: what is refused besides clone(2) for a process
_REFUSED: Final = (
    # new processes, programs, name spaces
    "fork", "vfork", "execve", "execveat", "unshare", "setns", "chroot", "mount", "umount2",
    # other machines and other processes
    "socket", "socketpair", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
    "kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "setsid",
    "setpriority", "ioprio_set", "sched_setaffinity", "sched_setscheduler", "sched_setparam",
    "sched_setattr",
    # memory that RLIMIT_AS does not count, or that outlives the process
    "memfd_create", "memfd_secret", "shmget", "shmat", "semget", "msgget", "mq_open", "add_key",
    "keyctl", "request_key",
    # what Landlock leaves: owners, permissions, times, and truncate(2) before Linux 6.2
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
    "utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr",
    "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "truncate",
    "file_setattr",
    # the rest of the machine
    "syslog", "reboot", "bpf", "io_uring_setup", "userfaultfd", "perf_event_open",
)  # fmt: skip
_GENERIC: Final = {
    "execve": 221, "execveat": 281, "socket": 198, "socketpair": 199, "ptrace": 117, "kill": 129,
    "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_getfd": 438, "mount": 40,
    "umount2": 39, "unshare": 97, "setns": 268, "chroot": 51, "reboot": 142, "bpf": 280,
    "setsid": 157, "io_uring_setup": 425, "clone": 220, "clone3": 435, "tkill": 130, "tgkill": 131,
    "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "pidfd_send_signal": 424, "setpriority": 140,
    "sched_setaffinity": 122, "sched_setscheduler": 119, "sched_setparam": 118,
    "sched_setattr": 274, "memfd_create": 279, "memfd_secret": 447, "shmget": 194, "shmat": 196,
    "semget": 190, "msgget": 186, "mq_open": 180, "add_key": 217, "keyctl": 219,
    "request_key": 218, "userfaultfd": 282, "perf_event_open": 241, "prlimit64": 261, "fcntl": 25,
    "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55, "fchownat": 54, "utimensat": 88,
    "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "setxattrat": 463, "removexattr": 14,
    "lremovexattr": 15, "fremovexattr": 16, "removexattrat": 466, "truncate": 45,
    "file_setattr": 469, "ioprio_set": 30, "syslog": 116,
}  # fmt: skip
_X86_64: Final = {
    "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "socket": 41, "socketpair": 53,
    "ptrace": 101, "kill": 62, "process_vm_readv": 310, "process_vm_writev": 311,
    "pidfd_getfd": 438, "mount": 165, "umount2": 166, "unshare": 272, "setns": 308,
    "chroot": 161, "reboot": 169, "bpf": 321, "setsid": 112, "io_uring_setup": 425,
    "clone": 56, "clone3": 435, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297, "pidfd_send_signal": 424, "setpriority": 141,
    "sched_setaffinity": 203, "sched_setscheduler": 144, "sched_setparam": 142,
    "sched_setattr": 314, "memfd_create": 319, "memfd_secret": 447, "shmget": 29, "shmat": 30,
    "semget": 64, "msgget": 68, "mq_open": 240, "add_key": 248, "keyctl": 250, "request_key": 249,
    "userfaultfd": 323, "perf_event_open": 298, "prlimit64": 302, "fcntl": 72,
    "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452, "chown": 92, "fchown": 93,
    "lchown": 94, "fchownat": 260, "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280,
    "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "setxattrat": 463, "removexattr": 197,
    "lremovexattr": 198, "fremovexattr": 199, "removexattrat": 466, "truncate": 76,
    "file_setattr": 469, "ioprio_set": 251, "syslog": 103,
}  # fmt: skip
#: machine -> AUDIT_ARCH, and its numbers
_MACHINES: Final = {
    "x86_64": (0xC000_003E, _X86_64),
    "aarch64": (0xC000_00B7, _GENERIC),
    "riscv64": (0xC000_00F3, _GENERIC),
    "loongarch64": (0xC000_0102, _GENERIC),
}


def restrict() -> bool:
    """Give up the calls named above; return whether the kernel does it."""
    if platform.machine() not in _MACHINES:
        return False
    program = _program(*_MACHINES[platform.machine()])
    code = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return int(libc.prctl(_PR_SET_SECCOMP, _FILTER, described, 0, 0)) == 0


def _program(arch: int, numbers: dict[str, int]) -> bytes:
    refuse = (_RETURN, 0, 0, _ERRNO | _EPERM)
    lines = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_JUMP_EQUAL, 1, 0, arch),
        refuse,
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_GREATER_EQUAL, 0, 1, _X32),
        refuse,
        # The C library falls back to clone(2), whose flags a filter can see.
        (_JUMP_EQUAL, 0, 1, numbers["clone3"]),
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]
    for name in _REFUSED:
        if name in numbers:
            lines += [(_JUMP_EQUAL, 0, 1, numbers[name]), refuse]
    lines += _only_with(numbers["tgkill"], _ARGUMENT_AT, os.getpid())  # abort(3)
    lines += _only_with(numbers["prlimit64"], _ARGUMENT_AT, 0)
    lines += [(_JUMP_EQUAL, 0, 5, numbers["fcntl"]), (_LOAD, 0, 0, _SECOND_ARGUMENT_AT)]
    lines += [(_JUMP_EQUAL, 2, 0, _F_SETOWN), (_JUMP_EQUAL, 1, 0, _F_SETSIG)]
    lines += [(_JUMP_EQUAL, 0, 1, _F_SETOWN_EX), refuse, (_LOAD, 0, 0, _NUMBER_AT)]
    lines += [
        (_JUMP_EQUAL, 0, 3, numbers["clone"]),
        (_LOAD, 0, 0, _ARGUMENT_AT),
        (_JUMP_SET, 1, 0, _CLONE_THREAD),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _only_with(number: int, place: int, value: int) -> list[tuple[int, int, int, int]]:
    """Return lines that refuse a call unless the argument at ``place`` is ``value``."""
    return [
        (_JUMP_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, place),
        (_JUMP_EQUAL, 1, 0, value),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
