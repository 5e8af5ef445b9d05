"""What unicorn's hart does with programs, a board does, too."""

from __future__ import annotations

from tests.machine.unicorn.test_unicorn_run import *  # noqa: F403

del globals()["test_faults_are_served_without_leaving"]  # a board asks for neighbours as well
