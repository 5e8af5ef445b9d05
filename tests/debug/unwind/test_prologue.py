"""Frames from instructions; the encodings were made by an assembler and are named beside."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.arch.riscv64_prologue import RA, S0, SP, Step, decode, is_call, recover

# Encodings by GNU as, -march=rv64gc.
C = {
    "addi sp,sp,-32": 0x1101,
    "addi sp,sp,32": 0x6105,
    "addi sp,sp,-64": 0x7139,
    "addi s0,sp,32": 0x1000,
    "addi s0,sp,64": 0x0080,
    "sd ra,24(sp)": 0xEC06,
    "sd s0,16(sp)": 0xE822,
    "ld ra,24(sp)": 0x60E2,
    "ld s0,16(sp)": 0x6442,
    "ret": 0x8082,
    "mv a0,s1": 0x8526,
    "li a0,1": 0x4505,
    "j .": 0xA001,
    "beqz a0,.": 0xC101,
    "jalr a5": 0x9782,
}
WORDS = {
    "addi sp,sp,-2032": 0x81010113,
    "sd ra,2024(sp)": 0x7E113423,
    "addi s0,sp,2032": 0x7F010413,
    "jal ra,.": 0x000000EF,
    "ecall": 0x00000073,
    "sd s1,-24(s0)": 0xFE943423,
}


def code(*names: str) -> bytes:
    return b"".join(
        struct.pack("<H", C[name]) if name in C else struct.pack("<I", WORDS[name])
        for name in names
    )


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("addi sp,sp,-32", Step("add", SP, SP, -32)),
        ("addi sp,sp,32", Step("add", SP, SP, 32)),
        ("addi sp,sp,-64", Step("add", SP, SP, -64)),
        ("addi s0,sp,32", Step("add", S0, SP, 32)),
        ("addi s0,sp,64", Step("add", S0, SP, 64)),
        ("sd ra,24(sp)", Step("store", RA, SP, 24)),
        ("sd s0,16(sp)", Step("store", S0, SP, 16)),
        ("ld ra,24(sp)", Step("load", RA, SP, 24)),
        ("ld s0,16(sp)", Step("load", S0, SP, 16)),
        ("ret", Step("ret")),
        ("j .", Step("jump")),
        ("beqz a0,.", Step("jump")),
        ("jalr a5", Step("jump")),
        ("mv a0,s1", Step("add", 10, 9)),
        ("addi sp,sp,-2032", Step("add", SP, SP, -2032)),
        ("sd ra,2024(sp)", Step("store", RA, SP, 2024)),
        ("addi s0,sp,2032", Step("add", S0, SP, 2032)),
        ("sd s1,-24(s0)", Step("store", 9, S0, -24)),
        ("jal ra,.", Step("jump")),
        ("ecall", Step("")),
    ],
)
def test_decoding(name: str, step: Step) -> None:
    text = code(name)
    assert decode(text, 0) == (step, len(text))


PROLOGUE = ("addi sp,sp,-32", "sd ra,24(sp)", "sd s0,16(sp)", "addi s0,sp,32")


def at(offset: int, text: bytes) -> tuple[int, int, dict[int, int]]:
    found = recover(text, 0x1000, 0x1000 + offset)
    return found.register, found.offset, found.saved


def test_a_prologue_step_by_step() -> None:
    text = code(*PROLOGUE, "jal ra,.", "j .")
    assert at(0, text) == (SP, 0, {})
    assert at(2, text) == (SP, 32, {})
    assert at(4, text) == (SP, 32, {RA: -8})
    assert at(6, text) == (SP, 32, {RA: -8, S0: -16})
    assert at(8, text) == (S0, 0, {RA: -8, S0: -16})
    assert at(12, text) == (S0, 0, {RA: -8, S0: -16})


def test_an_epilogue_step_by_step() -> None:
    body = code(*PROLOGUE, "jal ra,.")
    text = body + code("ld ra,24(sp)", "ld s0,16(sp)", "addi sp,sp,32", "ret")
    start = len(body)
    assert at(start, text) == (SP, 32, {RA: -8, S0: -16})
    assert at(start + 2, text) == (SP, 32, {S0: -16})
    assert at(start + 4, text) == (SP, 32, {})
    assert at(start + 6, text) == (SP, 0, {})


def test_code_behind_an_early_return_has_the_frame_again() -> None:
    text = code(*PROLOGUE, "beqz a0,.", "ld ra,24(sp)", "addi sp,sp,32", "ret", "jal ra,.", "j .")
    assert at(20, text) == (S0, 0, {RA: -8, S0: -16})


def test_a_leaf_has_no_frame() -> None:
    text = code("li a0,1", "mv a0,s1", "ret")
    assert at(0, text) == at(2, text) == at(4, text) == (SP, 0, {})


@pytest.mark.parametrize(
    ("name", "result"), [("jal ra,.", True), ("jalr a5", True), ("ret", False)]
)
def test_what_ends_at_a_return_address(name: str, result: bool) -> None:
    assert is_call(code("li a0,1", "li a0,1", name)) is result


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 220))
def test_random_code(text: bytes, offset: int) -> None:
    found = recover(text, 0, offset)
    assert found.register in (SP, S0)
    is_call(text)
