"""Process and thread numbers (design document 6.2, /proc/sys/kernel/pid_max)."""

from __future__ import annotations

from collections.abc import Callable

from ...abi.errno import EAGAIN, EEXIST


class PidAllocator:
    """Hands out numbers upwards, and wraps like Linux so that a number is not reused soon."""

    RESERVED = 300  #: where the search starts again after a wrap

    def __init__(self, busy: Callable[[int], bool], maximum: int = 32768) -> None:
        self.maximum = maximum  #: first number that is never given
        #: Whether a group or session still bears the number of a process that is gone.  Never
        #: asked about a number that nobody had yet.
        self._busy = busy
        self._next = 1
        self._highest = 0
        self._used: set[int] = set()

    def claim(self, number: int) -> int:
        """Take a certain number (clone3(2)'s set_tid); raise ``EEXIST``."""
        if number in self._used or (number <= self._highest and self._busy(number)):
            raise EEXIST
        self._used.add(number)
        self._highest = max(self._highest, number)
        return number

    def take(self) -> int:
        """Return a free number; raise ``EAGAIN`` when there is none."""
        used = self._used
        number = self._next
        for _ in range(2):
            while number < self.maximum:
                if number > self._highest or (number not in used and not self._busy(number)):
                    used.add(number)
                    self._next = number + 1
                    self._highest = max(self._highest, number)
                    return number
                number += 1
            number = min(self.RESERVED, self.maximum - 1)
        raise EAGAIN

    def release(self, number: int) -> None:
        """Give ``number`` back."""
        self._used.discard(number)

    @property
    def last(self) -> int:
        """The number given last (/proc/loadavg)."""
        return self._next - 1

    def __len__(self) -> int:
        return len(self._used)
