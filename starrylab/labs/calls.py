"""What a student declares system calls with: the kernel's own decorator, types and errors."""

from __future__ import annotations

from ..abi.errno import EAGAIN, EBADF, EFAULT, EINVAL, ENOENT, EPERM, ERANGE, ESRCH
from ..kernel.syscalls import syscall
from ..kernel.syscalls._types import Fd, Int, Long, Path, Ptr, Size, UInt, ULong

__all__ = [
    "EAGAIN", "EBADF", "EFAULT", "EINVAL", "ENOENT", "EPERM", "ERANGE", "ESRCH", "Fd", "Int",
    "Long", "Path", "Ptr", "Size", "UInt", "ULong", "syscall",
]  # fmt: skip
