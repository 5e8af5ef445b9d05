"""Lab 3: system calls of your own."""

from __future__ import annotations

from typing import Any

from starrylab.labs.calls import EINVAL, ERANGE, Int, Ptr, Size, syscall

#: The name of each call and its number: what a program puts into register a7.
NUMBERS = {"clamp": 500, "reverse": 501, "whoami": 502}


@syscall()
def clamp(t: Any, value: Int, low: Int, high: Int) -> int:
    """Return ``value``, but not less than ``low`` nor more than ``high``; EINVAL if low > high."""
    raise NotImplementedError("clamp")


@syscall()
def reverse(t: Any, buf: Ptr, size: Size) -> int:
    """Reverse the ``size`` bytes at ``buf`` in the program's memory; return ``size``."""
    raise NotImplementedError("reverse")


@syscall()
def whoami(t: Any, buf: Ptr, size: Size) -> int:
    """Write "PID NAME" and a NUL to ``buf``; return the bytes written; ERANGE if too small."""
    raise NotImplementedError("whoami")
