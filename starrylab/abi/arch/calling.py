"""Where a function finds its first arguments and leaves its result.

Sources: RISC-V and LoongArch ELF psABI, AAPCS64.  All three return an integer in the register of
the first argument, and have the stack pointer at a return where it was at the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..numbers import Arch
from . import aarch64, loongarch64, riscv64


@dataclass(frozen=True, slots=True)
class Calling:
    """Indexes of the words of NT_PRSTATUS."""

    arguments: tuple[int, ...]  #: the first four
    stack_pointer: int
    return_address: int


def _calling(general: Sequence[str], arguments: str, link: str) -> Calling:
    words = tuple(general.index(f"{arguments}{number}") for number in range(4))
    return Calling(words, general.index("sp"), general.index(link))


CALLING: Final[dict[Arch, Calling]] = {
    "riscv64": _calling(riscv64.GENERAL, "a", "ra"),
    "loongarch64": _calling(loongarch64.GENERAL, "a", "ra"),
    "aarch64": _calling(aarch64.GENERAL, "x", "x30"),
}
