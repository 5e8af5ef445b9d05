"""What the executor calls at a time."""

from __future__ import annotations

from collections.abc import Callable


class Timer:
    """One entry of the executor's timer queue; `cancel` may be called at any time."""

    __slots__ = ("action", "when")

    def __init__(self, when: int, action: Callable[[], object]) -> None:
        self.when = when  #: nanoseconds on the door's monotonic clock
        self.action: Callable[[], object] | None = action

    def cancel(self) -> None:
        """Make the timer do nothing."""
        self.action = None
