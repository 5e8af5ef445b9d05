"""DWARF expressions: each family of operations, and that no bytes do harm."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.dwarf.errors import BadDwarf, DebugDataError, NoMemory, Unavailable
from starrylab.debug.dwarf.expression import DEPTH, evaluate, evaluate_number
from starrylab.debug.dwarf.locations import (
    Composite,
    Implicit,
    ImplicitPointer,
    InMemory,
    InRegister,
    Nowhere,
    Piece,
)
from starrylab.debug.dwarf.opcodes import Op
from starrylab.debug.dwarf.operands import Kind

BASE = 0x1000
MEMORY = bytes(range(256))
TYPES = {
    1: Kind("s", 1), 2: Kind("u", 2), 4: Kind("s", 4), 8: Kind("f", 8), 9: Kind("f", 4),
    16: Kind("u", 16), 17: Kind("f", 16),
}  # fmt: skip


class Frame:
    """Register n holds 100 n; memory at 0x1000 holds 0, 1, ... 255."""

    address_size = 8
    offset_size = 4

    def __init__(self, callees: dict[int, bytes] | None = None) -> None:
        self.callees = callees or {}

    def register(self, number: int) -> int:
        if number > 40:
            raise Unavailable(f"register {number} is unknown")
        return 100 * number

    def memory(self, address: int, size: int) -> bytes:
        if not BASE <= address <= BASE + len(MEMORY) - size:
            raise NoMemory(address)
        return MEMORY[address - BASE : address - BASE + size]

    def relocate(self, address: int) -> int:
        return address + 0x10000

    def frame_base(self) -> int:
        return 0x7000

    def cfa(self) -> int:
        return 0x8000

    def tls(self, offset: int) -> int:
        return 0x9000 + offset

    def entry_value(self, code: bytes) -> int:
        return code[0]

    def object_address(self) -> int:
        return 0xA000

    def address_at(self, index: int) -> int:
        return 0x40 + index

    def kind(self, offset: int) -> Kind:
        if offset not in TYPES:
            raise BadDwarf("no type")
        return TYPES[offset]

    def callee(self, offset: int, in_unit: bool) -> bytes:
        return self.callees.get(offset, b"")

    def variable(self, offset: int) -> int:
        return offset + 1


def number(*code: int) -> int:
    return evaluate_number(bytes(code), Frame())


M64 = (1 << 64) - 1


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ([Op.LIT0 + 31], 31),
        ([Op.CONST1U, 0xFF], 255),
        ([Op.CONST1S, 0xFF], M64),
        ([Op.CONST2U, 0x34, 0x12], 0x1234),
        ([Op.CONST2S, 0, 0x80], M64 - 0x7FFF),
        ([Op.CONSTU, 0x80, 1], 128),
        ([Op.CONSTS, 0x7F], M64),
        ([Op.CONSTS, 0x80, 0x7F], M64 - 127),
        ([Op.ADDR, 0x10, 0, 0, 0, 0, 0, 0, 0], 0x10010),
        ([Op.ADDRX, 2], 0x10042),
        ([Op.CONSTX, 2], 0x42),
        ([Op.BREG0 + 3, 0x7E], 298),
        ([Op.BREGX, 40, 1], 4001),
        ([Op.FBREG, 0x70], 0x7000 - 16),
        ([Op.CALL_FRAME_CFA, Op.LIT0 + 8, Op.MINUS], 0x7FF8),
        ([Op.CONST2U, 0, 0x10, Op.DEREF], 0x0706050403020100),
        ([Op.CONST2U, 2, 0x10, Op.DEREF_SIZE, 2], 0x0302),
        ([Op.LIT0 + 1, Op.LIT0 + 2, Op.OVER], 1),
        ([Op.LIT0 + 1, Op.LIT0 + 2, Op.LIT0 + 3, Op.PICK, 2], 1),
        ([Op.LIT0 + 1, Op.LIT0 + 2, Op.SWAP], 1),
        ([Op.LIT0 + 1, Op.LIT0 + 2, Op.LIT0 + 3, Op.ROT], 2),
        ([Op.LIT0 + 1, Op.LIT0 + 2, Op.LIT0 + 3, Op.ROT, Op.DROP, Op.DROP], 3),
        ([Op.LIT0 + 5, Op.DUP, Op.MUL], 25),
        ([Op.LIT0 + 7, Op.NEG, Op.LIT0 + 2, Op.DIV], M64 - 2),
        ([Op.LIT0 + 7, Op.LIT0 + 4, Op.MOD], 3),
        ([Op.LIT0 + 1, Op.NEG, Op.ABS], 1),
        ([Op.LIT0 + 1, Op.NOT], M64 - 1),
        ([Op.LIT0 + 1, Op.CONST1U, 64, Op.SHL], 0),
        ([Op.LIT0, Op.NOT, Op.CONST1U, 60, Op.SHR], 15),
        ([Op.LIT0 + 8, Op.NEG, Op.LIT0 + 1, Op.SHRA], M64 - 3),
        ([Op.LIT0 + 1, Op.NEG, Op.LIT0 + 1, Op.LT], 1),
        ([Op.LIT0 + 1, Op.NEG, Op.LIT0 + 1, Op.GE], 0),
        ([Op.LIT0 + 12, Op.LIT0 + 10, Op.XOR], 6),
        ([Op.PLUS_UCONST, 5], None),
        ([Op.LIT0 + 1, Op.BRA, 1, 0, Op.LIT0 + 9, Op.LIT0 + 4], 4),
        ([Op.LIT0, Op.BRA, 1, 0, Op.LIT0 + 9], 9),
        ([Op.LIT0 + 4, Op.SKIP, 1, 0, Op.LIT0 + 9], 4),
        ([Op.LIT0 + 16, Op.FORM_TLS_ADDRESS], 0x9010),
        ([Op.PUSH_OBJECT_ADDRESS], 0xA000),
        ([Op.ENTRY_VALUE, 1, Op.REG0 + 10], Op.REG0 + 10),
        ([Op.GNU_ENTRY_VALUE, 1, Op.REG0 + 10], Op.REG0 + 10),
        ([Op.GNU_VARIABLE_VALUE, 6, 0, 0, 0], 7),
        ([Op.CONST_TYPE, 1, 1, 0xFE, Op.CONVERT, 0], M64 - 1),
        ([Op.REGVAL_TYPE, 3, 1], 300 - 256),
        ([Op.CONST2U, 0xFE, 0x10, Op.DEREF_TYPE, 1, 1], -2),
        ([Op.LIT0 + 3, Op.CONVERT, 8, Op.LIT0 + 2, Op.CONVERT, 8, Op.DIV, Op.REINTERPRET, 0],
         0x3FF8000000000000),
        ([Op.LIT0 + 7, Op.CONVERT, 9, Op.LIT0 + 2, Op.CONVERT, 9, Op.DIV, Op.CONVERT, 4], 3),
    ],
)  # fmt: skip
def test_numbers(code: list[int], value: int | None) -> None:
    if value is None:
        with pytest.raises(BadDwarf, match="more from its stack"):
            number(*code)
    else:
        assert number(*code) == value


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ([], Nowhere()),
        ([Op.REG0 + 5], InRegister(5)),
        ([Op.REGX, 33], InRegister(33)),
        ([Op.BREG0 + 2, 8], InMemory(208)),
        ([Op.LIT0 + 7, Op.STACK_VALUE], Implicit(b"\7" + bytes(7))),
        ([Op.IMPLICIT_VALUE, 2, 0xAB, 0xCD], Implicit(b"\xab\xcd")),
        ([Op.IMPLICIT_POINTER, 4, 1, 0, 0, 0x7C], ImplicitPointer(0x104, -4)),
        ([Op.REG0, Op.PIECE, 4, Op.PIECE, 4, Op.CALL_FRAME_CFA, Op.PIECE, 8],
         Composite((Piece(InRegister(0), 32), Piece(Nowhere(), 32), Piece(InMemory(0x8000), 64)))),
        ([Op.REG0 + 1, Op.BIT_PIECE, 3, 5, Op.LIT0 + 1, Op.STACK_VALUE, Op.BIT_PIECE, 5, 0],
         Composite((Piece(InRegister(1), 3, 5), Piece(Implicit(b"\1" + bytes(7)), 5)))),
    ],
)  # fmt: skip
def test_places(code: list[int], place: object) -> None:
    assert evaluate(bytes(code), Frame()) == place


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ([Op.PLUS], "more from its stack"),
        ([0x01], "unknown DWARF operation 0x01"),
        ([Op.CONST4U, 1, 2], "ends in an operand"),
        ([Op.SKIP, 0xFD, 0xFF], "goes on after"),
        ([Op.SKIP, 0, 0x70], "branches out of itself"),
        ([Op.LIT0, Op.DUP, Op.SKIP, 0xFC, 0xFF], f"more than {DEPTH} entries"),
        ([Op.LIT0, Op.LIT0, Op.DIV], "division by zero"),
        ([Op.LIT0, Op.LIT0 + 1, Op.CONVERT, 4, Op.PLUS], "different types"),
        ([Op.REG0, Op.LIT0], "follows a complete location"),
        ([Op.REG0, Op.PIECE, 4, Op.LIT0], "without a size"),
        ([Op.LIT0, Op.DEREF], "cannot access memory at address 0x0"),
        ([Op.BREGX, 50, 0], "register 50 is unknown"),
        ([Op.LIT0, Op.XDEREF], "no address spaces"),
    ],
)
def test_what_is_wrong_is_said(code: list[int], message: str) -> None:
    with pytest.raises(DebugDataError, match=message):
        evaluate(bytes(code), Frame())


def test_calls_share_the_stack() -> None:
    env = Frame({5: bytes([Op.PLUS]), 6: bytes([Op.CALL2, 6, 0])})
    sum_of_two = bytes([Op.LIT0 + 1, Op.LIT0 + 2, Op.CALL4, 5, 0, 0, 0])
    assert evaluate_number(sum_of_two, env) == 3
    with pytest.raises(BadDwarf, match="too deeply"):
        evaluate_number(bytes([Op.CALL2, 6, 0]), env)


OPCODES = st.sampled_from([int(op) for op in Op] + list(range(0x30, 0x90)))
TOKENS = st.one_of(OPCODES, st.integers(0, 255), st.sampled_from([1, 2, 4, 8, 9, 16, 17]))


@given(st.lists(TOKENS, max_size=60).map(bytes))
def test_no_bytes_do_harm(code: bytes) -> None:
    """Every expression ends: in a location, or in an error of this package."""
    with suppress(DebugDataError):
        evaluate(code, Frame(dict.fromkeys(range(256), code)))


@given(
    st.integers(0, M64),
    st.integers(0, M64),
    st.sampled_from([Op.PLUS, Op.MINUS, Op.MUL, Op.AND, Op.OR, Op.XOR]),
)
def test_arithmetic_wraps(a: int, b: int, op: Op) -> None:
    """Against Python's unbounded integers, cut to 64 bits."""
    model = {
        Op.PLUS: a + b, Op.MINUS: a - b, Op.MUL: a * b, Op.AND: a & b, Op.OR: a | b, Op.XOR: a ^ b,
    }  # fmt: skip
    code = bytes([Op.CONST8U, *a.to_bytes(8, "little"), Op.CONST8U, *b.to_bytes(8, "little"), op])
    assert evaluate_number(code, Frame()) == model[op] & M64
