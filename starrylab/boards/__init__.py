"""Boards as data: ``boards/<name>/board.toml``, and the images that are made for them."""

from __future__ import annotations

from .board import (
    Board,
    BootLoader,
    Device,
    Interrupts,
    Range,
    Recovery,
    Reserved,
    Reset,
    Storage,
    Timer,
    Uart,
)
from .errors import BoardError
from .loader import boards_folder, load, names

__all__ = [
    "Board",
    "BoardError",
    "BootLoader",
    "Device",
    "Interrupts",
    "Range",
    "Recovery",
    "Reserved",
    "Reset",
    "Storage",
    "Timer",
    "Uart",
    "boards_folder",
    "load",
    "names",
]
