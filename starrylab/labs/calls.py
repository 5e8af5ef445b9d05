"""What a student declares system calls with: the kernel's own decorator, types and errors."""

from __future__ import annotations

from ..abi.errno import (
    EACCES,
    EAGAIN,
    EBADF,
    ECHILD,
    EEXIST,
    EFAULT,
    EINTR,
    EINVAL,
    EISDIR,
    ENOENT,
    ENOEXEC,
    ENOMEM,
    ENOTDIR,
    ENOTEMPTY,
    EPERM,
    EPIPE,
    ERANGE,
    ESRCH,
    EXDEV,
)  # fmt: skip
from ..kernel.core.sched import park
from ..kernel.syscalls import syscall
from ..kernel.syscalls._declare import Restart
from ..kernel.syscalls._types import Fd, Int, Long, Path, Ptr, Size, UInt, ULong
from ..kernel.task.exit import reap
from ..kernel.task.process import ProcessGroup

__all__ = [
    "EACCES", "EAGAIN", "EBADF", "ECHILD", "EEXIST", "EFAULT", "EINTR", "EINVAL", "EISDIR",
    "ENOENT", "ENOEXEC", "ENOMEM", "ENOTDIR", "ENOTEMPTY", "EPERM", "EPIPE", "ERANGE", "ESRCH",
    "EXDEV", "Fd", "Int", "Long", "Path", "ProcessGroup", "Ptr", "Restart", "Size", "UInt",
    "ULong", "park", "reap", "syscall",
]  # fmt: skip
