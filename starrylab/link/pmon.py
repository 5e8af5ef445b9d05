"""PMON: `ymodem` at the rate of its console; it has no command for a checksum.

Read in pmon/cmds/xyzModem.c: U-Boot's receiver, and what is called `xmodem` runs YMODEM as well.
"""

from __future__ import annotations

from .loader import Loader
from .ymodem import PMON


class Pmon(Loader):
    """PMON at its prompt."""

    receiver = PMON
