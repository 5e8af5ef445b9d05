"""eBPF instructions as the kernel handles them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from ...abi import bpf as b
from ...abi import ebpf as e

#: What an instruction, as `compile` makes it, answers instead of the index of the next:
END: Final = -1
ANOTHER: Final = -2  #: go on with another program, from its first


class Instruction(NamedTuple):
    """``struct bpf_insn``; a 64-bit immediate takes two, the second of which is all but empty."""

    code: int
    dst: int
    src: int
    off: int  #: signed, 16 bits
    imm: int  #: signed, 32 bits

    @property
    def kind(self) -> int:
        """Class of the operation."""
        return self.code & e.CLASS

    @property
    def size(self) -> int:
        """Bytes that a load or store moves."""
        return e.BYTES[self.code & e.WIDTH]

    @property
    def is_wide(self) -> bool:
        """Whether the next slot belongs to this instruction."""
        return self.code == e.LD_IMM64

    @property
    def calls_function(self) -> bool:
        """Whether this calls a function of the program."""
        return self.code == e.CALL_INSN and self.src == e.PSEUDO_CALL

    def jump(self) -> int:
        """Return how many slots an unconditional jump skips."""
        return self.imm if self.code == e.GOTO_LONG else self.off


Code = Sequence[Instruction]


def decode(data: bytes) -> list[Instruction]:
    """Return the instructions of ``data``, a multiple of 8 bytes."""
    return [
        Instruction(code, registers & 15, registers >> 4, off, imm)
        for code, registers, off, imm in e.INSTRUCTION.iter_unpack(data)
    ]


def encode(code: Code) -> bytes:
    """Undo `decode`."""
    return b"".join(e.INSTRUCTION.pack(i.code, i.dst | i.src << 4, i.off, i.imm) for i in code)


def immediate(code: Code, index: int) -> int:
    """Return the 64-bit immediate of the instruction at ``index``, unsigned."""
    return code[index].imm & 0xFFFF_FFFF | (code[index + 1].imm & 0xFFFF_FFFF) << 32


def tag(code: Code) -> bytes:
    """Return the 8 bytes that name a program: a digest, without what differs at every load."""
    plain: list[Instruction] = []
    map_value = False
    for index, i in enumerate(code):
        second = index > 0 and plain[-1].is_wide and code[index - 1].is_wide
        if i.is_wide and i.src in (e.PSEUDO_MAP_FD, e.PSEUDO_MAP_VALUE):
            map_value = True
            plain.append(i._replace(imm=0))
        elif second and map_value:
            map_value = False
            plain.append(i._replace(imm=0))
        else:
            plain.append(i)
    return hashlib.sha256(encode(plain)).digest()[: b.BPF_TAG_SIZE]
