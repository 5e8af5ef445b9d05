"""From bytes to instructions, with capstone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import capstone

from ...abi.numbers import Arch
from .aarch64 import normal_aarch64
from .instruction import Flow, Instruction
from .riscv64 import normal_riscv64, paired_riscv64


class DisassemblyError(Exception):
    """There is no disassembler for an architecture; the message is one line."""


#: Makes what capstone says (address, bytes, mnemonic, operands) an instruction of ours.
Normal = Callable[[int, bytes, str, tuple[str, ...]], Instruction]

#: Completes an instruction by the one before it.
Pair = Callable[[Instruction | None, Instruction], Instruction]


@dataclass(frozen=True, slots=True)
class _Engine:
    family: int  #: capstone's number for the architecture
    mode: int
    step: int  #: bytes of the smallest instruction
    normal: Normal
    pair: Pair = lambda _previous, instruction: instruction


_ENGINES: Final[dict[Arch, _Engine]] = {
    "riscv64": _Engine(
        capstone.CS_ARCH_RISCV,
        capstone.CS_MODE_RISCV64 | capstone.CS_MODE_RISCVC,
        2,
        normal_riscv64,
        paired_riscv64,
    ),
    "aarch64": _Engine(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN, 4, normal_aarch64),
}


class Disassembler:
    """Decodes the instructions of one architecture."""

    def __init__(self, arch: Arch) -> None:
        engine = _ENGINES.get(arch)
        if engine is None:
            raise DisassemblyError(f"no disassembler for {arch}")
        self._arch = engine
        self._engine: Any = capstone.Cs(engine.family, engine.mode)

    def decode(self, code: bytes, address: int) -> Iterator[Instruction]:
        """Yield every instruction of ``code``, which starts at ``address``.

        What is none becomes an `Instruction` of flow INVALID; an instruction that is cut at the
        end of ``code`` as well.
        """
        previous: Instruction | None = None
        for instruction in self._decode(code, address):
            previous = self._arch.pair(previous, instruction)
            yield previous

    def _decode(self, code: bytes, address: int) -> Iterator[Instruction]:
        at, step = 0, self._arch.step
        while at < len(code):
            for where, _, mnemonic, operands in self._engine.disasm_lite(code[at:], address + at):
                start = where - address
                at = start + _size(code, start, step)
                fields = tuple(part.strip() for part in operands.split(", ")) if operands else ()
                yield self._arch.normal(where, code[start:at], mnemonic, fields)
            if at < len(code):
                size = min(_size(code, at, step), len(code) - at)
                yield invalid(address + at, code[at : at + size])
                at += size

    def one(self, code: bytes, address: int) -> Instruction:
        """Return the first instruction of ``code``; it is INVALID if there is none."""
        return next(self.decode(code[:16], address), invalid(address, b""))


def _size(code: bytes, at: int, step: int) -> int:
    """Return the size of an instruction; RISC-V says it in the low bits (volume I, 1.5)."""
    if step == 4 or code[at] & 3 == 3:
        return 4
    return 2


def invalid(address: int, data: bytes) -> Instruction:
    """Return bytes that are no instruction as the assembler's directive for them."""
    if len(data) in (2, 4):
        number = int.from_bytes(data, "little")
        return Instruction(address, data, f".{len(data)}byte", (f"{number:#x}",), Flow.INVALID)
    operands = tuple(f"{byte:#x}" for byte in data)
    return Instruction(address, data, ".byte", operands, Flow.INVALID)
