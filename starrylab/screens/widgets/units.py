"""Numbers as people read them in a table."""

from __future__ import annotations

from rich.cells import cell_len

_UNITS = ("B", "K", "M", "G", "T")


def size_text(size: int) -> str:
    """Return ``size`` bytes in at most five characters: 0, 512B, 1.5K, 64M."""
    if size == 0:
        return "0"
    value = float(size)
    unit = 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    if unit and value < 9.95:
        return f"{value:.1f}{_UNITS[unit]}"
    return f"{value:.0f}{_UNITS[unit]}"


def count_text(count: float) -> str:
    """Return a count in at most five characters: 999, 1.2k, 34k, 5.6M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            value = count / limit
            return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"
    return f"{count:.0f}"


def time_text(nanoseconds: int) -> str:
    """Return a time as ``ps`` does: 0:01.23, 12:34, 1:23:45."""
    seconds = nanoseconds / 1e9
    minutes, rest = divmod(seconds, 60)
    if minutes < 10:
        return f"{minutes:.0f}:{rest:05.2f}"
    hours, minutes = divmod(int(minutes), 60)
    if not hours:
        return f"{minutes}:{rest:02.0f}"
    return f"{hours}:{minutes:02}:{int(rest):02}"


def uptime_text(nanoseconds: int) -> str:
    """Return whole hours, minutes and seconds."""
    minutes, seconds = divmod(nanoseconds // 1_000_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def end_of(path: str, width: int) -> str:
    """Return as much of a path's end as ``width`` cells hold: it says more than the beginning."""
    while cell_len(path) > width > 1:
        path = "…" + path.removeprefix("…")[1:]
    return path
