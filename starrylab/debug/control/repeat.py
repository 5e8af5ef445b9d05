"""A step, several times over."""

from __future__ import annotations

from collections.abc import Callable

from .api import Reason
from .plans import Next, Plan


class Repeat:
    """See `plans.Plan`."""

    def __init__(self, make: Callable[[], Plan], count: int) -> None:
        self._make = make
        self._left = count
        self._plan = make()

    @property
    def reason(self) -> Reason:
        """See `plans.Plan`."""
        return self._plan.reason

    @property
    def value(self) -> int | None:
        """See `plans.Plan`."""
        return self._plan.value

    @property
    def text(self) -> str:
        """See `plans.Plan`."""
        return self._plan.text

    def advance(self) -> Next:
        """See `plans.Plan.advance`."""
        while (step := self._plan.advance()) is Next.DONE:
            self._left -= 1
            if self._left <= 0:
                break
            self._plan.end()
            self._plan = self._make()
        return step

    def signal_comes(self) -> None:
        """See `plans.Plan.signal_comes`."""
        self._plan.signal_comes()

    def end(self) -> None:
        """See `plans.Plan.end`."""
        self._plan.end()
