"""What a student declares nodes of /dev and /proc with."""

from __future__ import annotations

from ..kernel.dev.device import Device as KernelDevice
from ..kernel.fs.proc._declare import proc


class Device(KernelDevice):
    """A device of a student's; the kernel gives it a source of random bytes."""

    def random(self, size: int) -> bytes:
        """Return random bytes; the kernel puts its own function here."""
        raise NotImplementedError


__all__ = ["Device", "proc"]
