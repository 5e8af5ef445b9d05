"""Branches that AMD's processors mispredict for ever, and how to make them forget.

unicorn translates a block with exits that jump to the next instruction, runs it once, and only
then patches the exits to jump to the following block.  Zen 4 keeps predicting the old target of
such a jump when a call comes before it in the loop, as the call of ``check_exit_request`` does in
every block of unicorn's: 20 cycles an iteration, until something else takes the place of that
prediction.  So tight loops run at a quarter of their speed, or at full speed, by chance.

More jumps than the branch target buffer has entries put an end to that.  They cost some 50 us,
which every eighth time slice is 0.2 %.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Final

_JUMPS: Final = 16384  #: 8192 leave two in three wrong predictions where they are
_JUMP: Final = b"\xeb\x0e" + bytes(14)  #: over the rest of its own 16 bytes
_RETURN: Final = b"\xc3"
_EVERY: Final = 8  #: calls


def forgetter() -> Callable[[], object]:
    """Return what makes the processor forget branches, every eighth time that it is called.

    Where that is of no use, it does nothing.
    """
    forget = _field_of_jumps() if _is_amd() else None
    if forget is None:
        return lambda: None
    calls = 0

    def sometimes() -> None:
        nonlocal calls
        calls += 1
        if calls % _EVERY == 0:
            forget()

    return sometimes


def _is_amd() -> bool:
    try:
        return platform.machine() == "x86_64" and "AuthenticAMD" in Path("/proc/cpuinfo").read_text(
            "ascii", "replace"
        )
    except OSError:
        return False


def _field_of_jumps() -> Callable[[], object] | None:
    """Make the code; None where the host permits none."""
    code = _JUMP * _JUMPS + _RETURN
    try:
        pages = mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return None
    pages[: len(code)] = code
    entry = ctypes.c_char.from_buffer(pages)
    jump = ctypes.PYFUNCTYPE(None)(ctypes.addressof(entry))

    def forget(_: object = entry) -> None:  # which keeps the pages
        jump()

    return forget
