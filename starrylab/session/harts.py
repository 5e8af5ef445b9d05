"""What executes user code, as a configuration says: an emulated CPU, or a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..machine.board.monitor import MonitorError
from ..machine.ram import HostRam
from ..machine.unicorn.hart import UnicornHart

if TYPE_CHECKING:
    from ..machine.api import Hart
    from .config import LabConfig


class HartError(Exception):
    """There is nothing to run user code on: one line for the user."""


def make_hart(config: LabConfig) -> Hart:
    """Return a hart with ``config.memory`` bytes of RAM; raise `HartError`."""
    try:
        ram = HostRam(config.memory)
    except OSError as error:
        size = config.memory >> 20
        raise HartError(f"--memory: no {size} MiB on this host: {error.strerror}") from None
    if config.board is None:
        try:
            return UnicornHart(ram, config.arch)
        except ValueError:
            raise HartError(f"--arch {config.arch}: runs on a board only; see --board") from None
    from ..machine.board.hart import BoardHart  # most labs have none
    from .board_link import BoardLinkError, connect

    try:
        monitor = connect(config.board)
        return BoardHart(monitor, ram)
    except (BoardLinkError, MonitorError) as error:
        raise HartError(str(error)) from None
