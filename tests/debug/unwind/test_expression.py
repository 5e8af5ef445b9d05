"""DWARF expressions as call frame information has them."""

from __future__ import annotations

import contextlib
import operator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.debug.unwind.cursor import CfiError
from starrylab.debug.unwind.expression import evaluate

from .frame_writer import sleb, uleb

M64 = (1 << 64) - 1


@dataclass
class Machine:
    registers: list[int | None] = field(default_factory=lambda: [0, 0x100, 0x200, None])
    memory: dict[int, int] = field(default_factory=dict)

    def load(self, addr: int, size: int) -> int | None:
        value = self.memory.get(addr)
        return None if value is None else value & (1 << 8 * size) - 1


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (b"\x35", 5),  # lit5
        (b"\x08\xff", 255),
        (b"\x09\xff", M64),
        (b"\x0b\x00\x80", M64 - 0x7FFF),
        (b"\x10" + uleb(1 << 40), 1 << 40),
        (b"\x11" + sleb(-3), M64 - 2),
        (b"\x71\x08", 0x108),  # breg1 + 8
        (b"\x92\x02" + sleb(-16), 0x1F0),
        (b"\x35\x33\x1c", 2),  # 5 - 3
        (b"\x11\x79\x32\x1b", M64 - 2),  # -7 / 2 rounds towards zero
        (b"\x37\x33\x1d", 1),
        (b"\x35\x12\x1e", 25),  # dup, mul
        (b"\x31\x32\x14\x22", 3),  # over, plus: 1 2 1 -> 1 3
        (b"\x31\x32\x33\x17\x1c", M64),  # rot: 1 2 3 -> 3 1 2; 1 - 2
        (b"\x35\x23\x0a", 15),  # plus_uconst
        (b"\x31\x28\x01\x00\x96\x37", 7),  # bra over a nop
        (b"\x2f\x01\x00\x31\x38", 8),  # skip
        (b"\x31\x11\x7f\x2c", 0),  # 1 <= -1
        (b"\x11\x7f\x31\x2d", 1),  # -1 < 1
        (b"\x11\x70\x34\x26", M64),  # -16 >> 4, arithmetic
        (b"\x31\x08\x50\x24", 0),  # 1 << 80
        (b"\x35\x1f", M64 - 4),
        (b"\x35\x20", M64 - 5),
        (b"\x11\x7b\x19", 5),
    ],
)
def test_operations(code: bytes, result: int) -> None:
    assert evaluate(code, Machine()) == result


def test_memory_and_the_initial_entry() -> None:
    machine = Machine(memory={0x108: 0x1122334455667788})
    assert evaluate(b"\x71\x08\x06", machine) == 0x1122334455667788
    assert evaluate(b"\x71\x08\x94\x02", machine) == 0x7788
    assert evaluate(b"\x23\x08", machine, (0x100,)) == 0x108


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"", "takes more from its stack"),
        (b"\x22", "takes more from its stack"),
        (b"\x31\x30\x1b", "divides by zero"),
        (b"\x73\x00", "register 3, whose value is lost"),
        (b"\x90\x00", "has no place"),
        (b"\x35\x06", "cannot be read"),
        (b"\x0c\x01", "end in the middle"),
        (b"\x2f\xf0\xff", "branches out"),
        (b"\x2f\xfd\xff", "goes on after"),
    ],
)
def test_what_cannot_be_evaluated_is_named(code: bytes, message: str) -> None:
    with pytest.raises(CfiError, match=message):
        evaluate(code, Machine())


@settings(deadline=None)
@given(st.integers(0, M64), st.integers(0, M64), st.sampled_from(["add", "sub", "and_", "xor"]))
def test_arithmetic_is_that_of_64_bits(a: int, b: int, name: str) -> None:
    code = {"add": 0x22, "sub": 0x1C, "and_": 0x1A, "xor": 0x27}[name]
    constants = b"\x0e" + a.to_bytes(8, "little") + b"\x0e" + b.to_bytes(8, "little")
    assert evaluate(constants + bytes((code,)), Machine()) == getattr(operator, name)(a, b) & M64


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_random_expressions_end(code: bytes) -> None:
    with contextlib.suppress(CfiError):
        assert 0 <= evaluate(code, Machine(memory={0: 1, 8: 2}), (0x300,)) <= M64
