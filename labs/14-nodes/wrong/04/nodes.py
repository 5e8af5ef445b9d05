"""Lab 14: /dev/dice and /proc/dice."""

from __future__ import annotations

from typing import Any

from starrylab.labs.calls import EINVAL
from starrylab.labs.nodes import Device, proc


class Dice(Device):
    """A die.  Reading throws it; writing a number says how many sides it has."""

    name, major, minor = b"dice", 240, 0

    def __init__(self) -> None:
        self.sides = 6
        self.throws = 0

    def read_at(self, size: int, offset: int) -> bytes:
        """Return as many throws as fit ``size`` bytes, each a digit and a newline; EINVAL if none."""
        count = size // 2
        if not count:
            raise EINVAL
        fair = 256 // self.sides * self.sides  # bytes from here on would favour small numbers
        thrown: list[int] = []
        while len(thrown) < count:
            thrown += [
                byte % self.sides for byte in self.random(count - len(thrown)) if byte < fair
            ]
        self.throws += 1
        return b"".join(b"%d\n" % (number + 1) for number in thrown)

    def write_at(self, data: bytes, offset: int) -> int:
        """Take the number of sides, 2 to 9, with or without a newline; return len(data); EINVAL."""
        text = data.removesuffix(b"\n")
        if len(text) != 1 or text not in b"23456789":
            raise EINVAL
        self.sides = int(text)
        return len(data)


@proc("dice")
def report(kernel: Any) -> str:
    """Return "sides N" and "throws M", a line each; ``kernel.devices.named`` has the device."""
    dice = kernel.devices.named[b"dice"]
    return f"sides {dice.sides}\nthrows {dice.throws}\n"
