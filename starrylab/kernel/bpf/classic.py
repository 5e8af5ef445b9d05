"""Classic BPF of sockets (SO_ATTACH_FILTER), turned into eBPF as Linux does (net/core/filter.c).

A is R0, X is R7, the words of memory lie on the stack, and R6 is the context.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...abi import ebpf as e
from ...abi import seccomp as c
from ...abi.errno import EINVAL
from ..task.bpf import Instruction as Classic
from .instructions import Instruction

_IND: Final = 0x40
_MSH: Final = 0xA0
_MOD: Final = 0x90
_HALF, _BYTE = 0x08, 0x10
_ANCILLARY: Final = 0xFFFF_F000  #: SKF_AD_OFF: what is no part of the packet
#: ancillary data that says nothing of a message between processes: protocol, type, marks ...
_ZERO: Final = frozenset({0, 4, 8, 20, 24, 28, 32, 36, 44, 48})
_A, _X, _CONTEXT, _SAVED = e.R0, e.R7, e.R6, e.R8
_ARITHMETIC: Final = frozenset(
    {c.BPF_ADD, c.BPF_SUB, c.BPF_MUL, c.BPF_DIV, c.BPF_OR, c.BPF_AND, c.BPF_LSH, c.BPF_RSH,
     c.BPF_XOR, _MOD}
)  # fmt: skip
_TESTS: Final = frozenset({c.BPF_JEQ, c.BPF_JGT, c.BPF_JGE, c.BPF_JSET})
_EXIT: Final = Instruction(e.EXIT_INSN, 0, 0, 0, 0)
Code = list[Instruction]


def converted(program: Sequence[Classic]) -> Code:
    """Return a program in eBPF; raise ``EINVAL`` for one that must not run."""
    if not 0 < len(program) <= c.BPF_MAXINSNS or program[-1].code & 7 != c.BPF_RET:
        raise EINVAL
    head = [
        Instruction(e.ALU64 | e.MOV | e.X, _CONTEXT, e.R1, 0, 0), _set(_A, 0), _set(_X, 0),
    ]  # fmt: skip
    head += [
        Instruction(e.ST | e.MEM | e.DW, e.FP, 0, -8 * n, 0) for n in range(1, 9)
    ]  # words that nobody wrote are zero
    pieces = [_one(i, len(program) - n - 1) for n, i in enumerate(program)]
    starts = [len(head)]
    for piece in pieces:
        starts.append(starts[-1] + len(piece))
    code = head
    for number, (i, piece) in enumerate(zip(program, pieces, strict=True)):
        code += _placed(i, piece, number, starts)
    return code


def _placed(i: Classic, piece: Code, number: int, starts: list[int]) -> Code:
    """Give the jumps at the end of a piece their distances."""
    if i.code & 7 != c.BPF_JMP:
        return piece
    end = starts[number + 1]
    if i.code & 0xF0 == c.BPF_JA:
        return [piece[0]._replace(off=_near(starts[number + 1 + i.k] - end))]
    *before, test, other = piece
    return [
        *before,
        test._replace(off=_near(starts[number + 1 + i.jt] - end + 1)),
        other._replace(off=_near(starts[number + 1 + i.jf] - end)),
    ]


def _near(distance: int) -> int:
    if distance > 0x7FFF:
        raise EINVAL
    return distance


def _set(register: int, value: int) -> Instruction:
    return Instruction(e.ALU | e.MOV | e.K, register, 0, 0, (value ^ 1 << 31) - (1 << 31))


def _copy(to: int, source: int) -> Instruction:
    return Instruction(e.ALU | e.MOV | e.X, to, source, 0, 0)


def _word(k: int) -> int:
    if k >= c.BPF_MEMWORDS:
        raise EINVAL
    return -4 * (k + 1)


def _signed(k: int) -> int:
    return (k ^ 1 << 31) - (1 << 31)


def _one(i: Classic, left: int) -> Code:
    """Return what stands for an instruction that has ``left`` others behind it."""
    kind = i.code & 7
    if kind in (c.BPF_LD, c.BPF_LDX):
        return _load(i)
    if kind in (c.BPF_ST, c.BPF_STX):
        if i.code != kind:
            raise EINVAL
        source = _A if kind == c.BPF_ST else _X
        return [Instruction(e.STX | e.MEM | e.W, e.FP, source, _word(i.k), 0)]
    if kind == c.BPF_ALU:
        return _alu(i)
    if kind == c.BPF_JMP:
        return _jump(i, left)
    if kind == c.BPF_RET:
        if i.code == c.BPF_RET | c.BPF_K:
            return [_set(_A, i.k), _EXIT]
        if i.code != c.BPF_RET | c.BPF_A:
            raise EINVAL
        return [_EXIT]
    if i.code == c.BPF_MISC | c.BPF_TAX:
        return [_copy(_X, _A)]
    if i.code == c.BPF_MISC | c.BPF_TXA:
        return [_copy(_A, _X)]
    raise EINVAL


def _load(i: Classic) -> Code:
    kind, mode, width = i.code & 7, i.code & 0xE0, i.code & 0x18
    target = _A if kind == c.BPF_LD else _X
    if i.code == c.BPF_LDX | _BYTE | _MSH:  # 4 * (length in the first byte of an IP header)
        return [
            _copy(_SAVED, _A),
            Instruction(e.LD | e.ABS | e.B, 0, 0, 0, _signed(i.k)),
            Instruction(e.ALU | e.AND | e.K, _A, 0, 0, 0xF),
            Instruction(e.ALU | e.LSH | e.K, _A, 0, 0, 2),
            _copy(_X, _A),
            _copy(_A, _SAVED),
        ]
    if kind == c.BPF_LD and mode in (c.BPF_ABS, _IND):
        if width not in (0, _HALF, _BYTE) or i.code & ~(mode | width):
            raise EINVAL
        if mode == c.BPF_ABS and i.k >= _ANCILLARY:
            if i.k - _ANCILLARY not in _ZERO:
                raise EINVAL
            return [_set(_A, 0)]
        source = _X if mode == _IND else 0
        return [Instruction(e.LD | mode | width, 0, source, 0, _signed(i.k))]
    if width or i.code & ~(mode | kind):
        raise EINVAL
    if mode == c.BPF_IMM:
        return [_set(target, i.k)]
    if mode == c.BPF_MEM:
        return [Instruction(e.LDX | e.MEM | e.W, target, e.FP, _word(i.k), 0)]
    if mode == c.BPF_LEN:
        return [Instruction(e.LDX | e.MEM | e.W, target, _CONTEXT, 0, 0)]
    raise EINVAL


def _alu(i: Classic) -> Code:
    operation, by_x = i.code & 0xF0, i.code & c.BPF_X
    if i.code == c.BPF_ALU | c.BPF_NEG:
        return [Instruction(e.ALU | e.NEG, _A, 0, 0, 0)]
    if operation not in _ARITHMETIC or i.code & ~(operation | c.BPF_X | c.BPF_ALU):
        raise EINVAL
    divides = operation in (c.BPF_DIV, _MOD)
    if by_x:
        done = [Instruction(e.ALU | operation | e.X, _A, _X, 0, 0)]
        if not divides:
            return done
        return [Instruction(e.JMP | e.JNE | e.K, _X, 0, 2, 0), _set(_A, 0), _EXIT, *done]
    if (divides and not i.k) or (operation in (c.BPF_LSH, c.BPF_RSH) and i.k > 31):
        raise EINVAL
    return [Instruction(e.ALU | operation | e.K, _A, 0, 0, _signed(i.k))]


def _jump(i: Classic, left: int) -> Code:
    operation = i.code & 0xF0
    if i.code == c.BPF_JMP | c.BPF_JA:
        if i.k >= left:
            raise EINVAL
        return [Instruction(e.GOTO, 0, 0, 0, 0)]
    if operation not in _TESTS or i.code & ~(operation | c.BPF_X | c.BPF_JMP):
        raise EINVAL
    if max(i.jt, i.jf) >= left:
        raise EINVAL
    if i.code & c.BPF_X:
        test = Instruction(e.JMP32 | operation | e.X, _A, _X, 0, 0)
    else:
        test = Instruction(e.JMP32 | operation | e.K, _A, 0, 0, _signed(i.k))
    return [test, Instruction(e.GOTO, 0, 0, 0, 0)]
