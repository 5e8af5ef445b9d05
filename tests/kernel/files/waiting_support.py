"""Fakes for tests of files without a kernel: a waker that counts, a space that is a bytearray."""

from __future__ import annotations

from starrylab.abi.errno import EFAULT
from starrylab.kernel.core.sched import Waker


class CountingWaker(Waker):
    """Counts its wake-ups instead of waking a task."""

    def __init__(self) -> None:
        self.count = 0

    def wake(self) -> None:
        self.count += 1


class FlatMemory:
    """User memory from address 0 to its size; everything beyond is EFAULT."""

    def __init__(self, size: int = 1 << 20) -> None:
        self.data = bytearray(size)

    def read(self, addr: int, size: int) -> bytes:
        if addr + size > len(self.data):
            raise EFAULT
        return bytes(self.data[addr : addr + size])

    def write(self, addr: int, data: bytes) -> None:
        if addr + len(data) > len(self.data):
            raise EFAULT
        self.data[addr : addr + len(data)] = data


def held(file):
    """Count one holder, as a descriptor would."""
    file.acquire()
    return file
