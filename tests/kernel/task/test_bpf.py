"""Classic BPF: what is refused, what programs compute, and that remembered answers are right."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.abi import seccomp as sc
from starrylab.abi.errno import EINVAL
from starrylab.kernel.task.bpf import Instruction, Program

LOAD = sc.BPF_LD | sc.BPF_ABS
WORD = st.integers(0, 0xFFFF_FFFF)
RETURN_A = Instruction(sc.BPF_RET | sc.BPF_A, 0, 0, 0)


def data(number: int = 0, argument: int = 0) -> bytes:
    return struct.pack("<iIQ6Q", number, 0xC00000F3, 0, argument, 0, 0, 0, 0, 0)


def load(offset: int) -> Instruction:
    return Instruction(LOAD, 0, 0, offset)


@given(WORD, WORD)
def test_arithmetic_is_modulo_2_to_the_32(a: int, b: int) -> None:
    expected = {
        sc.BPF_ADD: a + b, sc.BPF_SUB: a - b, sc.BPF_MUL: a * b, sc.BPF_XOR: a ^ b,
        sc.BPF_AND: a & b, sc.BPF_OR: a | b, sc.BPF_DIV: a // b if b else 0,
    }  # fmt: skip
    for operation, value in expected.items():
        program = Program(
            [
                Instruction(sc.BPF_LDX | sc.BPF_IMM, 0, 0, b),
                load(16),
                Instruction(sc.BPF_ALU | operation | sc.BPF_X, 0, 0, 0),
                RETURN_A,
            ]
        )
        assert program.run(data(argument=a)) == value & 0xFFFF_FFFF


@given(WORD, WORD)
def test_jumps_compare_unsigned(a: int, b: int) -> None:
    expected = {sc.BPF_JEQ: a == b, sc.BPF_JGT: a > b, sc.BPF_JGE: a >= b, sc.BPF_JSET: a & b}
    for test, value in expected.items():
        code = [
            load(16),
            Instruction(sc.BPF_JMP | test | sc.BPF_K, 0, 1, b),
            Instruction(sc.BPF_RET, 0, 0, 1),
            Instruction(sc.BPF_RET, 0, 0, 0),
        ]
        assert Program(code).run(data(argument=a)) == bool(value)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=2))
def test_what_depends_on_arguments_is_not_remembered(calls: list[tuple[int, int]]) -> None:
    program = Program(
        [
            load(0),
            Instruction(sc.BPF_JMP | sc.BPF_JEQ, 0, 1, 1),  # only call 1 looks at an argument
            load(16),
            RETURN_A,
        ]
    )
    for number, argument in calls:
        expected = argument if number == 1 else number
        assert program.run(data(number, argument)) == expected


def test_a_division_by_zero_returns_zero() -> None:
    divide = Instruction(sc.BPF_ALU | sc.BPF_DIV | sc.BPF_X, 0, 0, 0)
    assert Program([load(0), divide, Instruction(sc.BPF_RET, 0, 0, 5)]).run(data(7)) == 0


@pytest.mark.parametrize(
    "code",
    [
        [],
        [load(0)],
        [load(2), RETURN_A],
        [load(64), RETURN_A],
        [Instruction(sc.BPF_JMP | sc.BPF_JEQ, 0, 1, 0), RETURN_A],
        [Instruction(sc.BPF_JMP | sc.BPF_JA, 0, 0, 0xFFFF_FFFF), RETURN_A],
        [Instruction(sc.BPF_ST, 0, 0, 16), RETURN_A],
        [Instruction(sc.BPF_LD | sc.BPF_MEM, 0, 0, 0), RETURN_A],
        [Instruction(sc.BPF_ALU | sc.BPF_LSH | sc.BPF_K, 0, 0, 32), RETURN_A],
        [Instruction(0xFFFF, 0, 0, 0), RETURN_A],
        [RETURN_A] * 4097,
        # written on one way only
        [Instruction(sc.BPF_JMP | sc.BPF_JEQ, 0, 1, 0), Instruction(sc.BPF_ST, 0, 0, 1),
         Instruction(sc.BPF_LD | sc.BPF_MEM, 0, 0, 1), RETURN_A],
    ],
)  # fmt: skip
def test_bad_programs_are_refused(code: list[Instruction]) -> None:
    with pytest.raises(EINVAL):
        Program(code)


@given(st.lists(st.builds(Instruction, st.sampled_from([LOAD, 0x15, 0x05, 0x07, 0x02, 0x60, 0x16,
       0x06, 0x84, 0x3C, 0x87, 0x80]), st.integers(0, 3), st.integers(0, 3), st.integers(0, 70)),
       max_size=12))  # fmt: skip
def test_a_program_that_was_accepted_ends(code: list[Instruction]) -> None:
    try:
        program = Program(code)
    except EINVAL:
        return
    assert 0 <= program.run(data(1, 2)) <= 0xFFFF_FFFF
