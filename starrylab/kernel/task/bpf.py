"""Classic BPF as seccomp(2) knows it: a checked program over one ``struct seccomp_data``.

The rules are those of ``bpf_check_classic()`` and ``seccomp_check_filter()``: jumps go forward
and stay inside, the last instruction returns, a word of memory is written before it is read.
So every program ends, and the interpreter needs no checks of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ...abi import seccomp as sc
from ...abi.errno import EINVAL

_M32: Final = 0xFFFF_FFFF
_HEAD: Final = 8  #: bytes of seccomp_data before the instruction pointer: number and architecture


class Instruction(NamedTuple):
    """``struct sock_filter``."""

    code: int
    jt: int
    jf: int
    k: int


Operation = Callable[[int, int], int]

_ALU: Final[dict[int, Operation]] = {
    sc.BPF_ADD: lambda a, b: a + b & _M32,
    sc.BPF_SUB: lambda a, b: a - b & _M32,
    sc.BPF_MUL: lambda a, b: a * b & _M32,
    sc.BPF_DIV: operator.floordiv,
    sc.BPF_OR: operator.or_,
    sc.BPF_AND: operator.and_,
    sc.BPF_LSH: lambda a, b: a << (b & 31) & _M32,
    sc.BPF_RSH: lambda a, b: a >> (b & 31),
    sc.BPF_XOR: operator.xor,
}
_TESTS: Final[dict[int, Callable[[int, int], object]]] = {
    sc.BPF_JEQ: operator.eq,
    sc.BPF_JGT: operator.gt,
    sc.BPF_JGE: operator.ge,
    sc.BPF_JSET: operator.and_,
}
_SOURCES: Final = (sc.BPF_K, sc.BPF_X)
_NEGATE: Final = sc.BPF_ALU | sc.BPF_NEG
_JUMP: Final = sc.BPF_JMP | sc.BPF_JA
_LOAD_DATA: Final = sc.BPF_LD | sc.BPF_ABS
_RETURNS: Final = (sc.BPF_RET | sc.BPF_K, sc.BPF_RET | sc.BPF_A)
_READS: Final = (sc.BPF_LD | sc.BPF_MEM, sc.BPF_LDX | sc.BPF_MEM)
_WRITES: Final = (sc.BPF_ST, sc.BPF_STX)
#: Loads of what is known when the program is checked.
_CONSTANTS: Final = (
    sc.BPF_LD | sc.BPF_IMM, sc.BPF_LDX | sc.BPF_IMM,
    sc.BPF_LD | sc.BPF_LEN, sc.BPF_LDX | sc.BPF_LEN,
)  # fmt: skip
_KNOWN: Final = frozenset(
    {_NEGATE, _JUMP, _LOAD_DATA, *_RETURNS, *_READS, *_WRITES, *_CONSTANTS}
    | {sc.BPF_MISC | sc.BPF_TAX, sc.BPF_MISC | sc.BPF_TXA}
    | {sc.BPF_ALU | op | source for op in _ALU for source in _SOURCES}
    | {sc.BPF_JMP | op | source for op in _TESTS for source in _SOURCES}
)


class Program:
    """A program that was checked; raises ``EINVAL`` for one that must not run."""

    def __init__(self, code: Sequence[Instruction]) -> None:
        if not 0 < len(code) <= sc.BPF_MAXINSNS:
            raise EINVAL
        for index, instruction in enumerate(code):
            _check(instruction, len(code) - index - 1)
        if code[-1].code not in _RETURNS:
            raise EINVAL
        _check_memory(code)
        self._code = tuple(code)
        self._known: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._code)

    def run(self, data: bytes) -> int:
        """Return what the program says of a ``struct seccomp_data``.

        An answer that followed from the call's number and the architecture alone is kept.
        """
        head = data[:_HEAD]
        known = self._known.get(head)
        if known is not None:
            return known
        result, furthest = self._interpret(data)
        if furthest < _HEAD:
            self._known[head] = result
        return result

    def _interpret(self, data: bytes) -> tuple[int, int]:
        """Return the result, and the highest offset that was read."""
        a = x = pc = furthest = 0
        memory = [0] * sc.BPF_MEMWORDS
        while True:
            code, jt, jf, k = self._code[pc]
            pc += 1
            kind = code & 7
            if kind == sc.BPF_RET:
                return (a if code & sc.BPF_A else k), furthest
            operand = x if code & sc.BPF_X else k
            if kind == sc.BPF_JMP:
                if code == _JUMP:
                    pc += k
                else:
                    pc += jt if _TESTS[code & 0xF0](a, operand) else jf
            elif code == _LOAD_DATA:
                a = int.from_bytes(data[k : k + 4], "little")
                furthest = max(furthest, k)
            elif code == _NEGATE:
                a = -a & _M32
            elif kind == sc.BPF_ALU:
                if code & 0xF0 == sc.BPF_DIV and not operand:
                    return 0, furthest
                a = _ALU[code & 0xF0](a, operand)
            elif kind == sc.BPF_MISC:
                a, x = (x, x) if code & sc.BPF_TXA else (a, a)
            elif kind in _WRITES:
                memory[k] = a if kind == sc.BPF_ST else x
            else:
                value = memory[k] if code in _READS else k
                if code & sc.BPF_LEN == sc.BPF_LEN:
                    value = sc.SECCOMP_DATA_SIZE
                a, x = (value, x) if kind == sc.BPF_LD else (a, value)


def _check(instruction: Instruction, left: int) -> None:
    """Check one instruction that has ``left`` others behind it."""
    code, jt, jf, k = instruction
    if code not in _KNOWN:
        raise EINVAL
    if code == _LOAD_DATA and (k >= sc.SECCOMP_DATA_SIZE or k & 3):
        raise EINVAL
    if code == sc.BPF_ALU | sc.BPF_DIV | sc.BPF_K and not k:
        raise EINVAL
    if code in (sc.BPF_ALU | sc.BPF_LSH | sc.BPF_K, sc.BPF_ALU | sc.BPF_RSH | sc.BPF_K) and k > 31:
        raise EINVAL
    if code in (*_READS, *_WRITES) and k >= sc.BPF_MEMWORDS:
        raise EINVAL
    if code == _JUMP and k >= left:
        raise EINVAL
    if code & 7 == sc.BPF_JMP and code != _JUMP and max(jt, jf) >= left:
        raise EINVAL


def _check_memory(code: Sequence[Instruction]) -> None:
    """Check that on every way to a read the word was written before."""
    everything = (1 << sc.BPF_MEMWORDS) - 1
    reached = [everything] * (len(code) + 1)  # words that are valid whichever way one comes
    valid = 0
    for pc, (operation, jt, jf, k) in enumerate(code):
        valid &= reached[pc]
        if operation in _WRITES:
            valid |= 1 << k
        elif operation in _READS and not valid >> k & 1:
            raise EINVAL
        elif operation == _JUMP:
            reached[pc + 1 + k] &= valid
            valid = everything
        elif operation & 7 == sc.BPF_JMP:
            reached[pc + 1 + jt] &= valid
            reached[pc + 1 + jf] &= valid
            valid = everything
