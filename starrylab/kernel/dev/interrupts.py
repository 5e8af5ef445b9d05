"""Interrupt lines and their handlers (design document 4.3): /proc/interrupts is this table.

Lines are level-triggered: a handler runs as long as its device keeps the line up.
"""

from __future__ import annotations

from ...machine.mmio import Handler, InterruptLine

_STORM = 100_000  #: a handler that runs this often without the line going down is broken


class Interrupt:
    """One line: who serves it and how often it was served."""

    __slots__ = ("_busy", "_level", "count", "handler", "name", "number")

    def __init__(self, number: int, name: str, handler: Handler) -> None:
        self.number = number
        self.name = name
        self.handler = handler
        self.count = 0
        self._level = False
        self._busy = False

    def drive(self, level: bool, /) -> None:
        """Set the line; serve it while it is up.

        A device may drive the line from within its handler; that is not served by a call
        inside the call but by the loop of the outer one.
        """
        self._level = level
        if self._busy:
            return
        self._busy = True
        try:
            rounds = 0
            while self._level:
                self.count += 1
                rounds += 1
                if rounds > _STORM:
                    raise RuntimeError(f"interrupt {self.number} ({self.name}) never goes down")
                self.handler()
        finally:
            self._busy = False


class Interrupts:
    """All lines by number."""

    def __init__(self) -> None:
        self.lines: dict[int, Interrupt] = {}

    def request(self, number: int, name: str, handler: Handler) -> InterruptLine:
        """Serve line ``number`` with ``handler``; return what the device drives.

        Raises ``ValueError`` if the line is taken.
        """
        if number in self.lines:
            raise ValueError(f"interrupt {number} belongs to {self.lines[number].name}")
        interrupt = Interrupt(number, name, handler)
        self.lines[number] = interrupt
        return interrupt.drive
