"""From bytes to instructions, with capstone where it knows the architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import capstone

from ...abi.numbers import Arch
from .aarch64 import normal_aarch64
from .instruction import Instruction, invalid
from .loongarch64 import decode_loongarch64, paired_loongarch64
from .riscv64 import normal_riscv64, paired_riscv64

#: (code, the address where it starts) -> its instructions
Engine = Callable[[bytes, int], Iterator[Instruction]]

#: Makes what capstone says (address, bytes, mnemonic, operands) an instruction of ours.
Normal = Callable[[int, bytes, str, tuple[str, ...]], Instruction]

#: Completes an instruction by the one before it.
Pair = Callable[[Instruction | None, Instruction], Instruction]


class _Capstone:
    """An engine of capstone's."""

    def __init__(self, family: int, mode: int, step: int, normal: Normal) -> None:
        """Take capstone's numbers for the architecture, and bytes of its smallest instruction."""
        self._step, self._normal = step, normal
        self._engine: Any = capstone.Cs(family, mode)

    def __call__(self, code: bytes, address: int) -> Iterator[Instruction]:
        at, step = 0, self._step
        while at < len(code):
            for where, _, mnemonic, operands in self._engine.disasm_lite(code[at:], address + at):
                start = where - address
                at = start + _size(code, start, step)
                fields = tuple(part.strip() for part in operands.split(", ")) if operands else ()
                yield self._normal(where, code[start:at], mnemonic, fields)
            if at < len(code):
                size = min(_size(code, at, step), len(code) - at)
                yield invalid(address + at, code[at : at + size])
                at += size


def _riscv64() -> Engine:
    mode = capstone.CS_MODE_RISCV64 | capstone.CS_MODE_RISCVC
    return _Capstone(capstone.CS_ARCH_RISCV, mode, 2, normal_riscv64)


def _aarch64() -> Engine:
    mode = capstone.CS_MODE_LITTLE_ENDIAN
    return _Capstone(capstone.CS_ARCH_ARM64, mode, 4, normal_aarch64)


def _alone(_previous: Instruction | None, instruction: Instruction) -> Instruction:
    return instruction


_ENGINES: Final[dict[Arch, tuple[Callable[[], Engine], Pair]]] = {
    "riscv64": (_riscv64, paired_riscv64),
    "aarch64": (_aarch64, _alone),
    "loongarch64": (lambda: decode_loongarch64, paired_loongarch64),
}


class Disassembler:
    """Decodes the instructions of one architecture."""

    def __init__(self, arch: Arch) -> None:
        make, self._pair = _ENGINES[arch]
        self._decode = make()

    def decode(self, code: bytes, address: int) -> Iterator[Instruction]:
        """Yield every instruction of ``code``, which starts at ``address``.

        What is none becomes an `Instruction` of flow INVALID; an instruction that is cut at the
        end of ``code`` as well.
        """
        previous: Instruction | None = None
        for instruction in self._decode(code, address):
            previous = self._pair(previous, instruction)
            yield previous

    def one(self, code: bytes, address: int) -> Instruction:
        """Return the first instruction of ``code``; it is INVALID if there is none."""
        return next(self.decode(code[:16], address), invalid(address, b""))


def _size(code: bytes, at: int, step: int) -> int:
    """Return the size of an instruction; RISC-V says it in the low bits (volume I, 1.5)."""
    if step == 4 or code[at] & 3 == 3:
        return 4
    return 2
