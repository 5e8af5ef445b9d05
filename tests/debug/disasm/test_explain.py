"""Instructions in words: every one of a real program has a sentence, and values fit in."""

from __future__ import annotations

import re

import pytest

from starrylab.debug.disasm import Disassembler, Flow, explain
from starrylab.debug.disasm.listing import as_text, listing
from starrylab.debug.symbols.image import ElfImage
from starrylab.userland import build

DECODER = Disassembler("riscv64")


def words(code: str, values: dict[str, int] | None = None) -> str:
    instruction = DECODER.one(bytes.fromhex(code), 0x1000)
    return explain("riscv64", instruction, values, lambda address: f"<f+{address - 0x1000}>")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("06ec", "Stores all 8 bytes of ra in memory at sp + 24."),
        ("0325c4ff", "Loads 4 bytes, sign-extended, from memory at s0 - 4 into a0."),
        ("2e85", "Copies a1 to a0."),
        ("7dd1", "Branches to 0xfe6 <f+-26> if a0 is zero."),
        ("ef000001", "Calls 0x1010 <f+16>; ra gets the return address."),
        ("3b05b540", "Sets a0 to a0 - a1, from and in 32 bits, sign-extended."),
        ("af220514", ("Loads 4 bytes at a0 into t0 and reserves the address. "
         "Later accesses stay behind it (aq).")),
        ("531505c2", ("Converts fa0, a double-precision number, to a signed 32-bit integer in a0. "
         "Rounds towards zero.")),
        ("0f003003", ("Orders accesses before it (rw) with those after it (rw); r reads, w writes, "
         "i and o of devices.")),
        ("73253000", "Reads the floating-point control and status register into a0."),
        ("ffffffff", "Not an instruction that is known here: data, or a rare extension."),
    ],
)  # fmt: skip
def test_sentences(code: str, sentence: str) -> None:
    assert words(code) == sentence


def test_values_of_now() -> None:
    assert words("06ec", {"ra": 0x10, "sp": 0x2000}).endswith(
        "(ra = 0x10, the address is 0x2018 <f+4120>)"
    )


def test_an_address_in_two_halves() -> None:
    """A call and a load, each with the auipc before it."""
    code = bytes.fromhex("97200000 e7800001 17050000 0335c500")
    call, load = list(DECODER.decode(code, 0x1000))[1::2]
    assert (call.text, call.target) == ("jalr 16(ra)", 0x3010)
    assert (load.text, load.reference) == ("ld a0, 12(a0)", 0x1014)
    assert explain("riscv64", call, None, hex) == (
        "Calls the function at ra + 16; ra gets the return address. "
        "(with the auipc before it: 0x3010 0x3010)"
    )


def test_every_instruction_of_a_program_has_words() -> None:
    image = ElfImage.open(build.programs("riscv64") / "starry")
    code = image.section(".text")
    assert code is not None
    silent = set()
    for instruction in DECODER.decode(bytes(code), 0):
        text = explain("riscv64", instruction)
        if instruction.flow is not Flow.INVALID and (not text or re.search(r"[{}?]", text)):
            silent.add(instruction.text)
    assert silent == set()


def test_a_listing_shows_lines_where_they_begin() -> None:
    lines = {0x1000: ("a.c", 3), 0x1002: ("a.c", 3), 0x1004: ("a.c", 4)}
    rows = list(listing(DECODER, bytes.fromhex("01000100eff0dfff"), 0x1000, lines.get, hex))
    assert [(row.line, row.starts_line, row.target) for row in rows] == [
        (3, True, ""), (3, False, ""), (4, True, "0x1000")]  # fmt: skip
    text = list(as_text(iter(rows), lambda file, line: f"line {line};" if line == 3 else None))
    assert text == [
        "3\tline 3;",
        "  0x1000: 0001      nop",
        "  0x1002: 0001      nop",
        "a.c:4",
        "  0x1004: ffdff0ef  jal 0x1000 0x1000",
    ]
