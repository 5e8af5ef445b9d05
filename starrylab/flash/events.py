"""What happens while a board is flashed, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ..link.xmodem import Progress


class State(Enum):
    """Where a board is on its way. The value is for people."""

    UNKNOWN = "looking what is there"
    OFF = "waiting for the board to be switched on or reset"
    ROM = "recovering by the boot ROM"
    SPL = "recovering by the SPL"
    LOADER = "at the boot loader's prompt"
    LOADED = "the image is in memory and verified"
    STARTED = "the image was started"
    MONITOR = "a monitor is running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The board has come to another state."""

    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A transfer has gone on."""

    what: str
    baud: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the person at the board. `urgent`: something has to be done now."""

    text: str
    urgent: bool = False


Event: TypeAlias = StateChanged | Sent | Said
