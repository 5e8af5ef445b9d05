"""One decoded instruction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Flow(Enum):
    """Where execution goes on after an instruction."""

    NEXT = "next"
    BRANCH = "branch"  #: next, or the target
    JUMP = "jump"
    CALL = "call"
    RETURN = "return"
    TRAP = "trap"  #: into the kernel
    INVALID = "invalid"  #: not an instruction: data, or an extension that is not known here


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction at an address; text as the architecture's assembler takes it."""

    address: int
    data: bytes
    mnemonic: str
    operands: tuple[str, ...]
    flow: Flow = Flow.NEXT
    target: int | None = None  #: of a branch, jump or call, where the code says it
    reference: int | None = None  #: an address that is made or accessed, where the code says it

    @property
    def size(self) -> int:
        """Bytes of the instruction."""
        return len(self.data)

    @property
    def end(self) -> int:
        """The address of the next instruction."""
        return self.address + len(self.data)

    @property
    def text(self) -> str:
        """Mnemonic and operands."""
        return f"{self.mnemonic} {', '.join(self.operands)}".rstrip()

    @property
    def word(self) -> str:
        """The bytes as the manual prints them: one little-endian number."""
        return f"{int.from_bytes(self.data, 'little'):0{2 * len(self.data)}x}"


def invalid(address: int, data: bytes) -> Instruction:
    """Return bytes that are no instruction as the assembler's directive for them."""
    if len(data) in (2, 4):
        number = int.from_bytes(data, "little")
        return Instruction(address, data, f".{len(data)}byte", (f"{number:#x}",), Flow.INVALID)
    operands = tuple(f"{byte:#x}" for byte in data)
    return Instruction(address, data, ".byte", operands, Flow.INVALID)
