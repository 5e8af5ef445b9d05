"""What unicorn's hart does at steps, breakpoints and watched bytes, a board does, too."""

from __future__ import annotations

from tests.machine.unicorn.test_unicorn_debug import *  # noqa: F403

del globals()["test_reading_the_time_is_a_step"]  # a board shows its own time
