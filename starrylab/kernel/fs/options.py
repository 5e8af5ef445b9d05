"""Mount options as mount(8) passes them: ``size=1m,mode=755``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...abi.errno import EINVAL

_SUFFIXES: Final = {b"k": 1 << 10, b"m": 1 << 20, b"g": 1 << 30}


def parse_options(options: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (key, value) of each option; the value of a flag is b""."""
    for option in options.split(b","):
        if option:
            key, _, value = option.partition(b"=")
            yield key, value


def parse_size(value: bytes, total: int) -> int:
    """Return a size with its suffix k, m, g, or % of ``total``; raise ``EINVAL``."""
    unit = _SUFFIXES.get(value[-1:].lower(), 1)
    digits = value if unit == 1 else value[:-1]
    if value[-1:] == b"%":
        digits = value[:-1]
    if not digits.isdigit():
        raise EINVAL(f"{value!r} is not a size")
    if value[-1:] == b"%":
        return total * int(digits) // 100
    return int(digits) * unit
