"""Lab 18: what a debugger does with a crash."""

from __future__ import annotations

from collections.abc import Callable


def symbolize(symbols: list[tuple[int, int, str]], addr: int) -> str:
    """Return "name+0x12": the function that ``addr`` is in, and how far; "?" if it is in none.

    ``symbols`` are (address, size in bytes, name), in no order.
    """
    raise NotImplementedError("symbolize")


def backtrace(read: Callable[[int], int | None], pc: int, fp: int) -> list[int]:
    """Return the program counters of the calls, the innermost first: ``pc`` and return addresses.

    ``read(addr)`` returns the 8 bytes at ``addr``, or None where nothing is.  On RISC-V a
    function's frame pointer is the stack pointer of its caller: the return address is in the 8
    bytes below it, the caller's frame pointer in the 8 below those.  Stops where a frame pointer
    is 0, cannot be read, is no multiple of 8, or does not grow; at most 100 of them.
    """
    raise NotImplementedError("backtrace")


def line(rows: list[tuple[int, str, int]], addr: int) -> str:
    """Return "file:line" of the instruction at ``addr``; "?" if no row covers it.

    ``rows`` are (address, file, line), by address; each is valid up to the next one's address.
    Line 0 says that from there on there is no source; the last row only ends the one before.
    """
    raise NotImplementedError("line")
