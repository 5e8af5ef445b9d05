"""The DWARF expressions of call frame information (DWARF 5, 2.5 and 6.4.2).

A stack machine of 64-bit numbers.  Only what may occur there: no locations in pieces, no
references to other entries.  Branches are counted, so that a loop ends.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from .cursor import CfiError, Cursor

_MASK: Final = (1 << 64) - 1
_STEPS: Final = 1000  #: operations of one expression, at most


class Machine(Protocol):
    """What an expression can look at."""

    @property
    def registers(self) -> Sequence[int | None]:
        """Values by DWARF number; ``None`` for one that is lost."""
        ...

    def load(self, addr: int, size: int) -> int | None:
        """Return the unsigned number of ``size`` bytes at ``addr``, if it can be read."""
        ...


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _divide(a: int, b: int) -> int:
    a, b = _signed(a), _signed(b)
    if not b:
        raise CfiError("an expression divides by zero")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _modulo(a: int, b: int) -> int:
    if not b:
        raise CfiError("an expression divides by zero")
    return a % b


def _compare(test: Callable[[int, int], bool]) -> Callable[[int, int], int]:
    return lambda a, b: int(test(_signed(a), _signed(b)))


#: opcode -> function of the second and the top entry
_BINARY: Final[dict[int, Callable[[int, int], int]]] = {
    0x1A: operator.and_,
    0x1B: _divide,
    0x1C: operator.sub,
    0x1D: _modulo,
    0x1E: operator.mul,
    0x21: operator.or_,
    0x22: operator.add,
    0x24: lambda a, b: a << b if b < 64 else 0,
    0x25: lambda a, b: a >> b if b < 64 else 0,
    0x26: lambda a, b: _signed(a) >> min(b, 63),
    0x27: operator.xor,
    0x29: _compare(operator.eq),
    0x2A: _compare(operator.ge),
    0x2B: _compare(operator.gt),
    0x2C: _compare(operator.le),
    0x2D: _compare(operator.lt),
    0x2E: _compare(operator.ne),
}
_UNARY: Final[dict[int, Callable[[int], int]]] = {
    0x19: lambda a: abs(_signed(a)),
    0x1F: operator.neg,
    0x20: operator.invert,
}
#: opcode -> constant operand: size in bytes, signed
_CONSTANTS: Final = {
    0x03: (8, False), 0x08: (1, False), 0x09: (1, True), 0x0A: (2, False), 0x0B: (2, True),
    0x0C: (4, False), 0x0D: (4, True), 0x0E: (8, False), 0x0F: (8, True),
}  # fmt: skip


def evaluate(code: bytes, machine: Machine, initial: Sequence[int] = ()) -> int:
    """Return what the expression leaves on top of the stack; raise `CfiError`."""
    run = _Evaluation(Cursor(code), list(initial), machine)
    try:
        for _ in range(_STEPS):
            if run.cursor.at >= run.cursor.end:
                return run.stack[-1] & _MASK
            run.step()
    except IndexError:
        raise CfiError("an expression takes more from its stack than is on it") from None
    raise CfiError(f"an expression goes on after {_STEPS} operations")


@dataclass(slots=True)
class _Evaluation:
    """An expression half-way through; one method an operation that is no table entry."""

    cursor: Cursor
    stack: list[int]
    machine: Machine

    def step(self) -> None:
        cursor, stack = self.cursor, self.stack
        op = cursor.unsigned(1)
        if op in _BINARY:
            top = stack.pop()
            stack[-1] = _BINARY[op](stack[-1], top) & _MASK
        elif op in _UNARY:
            stack[-1] = _UNARY[op](stack[-1]) & _MASK
        elif op in _CONSTANTS:
            size, signed = _CONSTANTS[op]
            stack.append((cursor.signed(size) if signed else cursor.unsigned(size)) & _MASK)
        elif 0x30 <= op <= 0x4F:  # DW_OP_lit0..31
            stack.append(op - 0x30)
        elif 0x70 <= op <= 0x8F:  # DW_OP_breg0..31
            self.push_register(op - 0x70)
        elif op in _OTHERS:
            _OTHERS[op](self)
        else:
            raise CfiError(f"DWARF operation {op:#x} has no place in call frame information")

    def push(self, value: int) -> None:
        self.stack.append(value & _MASK)

    def push_register(self, number: int) -> None:
        registers = self.machine.registers
        value = registers[number] if number < len(registers) else None
        if value is None:
            raise CfiError(f"an expression needs register {number}, whose value is lost")
        self.push(value + self.cursor.sleb())

    def load(self, size: int) -> None:
        addr = self.stack[-1]
        value = self.machine.load(addr, size)
        if value is None:
            raise CfiError(f"an expression needs {size} bytes at {addr:#x}, which cannot be read")
        self.stack[-1] = value

    def swap(self) -> None:
        stack = self.stack
        stack[-1], stack[-2] = stack[-2], stack[-1]

    def rotate(self) -> None:
        stack = self.stack
        stack[-1], stack[-2], stack[-3] = stack[-2], stack[-3], stack[-1]

    def jump(self) -> None:
        cursor = self.cursor
        target = cursor.signed(2) + cursor.at
        if not 0 <= target <= cursor.end:
            raise CfiError("an expression branches out of itself")
        cursor.at = target

    def branch(self) -> None:
        if self.stack.pop():
            self.jump()
        else:
            self.cursor.at += 2


_OTHERS: Final[dict[int, Callable[[_Evaluation], object]]] = {
    0x06: lambda e: e.load(8),
    0x10: lambda e: e.push(e.cursor.uleb()),
    0x11: lambda e: e.push(e.cursor.sleb()),
    0x12: lambda e: e.push(e.stack[-1]),
    0x13: lambda e: e.stack.pop(),
    0x14: lambda e: e.push(e.stack[-2]),
    0x15: lambda e: e.push(e.stack[-1 - e.cursor.unsigned(1)]),
    0x16: _Evaluation.swap,
    0x17: _Evaluation.rotate,
    0x23: lambda e: e.push(e.stack.pop() + e.cursor.uleb()),
    0x28: _Evaluation.branch,
    0x2F: _Evaluation.jump,
    0x92: lambda e: e.push_register(e.cursor.uleb()),
    0x94: lambda e: e.load(min(e.cursor.unsigned(1), 8)),
    0x96: lambda _: None,  # DW_OP_nop
}
