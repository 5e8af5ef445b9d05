"""What a student declares system calls with: the kernel's own decorator, types and errors."""

from __future__ import annotations

from ..abi.errno import (
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
from ..kernel.syscalls import syscall
from ..kernel.syscalls._types import Fd, Int, Long, Path, Ptr, Size, UInt, ULong

__all__ = [
    "EAGAIN", "EBADF", "ECHILD", "EEXIST", "EFAULT", "EINTR", "EINVAL", "EISDIR", "ENOENT",
    "ENOEXEC", "ENOMEM", "ENOTDIR", "ENOTEMPTY", "EPERM", "EPIPE", "ERANGE", "ESRCH", "EXDEV", "Fd",
    "Int", "Long", "Path", "Ptr", "Size", "UInt", "ULong", "syscall",
]  # fmt: skip
