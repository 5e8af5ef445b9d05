"""Lab 3: system calls of your own."""

from __future__ import annotations

from typing import Any

from starrylab.labs.calls import EINVAL, ERANGE, Int, Ptr, Size, syscall

NUMBERS = {"clamp": 500, "reverse": 501, "whoami": 502}


@syscall()
def clamp(t: Any, value: Int, low: Int, high: Int) -> int:
    """Return ``value``, but not less than ``low`` nor more than ``high``; EINVAL if low > high."""
    if low > high:
        raise EINVAL
    return max(low, min(value, high))


@syscall()
def reverse(t: Any, buf: Ptr, size: Size) -> int:
    """Reverse the ``size`` bytes at ``buf`` in the program's memory; return ``size``."""
    if size > 1 << 20:
        raise EINVAL
    data = t.mm.read(buf, size)
    t.mm.write(buf, data[::-1])
    return size


@syscall()
def whoami(t: Any, buf: Ptr, size: Size) -> int:
    """Write "PID NAME" and a NUL to ``buf``; return the bytes written; ERANGE if too small."""
    text = b"%d %s\0" % (t.process.pid, t.comm)
    if len(text) > size:
        raise ERANGE
    t.mm.write(buf, text)
    return len(text)
