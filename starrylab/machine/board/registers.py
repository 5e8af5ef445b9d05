"""Where an architecture's registers are: numbers on the wire, words in a signal context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...abi.arch import ARCHES, ArchLayout
from ...abi.numbers import Arch
from .monitor import PC

N_GENERAL: Final = 32  #: of every architecture here, one of them always zero
COUNT: Final = N_GENERAL + 1  #: with the program counter


@dataclass(frozen=True, slots=True)
class Registers:
    """Numbers of the registers that the kernel names."""

    layout: ArchLayout
    sp: int
    tp: int
    ra: int
    a0: int
    words: tuple[int | None, ...]  #: by word of NT_PRSTATUS; None where no register is

    @property
    def arguments(self) -> tuple[int, ...]:
        """a0..a6 and the register of the system call's number."""
        return tuple(range(self.a0, self.a0 + 8))


def of(arch: Arch) -> Registers:
    """Return the registers of ``arch``; `ValueError` for one without a monitor."""
    layout = ARCHES[arch]
    names = layout.general
    if "a7" not in names:
        raise ValueError(f"there is no monitor for {arch}")
    numbers = _numbers(names)
    return Registers(
        layout=layout,
        sp=numbers["sp"],
        tp=numbers["tp"],
        ra=numbers["ra"],
        a0=numbers["a0"],
        words=tuple(numbers.get(name) for name in names),
    )


def _numbers(names: tuple[str, ...]) -> dict[str, int]:
    """Return the number of each general register, which both architectures list in order."""
    general = [name for name in names if name not in ("pc", "orig_a0", "badv")]
    first = N_GENERAL - len(general)
    numbers = {name: first + place for place, name in enumerate(general)}
    numbers["pc"] = PC
    return numbers
