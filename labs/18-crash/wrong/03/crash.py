"""Lab 18: what a debugger does with a crash."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

_DEEPEST = 100


def symbolize(symbols: list[tuple[int, int, str]], addr: int) -> str:
    """Return "name+0x12": the function that ``addr`` is in, and how far; "?" if it is in none."""
    for start, size, name in symbols:
        if start <= addr < start + size:
            return f"{name}+{addr - start:#x}"
    return "?"


def backtrace(read: Callable[[int], int | None], pc: int, fp: int) -> list[int]:
    """Return the program counters of the calls, the innermost first: ``pc`` and return addresses."""
    found = [pc]
    while fp and fp % 8 == 0 and len(found) < _DEEPEST:
        back, caller = read(fp - 8), read(fp - 16)
        if back is None or caller is None:
            break
        found.append(back)
        if caller <= fp:
            break
        fp = caller
    return found


def line(rows: list[tuple[int, str, int]], addr: int) -> str:
    """Return "file:line" of the instruction at ``addr``; "?" if no row covers it."""
    index = bisect_right([row[0] for row in rows], addr) - 1
    if not 0 <= index < len(rows) - 1:
        return "?"
    return f"{rows[index][1]}:{rows[index][2]}"
