"""Expressions without a program: grammar, conversions, assignment, and that no text does harm."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.dwarf.errors import PROBLEMS, NoMemory
from starrylab.debug.dwarf.format import show
from starrylab.debug.dwarf.frame import FrameState
from starrylab.debug.dwarf.locations import InMemory, InRegister
from starrylab.debug.dwarf.types import Array, Base, Body, Dimension, Encoding, Member, Struct, Type
from starrylab.debug.dwarf.values import Value
from starrylab.debug.language import Evaluator, ExpressionError, parse
from starrylab.debug.language.ctypes_lp64 import INT, LONG, pointer_to
from starrylab.debug.language.examine import Format, examine

CHAR = Base("char", 1, Encoding.UNSIGNED_CHAR)
BITS = Struct("bits", "struct", 4, lambda: Body((
    Member("low", lambda: INT, 0, 3), Member("high", lambda: INT, 3, 9),
)))  # fmt: skip
FIVE = Array("", lambda: INT, (Dimension(5),))


class Ram:
    """64 KiB at 0x1000."""

    def __init__(self) -> None:
        self.data = bytearray(1 << 16)

    def read(self, address: int, size: int) -> bytes:
        if not 0x1000 <= address <= 0x11000 - size:
            raise NoMemory(address)
        return bytes(self.data[address - 0x1000 : address - 0x1000 + size])

    def write(self, address: int, data: bytes) -> None:
        self.read(address, len(data))
        self.data[address - 0x1000 : address - 0x1000 + len(data)] = data


class Names:
    """A scope: x = 7, y = -2, s = "hello", five, bits, ptr, and the register a0."""

    def __init__(self) -> None:
        self.ram = Ram()
        self.registers = {10: 99}
        self.frame = FrameState(
            0, 0, self.registers, self.ram, set_register=self.registers.__setitem__
        )
        self.places: dict[str, tuple[Type, int]] = {
            "x": (INT, 0x1000), "y": (INT, 0x1004), "five": (FIVE, 0x1010), "bits": (BITS, 0x1030),
            "s": (Array("", lambda: CHAR, (Dimension(8),)), 0x1040),
            "ptr": (pointer_to(INT), 0x1050), "str": (pointer_to(CHAR), 0x1058),
        }  # fmt: skip
        for address, value in [(0x1000, 7), (0x1004, -2), (0x1050, 0x1010), (0x1058, 0x1040)]:
            self.ram.write(address, value.to_bytes(4, "little", signed=True))
        for index in range(5):
            self.ram.write(0x1010 + 4 * index, (index * index).to_bytes(4, "little"))
        self.ram.write(0x1040, b"hello\0")

    def variable(self, name: str) -> Value | None:
        if name not in self.places:
            return None
        kind, address = self.places[name]
        return Value(kind, InMemory(address), self.frame, None)  # type: ignore[arg-type]

    def type_named(self, name: str) -> Type | None:
        return {"struct bits": BITS, "word": INT}.get(name)

    def register(self, name: str) -> Value | None:
        if name != "a0":
            return None
        return Value(LONG, InRegister(10), self.frame, None)  # type: ignore[arg-type]

    def blank(self) -> Value:
        return Value(INT, InMemory(0), self.frame, None)  # type: ignore[arg-type]


def value(text: str, scope: Names | None = None) -> str:
    return show(Evaluator(scope or Names()).evaluate(text))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("x + y * 2", "3"),
        ("(word)3.9", "3"),
        ("(word *)s == str", "1"),
        ('s == "hello"', "1"),
        ('str != "hell"', "1"),
        ('"hello" == str && x == 7', "1"),
        ("five[x - 4]", "9"),
        ("ptr[2] + *ptr", "4"),
        ("ptr@2", "{0x1010, 0x1040}"),
        ("*ptr@3", "{0, 1, 4}"),
        ("x ? y ? 1 : 2 : 3", "1"),
        ("$a0 - 1", "98"),
        ("sizeof(int [7]) + sizeof x", "32"),
        ("-1 < 1u", "0"),
        ("-1 < 1", "1"),
        ("1 ? 2 : 1 / 0", "2"),
        ("0 && 1 / 0", "0"),
        ("x == 7 || 1 / 0", "1"),
        ("'\\x41'", "65 'A'"),
        ("x, y", "-2"),
    ],
)
def test_values(text: str, result: str) -> None:
    assert value(text) == result


@pytest.mark.parametrize(
    ("text", "look", "result"),
    [
        ("x = 12", "x", "12"),
        ("x += 5", "x", "12"),
        ("x = y = 3", "x * 10 + y", "33"),
        ("x++", "x", "8"),
        ("--x", "x", "6"),
        ("five[3] <<= 2", "five", "{0, 1, 4, 36, 16}"),
        ("*ptr = 77", "five[0]", "77"),
        ("bits.low = 2", "bits", "{low = 2, high = 0}"),
        ("bits.high = -5", "bits", "{low = 0, high = -5}"),
        ("$a0 = 0x1234", "$a0", "4660"),
        ("s[0] = 'J'", "s", '"Jello"'),
        ("ptr = &five[2]", "*ptr", "4"),
        ("x = 1.9", "x", "1"),
    ],
)
def test_assignment(text: str, look: str, result: str) -> None:
    scope = Names()
    Evaluator(scope).evaluate(text)
    assert value(look, scope) == result


def test_the_value_of_an_increment_behind_is_the_old_one() -> None:
    scope = Names()
    assert (value("x++", scope), value("++x", scope)) == ("7", "9")


def test_conditions() -> None:
    evaluator = Evaluator(Names())
    assert evaluator.condition("x > 3")
    assert not evaluator.condition('str == "x"')


INTS = st.integers(-(1 << 31), (1 << 31) - 1)


@given(INTS, INTS, st.sampled_from(["+", "-", "*", "&", "|", "^", "<", "<=", "==", "!="]))
def test_int_arithmetic_is_that_of_c(a: int, b: int, sign: str) -> None:
    model = eval(f"int({a} {sign} {b})")
    if sign in "+-*":
        model = ctypes.c_int(model).value
    assert Evaluator(Names()).evaluate(f"(int)({a}) {sign} (int)({b})").integer() == model


@given(INTS, INTS.filter(bool))
def test_division_rounds_towards_zero(a: int, b: int) -> None:
    evaluator = Evaluator(Names())
    quotient = evaluator.evaluate(f"(long)({a}) / ({b})").integer()
    rest = evaluator.evaluate(f"(long)({a}) % ({b})").integer()
    assert quotient * b + rest == a
    assert abs(rest) < abs(b)
    assert rest == 0 or (rest < 0) == (a < 0)


PIECES = st.sampled_from([
    "x", "y", "s", "ptr", "five", "bits", "$a0", "nothing", "1", "0x10", "2.5", "'c'", '"t"', "(",
    ")", "[", "]", ".", "->", "low", "*", "&", "+", "-", "/", "%", "!", "~", "<<", ">>", "==",
    "&&", "||", "?", ":", "=", "+=", "++", "@", ",", "sizeof", "int", "struct", "(int)", "(char *)",
    "::", " ", "\\", "'", '"',
])  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=14).map(" ".join), st.text(max_size=40)))
def test_no_text_does_harm(text: str) -> None:
    with suppress(*PROBLEMS):
        value(text)


def test_depth_and_length_are_bounded() -> None:
    with pytest.raises(ExpressionError, match="nested too deeply"):
        parse("(" * 500 + "1" + ")" * 500)
    with pytest.raises(ExpressionError, match="nested too deeply"):
        parse("-" * 500 + "1")
    with pytest.raises(ExpressionError, match="more than"):
        parse("1+" * 5000 + "1")


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        ("2xw", ["0x1010:\t0x00000000\t0x00000001"]),
        ("5dw", ["0x1010:\t0\t1\t4\t9", "0x1020:\t16"]),
        ("xg", ["0x1010:\t0x0000000100000000"]),
        ("4tb", ["0x1010:\t0\t0\t0\t0"]),
    ],
)
def test_examine(form: str, lines: list[str]) -> None:
    ram = Names().ram
    assert list(examine(0x1010, Format.parse(form), ram, lambda _: "")) == lines


def test_examine_strings_and_where_memory_ends() -> None:
    ram = Names().ram
    assert list(examine(0x1040, Format.parse("s"), ram, lambda _: "<s>")) == [
        '0x1040 <s>:\t"hello"'
    ]
    assert list(examine(0x10FF8, Format.parse("4xg"), ram, lambda _: ""))[-1].endswith(
        "cannot access memory at address 0x11000"
    )
    for wrong in ("q", "0x", "99999x", "x5"):
        with pytest.raises(ExpressionError):
            Format.parse(wrong)
