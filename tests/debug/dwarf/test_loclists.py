"""Location lists, written by hand: every kind of entry, old and new."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.dwarf.errors import PROBLEMS, BadDwarf
from starrylab.debug.dwarf.loclists import entries, expression_at
from starrylab.debug.symbols import dw
from starrylab.debug.symbols.forms import Value


@dataclass
class Sections:
    lists: bytes

    def view(self, name: str) -> memoryview:
        return memoryview(self.lists)


@dataclass
class Unit:
    """A unit at 0x1000; .debug_addr has 0x2000, 0x2010, 0x2020 ..."""

    lists: bytes
    version: int = 5
    address_size: int = 8
    offset_size: int = 4
    low_pc: int = 0x1000
    base: int | None = None
    sections: Sections = field(init=False)

    def __post_init__(self) -> None:
        self.sections = Sections(self.lists)

    def indexed_address(self, index: int) -> int:
        return 0x2000 + 0x10 * index

    def root_number(self, name: int) -> int | None:
        return self.base


def word(value: int) -> bytes:
    return value.to_bytes(8, "little")


def listed(unit: Any, form: int = dw.FORM_SEC_OFFSET, at: int = 0) -> list[tuple[int, int, bytes]]:
    return [(e.start, e.end, e.code) for e in entries(unit, Value(form, at))]


NEW = b"".join([
    b"\x04\x10\x20\x01A",  # offset_pair
    b"\x09\x00\x01",  # view_pair (GNU)
    b"\x02\x01\x02\x01B",  # startx_endx
    b"\x03\x03\x08\x01C",  # startx_length
    b"\x06" + word(0x5000),  # base_address
    b"\x04\x00\x04\x01D",
    b"\x01\x04",  # base_addressx
    b"\x04\x00\x04\x01E",
    b"\x07" + word(0x6000) + word(0x6008) + b"\x01F",  # start_end
    b"\x08" + word(0x7000) + b"\x10\x01G",  # start_length
    b"\x05\x01H",  # default_location
    b"\x00",
])  # fmt: skip


def test_every_kind_of_dwarf_5() -> None:
    assert listed(Unit(NEW)) == [
        (0x1010, 0x1020, b"A"), (0x2010, 0x2020, b"B"), (0x2030, 0x2038, b"C"),
        (0x5000, 0x5004, b"D"), (0x2040, 0x2044, b"E"), (0x6000, 0x6008, b"F"),
        (0x7000, 0x7010, b"G"), (0, (1 << 64) - 1, b"H"),
    ]  # fmt: skip


def test_old_lists_and_their_base() -> None:
    data = b"".join([
        word(0x10), word(0x20), b"\1\0A",
        word((1 << 64) - 1), word(0x9000), word(0), word(4), b"\2\0BB",
        word(0), word(0),
    ])  # fmt: skip
    assert listed(Unit(data, version=4)) == [(0x1010, 0x1020, b"A"), (0x9000, 0x9004, b"BB")]


def test_an_index_goes_through_the_table_of_offsets() -> None:
    data = (
        b"#" * 12 + (8).to_bytes(4, "little") + (9).to_bytes(4, "little") + b"\x00" + b"\x05\1Z\0"
    )
    assert listed(Unit(data, base=12), dw.FORM_LOCLISTX, 1) == [(0, (1 << 64) - 1, b"Z")]
    assert listed(Unit(data), dw.FORM_LOCLISTX, 1) == [(0, (1 << 64) - 1, b"Z")]


def test_the_expression_of_an_address() -> None:
    unit: Any = Unit(NEW[: NEW.index(b"\x05\x01H")] + b"\0")
    value = Value(dw.FORM_SEC_OFFSET, 0)
    assert [expression_at(unit, value, pc) for pc in (0x1010, 0x101F, 0x1020)] == [b"A", b"A", None]
    assert expression_at(unit, Value(dw.FORM_EXPRLOC, b"code"), 5) == b"code"
    assert expression_at(unit, None, 5) is None


def test_unknown_kinds_are_told() -> None:
    with pytest.raises(BadDwarf, match="unknown kind 77"):
        listed(Unit(b"\x4d"))


@given(st.binary(max_size=80), st.sampled_from([2, 4, 5]))
def test_any_bytes_end(data: bytes, version: int) -> None:
    with contextlib.suppress(PROBLEMS):
        assert len(listed(Unit(data, version=version))) <= len(data)
