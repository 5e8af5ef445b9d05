"""A key that loses work is pressed twice.

F9 and F10 belong to htop and mc as well, and F10 steps in the debugger: who presses one of them
into a full-screen program, or while the lab is stopped, hardly means the console.
"""

from __future__ import annotations

import time
from typing import Final

_WITHIN: Final = 5.0  #: seconds between the two


class SecondPress:
    """Remembers the last key that was not obeyed."""

    def __init__(self) -> None:
        self._action = ""
        self._until = 0.0

    def confirms(self, action: str) -> bool:
        """Return whether ``action`` was wanted a moment ago already."""
        now = time.monotonic()
        again = action == self._action and now < self._until
        self._action, self._until = ("", 0.0) if again else (action, now + _WITHIN)
        return again
