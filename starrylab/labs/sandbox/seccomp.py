"""Seccomp: a process gives up calls: no new process, no program, no socket, no foreign memory.

The filter is classic BPF over ``struct seccomp_data`` (seccomp(2)); refused calls answer EPERM.
Threads stay possible, as an emulator and Python itself may want some.
"""

from __future__ import annotations

import ctypes
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

#: what is refused besides clone(2) for a process
_REFUSED: Final = (
    "fork", "vfork", "execve", "execveat", "socket", "socketpair", "ptrace", "kill",
    "process_vm_readv", "process_vm_writev", "pidfd_getfd", "mount", "umount2", "unshare",
    "setns", "chroot", "reboot", "bpf", "setsid", "io_uring_setup",
)  # fmt: skip
_GENERIC: Final = {
    "execve": 221, "execveat": 281, "socket": 198, "socketpair": 199, "ptrace": 117, "kill": 129,
    "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_getfd": 438, "mount": 40,
    "umount2": 39, "unshare": 97, "setns": 268, "chroot": 51, "reboot": 142, "bpf": 280,
    "setsid": 157, "io_uring_setup": 425, "clone": 220, "clone3": 435,
}  # fmt: skip
_X86_64: Final = {
    "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "socket": 41, "socketpair": 53,
    "ptrace": 101, "kill": 62, "process_vm_readv": 310, "process_vm_writev": 311,
    "pidfd_getfd": 438, "mount": 165, "umount2": 166, "unshare": 272, "setns": 308,
    "chroot": 161, "reboot": 169, "bpf": 321, "setsid": 112, "io_uring_setup": 425,
    "clone": 56, "clone3": 435,
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
    lines += [
        (_JUMP_EQUAL, 0, 3, numbers["clone"]),
        (_LOAD, 0, 0, _ARGUMENT_AT),
        (_JUMP_SET, 1, 0, _CLONE_THREAD),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)
