"""Values of the options that say how a serial line is used."""

from __future__ import annotations

import argparse
import math
from typing import Final

_SLOWEST: Final = 50  #: bits per second; termios(3) has nothing below, but 0, which hangs up
_FASTEST: Final = 20_000_000  #: beyond what any UART does


def baud(text: str) -> int:
    """Return a rate in bits per second; raise `argparse.ArgumentTypeError`."""
    rate = int(text) if text.isascii() and text.isdecimal() else 0
    if not _SLOWEST <= rate <= _FASTEST:
        raise argparse.ArgumentTypeError(f"{text} is no rate, such as 115200")
    return rate


def seconds(text: str) -> float:
    """Return a time to wait; raise `argparse.ArgumentTypeError`."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not math.isfinite(value) or value < 0:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return value
