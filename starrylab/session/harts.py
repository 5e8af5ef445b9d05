"""What executes user code, as a configuration says: an emulated CPU, or a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        return UnicornHart(ram, config.arch)
    from ..machine.board.emulated import EmulatedBoard
    from ..machine.board.hart import BoardHart

    if config.board.name != "emulated":
        raise HartError(f"--board {config.board.name}: there is no such board")
    return BoardHart(EmulatedBoard(), ram)
