"""What capstone leaves to do for AArch64: where instructions lead."""

from __future__ import annotations

import re
from typing import Final

from .instruction import Flow, Instruction

_FLOWS: Final = {
    "b": Flow.JUMP, "br": Flow.JUMP, "bl": Flow.CALL, "blr": Flow.CALL, "ret": Flow.RETURN,
    "cbz": Flow.BRANCH, "cbnz": Flow.BRANCH, "tbz": Flow.BRANCH, "tbnz": Flow.BRANCH,
    "svc": Flow.TRAP, "brk": Flow.TRAP, "hvc": Flow.TRAP, "smc": Flow.TRAP, "udf": Flow.INVALID,
}  # fmt: skip
_NUMBER: Final = re.compile(r"#0x[0-9a-f]+")


def normal_aarch64(
    address: int, data: bytes, mnemonic: str, operands: tuple[str, ...]
) -> Instruction:
    """Return an instruction; targets lose the ``#`` of numbers."""
    flow = Flow.BRANCH if mnemonic.startswith("b.") else _FLOWS.get(mnemonic, Flow.NEXT)
    target = None
    if flow in (Flow.BRANCH, Flow.JUMP, Flow.CALL) and operands and _NUMBER.fullmatch(operands[-1]):
        target = int(operands[-1][1:], 16)
        operands = (*operands[:-1], f"{target:#x}")
    return Instruction(address, data, mnemonic, operands, flow, target)
