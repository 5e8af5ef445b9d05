"""Lab 14: /dev/dice and /proc/dice."""

from __future__ import annotations

from typing import Any

from starrylab.labs.calls import EINVAL
from starrylab.labs.nodes import Device, proc


class Dice(Device):
    """A die.  Reading throws it; writing a number says how many sides it has."""

    name, major, minor = b"dice", 240, 0

    def read_at(self, size: int, offset: int) -> bytes:
        """Return as many throws as fit ``size`` bytes, each a digit and a newline; EINVAL if none.

        ``self.random(n)`` returns n random bytes.
        """
        raise NotImplementedError("read_at")

    def write_at(self, data: bytes, offset: int) -> int:
        """Take the number of sides, 2 to 9, with or without a newline; return len(data); EINVAL."""
        raise NotImplementedError("write_at")


@proc("dice")
def report(kernel: Any) -> str:
    """Return "sides N" and "throws M", a line each; ``kernel.devices.named`` has the device."""
    raise NotImplementedError("report")
