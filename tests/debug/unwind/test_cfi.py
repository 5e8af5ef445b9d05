"""Finding the entry of an address, and the rules that it gives there."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.debug.unwind import rows
from starrylab.debug.unwind.cfi import FrameSection, SearchTable
from starrylab.debug.unwind.cursor import CfiError, Cursor
from starrylab.debug.unwind.rows import row_at

from .frame_writer import (
    REMEMBER,
    RESTORE,
    UNDEFINED_RA,
    Function,
    advance,
    cfa_offset,
    debug_frame,
    def_cfa,
    eh_frame,
    eh_frame_hdr,
    saved,
    sleb,
    uleb,
)

ADDRESS, HEADER = 0x5000, 0x4000
PROLOGUE = advance(4) + cfa_offset(32) + advance(8) + saved(1, 1) + saved(8, 2)
FUNCTIONS = (
    Function(0x1000, 0x100, PROLOGUE),
    Function(0x1100, 0x40, UNDEFINED_RA),
    Function(0x1800, 0x20, PROLOGUE),
)


def section(kind: str) -> FrameSection:
    if kind == "debug_frame":
        return FrameSection(debug_frame(FUNCTIONS), 0, eh=False)
    data = eh_frame(ADDRESS, FUNCTIONS)
    if kind == "scanned":
        return FrameSection(data, ADDRESS, eh=True)
    header = eh_frame_hdr(HEADER, ADDRESS, data)
    return FrameSection(data, ADDRESS, eh=True, header=header, header_address=HEADER)


@pytest.mark.parametrize("kind", ["table", "scanned", "debug_frame"])
def test_the_entry_of_an_address(kind: str) -> None:
    found = section(kind)
    for function in FUNCTIONS:
        for addr in (function.start, function.start + function.size - 1):
            fde = found.find(addr)
            assert fde is not None
            assert (fde.start, fde.end) == (function.start, function.start + function.size)
    for addr in (0, 0xFFF, 0x1140, 0x17FF, 0x1820, 1 << 40):
        assert found.find(addr) is None


@pytest.mark.parametrize("version", [1, 3, 4])
def test_versions_of_debug_frame(version: int) -> None:
    found = FrameSection(debug_frame(FUNCTIONS, version=version), 0, eh=False)
    assert found.find(0x1801) is not None


def test_rules_follow_the_prologue() -> None:
    fde = section("table").find(0x1000)
    assert fde is not None
    at = [row_at(fde, 0x1000 + offset) for offset in (0, 3, 4, 11, 12, 255)]
    assert [row.cfa_offset for row in at] == [0, 0, 32, 32, 32, 32]
    assert [1 in row.rules for row in at] == [False, False, False, False, True, True]
    assert at[-1].rules == {1: (rows.OFFSET, -8), 8: (rows.OFFSET, -16)}


def test_an_epilogue_in_the_middle() -> None:
    program = PROLOGUE + advance(4) + REMEMBER + b"\xc1" + cfa_offset(0) + advance(2) + RESTORE
    fde = FrameSection(eh_frame(0, [Function(0x1000, 64, program)]), 0, eh=True).find(0x1000)
    assert fde is not None
    inside, after = row_at(fde, 0x1010), row_at(fde, 0x1012)
    assert (inside.cfa_offset, 1 in inside.rules, 8 in inside.rules) == (0, False, True)
    assert (after.cfa_offset, after.rules) == (32, {1: (rows.OFFSET, -8), 8: (rows.OFFSET, -16)})


@pytest.mark.parametrize(
    ("program", "register", "rule"),
    [
        (b"\x05\x09\x03", 9, (rows.OFFSET, -24)),
        (b"\x11\x09" + sleb(-2), 9, (rows.OFFSET, 16)),
        (b"\x14\x09\x02", 9, (rows.VAL_OFFSET, -16)),
        (b"\x15\x09" + sleb(-2), 9, (rows.VAL_OFFSET, 16)),
        (b"\x09\x09\x0a", 9, (rows.REGISTER, 10)),
        (b"\x08\x09", 9, (rows.SAME, 0)),
        (b"\x07\x09", 9, (rows.UNDEFINED, 0)),
        (b"\x10\x09\x01\x96", 9, (rows.EXPRESSION, b"\x96")),
        (b"\x16\x09\x01\x96", 9, (rows.VAL_EXPRESSION, b"\x96")),
        (b"\x2f\x09\x02", 9, (rows.OFFSET, 16)),
        (b"\x2e\x10\x00" + saved(9, 1), 9, (rows.OFFSET, -8)),
    ],
)
def test_instructions(program: bytes, register: int, rule: object) -> None:
    fde = FrameSection(eh_frame(0, [Function(0x1000, 64, program)]), 0, eh=True).find(0x1000)
    assert fde is not None
    assert row_at(fde, 0x1000).rules[register] == rule


@pytest.mark.parametrize(
    ("program", "cfa"),
    [
        (def_cfa(8, 16), (8, 16)),
        (b"\x12\x08" + sleb(-3), (8, 24)),
        (b"\x0d\x08", (8, 0)),
        (b"\x13" + sleb(-2), (2, 16)),
        (b"\x0f\x02\x72\x08", (-1, 0)),
    ],
)
def test_the_frame_address(program: bytes, cfa: tuple[int, int]) -> None:
    fde = FrameSection(eh_frame(0, [Function(0x1000, 64, program)]), 0, eh=True).find(0x1000)
    assert fde is not None
    row = row_at(fde, 0x1000)
    assert (row.cfa_register, row.cfa_offset) == cfa


def test_a_signal_frame_is_marked() -> None:
    data = eh_frame(0, [Function(0x1000, 64)], augmentation=b"zRS")
    fde = FrameSection(data, 0, eh=True).find(0x1000)
    assert fde is not None
    assert fde.cie.signal_frame


@pytest.mark.parametrize(
    "program", [RESTORE, b"\x3d", b"\x0c\x02", b"\x05\xff\xff\xff\xff\x7f\x01"]
)
def test_nonsense_is_an_error(program: bytes) -> None:
    fde = FrameSection(eh_frame(0, [Function(0x1000, 64, program)]), 0, eh=True).find(0x1000)
    assert fde is not None
    with contextlib.suppress(CfiError):  # padding may complete a cut instruction
        row_at(fde, 0x1000)


def test_a_table_of_another_form_is_not_used() -> None:
    data = eh_frame(ADDRESS, FUNCTIONS)
    header = bytearray(eh_frame_hdr(HEADER, ADDRESS, data))
    header[3] = 0x1B
    assert SearchTable.parse(bytes(header), HEADER) is None
    found = FrameSection(data, ADDRESS, eh=True, header=bytes(header), header_address=HEADER)
    assert found.find(0x1000) is not None


@settings(deadline=None)
@given(st.integers(0, 1 << 70))
def test_uleb(value: int) -> None:
    assert Cursor(uleb(value)).uleb() == value


@settings(deadline=None)
@given(st.integers(-(1 << 70), 1 << 70))
def test_sleb(value: int) -> None:
    assert Cursor(sleb(value)).sleb() == value


@settings(deadline=None)
@given(st.binary(max_size=120), st.integers(0, 1 << 16))
def test_random_programs_end_in_a_row_or_an_error(program: bytes, offset: int) -> None:
    fde = FrameSection(eh_frame(0, [Function(0, 1 << 20, program)]), 0, eh=True).find(0)
    assert fde is not None
    with contextlib.suppress(CfiError):
        row_at(fde, offset)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 1 << 32), st.booleans())
def test_random_sections_do_not_raise_anything_else(data: bytes, addr: int, eh: bool) -> None:
    with contextlib.suppress(CfiError):
        FrameSection(data, 0, eh=eh, header=data[:64]).find(addr)


@settings(deadline=None)
@given(st.data())
def test_damaged_sections_do_not_raise_anything_else(data: st.DataObject) -> None:
    whole = bytearray(eh_frame(ADDRESS, FUNCTIONS))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    found = FrameSection(bytes(whole), ADDRESS, eh=True)
    for addr in (0x1000, 0x1100, 0x1800):
        with contextlib.suppress(CfiError):
            fde = found.find(addr)
            if fde is not None:
                row_at(fde, addr)
