"""Entries of real programs, attribute by attribute, beside those of pyelftools."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from elftools.dwarf.enums import ENUM_DW_AT, ENUM_DW_TAG
from elftools.elf.elffile import ELFFile

from starrylab.debug.symbols import dw
from starrylab.debug.symbols.info import Info
from tests.debug.dwarf_writer import elf
from tests.debug.symbols.programs import VARIANTS
from tests.debug.symbols.test_oracle import load

UNITS = 12  #: of each file, taken by chance


def compare(info: Info, units, theirs) -> int:
    """Compare whole units; return the number of entries."""
    count = 0
    by_offset = {unit.cu_offset: unit for unit in theirs}
    for unit in units:
        other = by_offset[unit.start]
        assert unit.version == other["version"]
        mine = [unit.root, *unit.root.descendants()]
        expected = [die for die in other.iter_DIEs() if not die.is_null()]
        assert [die.offset for die in mine] == [die.offset for die in expected]
        for die, its in zip(mine, expected, strict=True):
            assert die.tag == ENUM_DW_TAG.get(its.tag, its.tag)
            assert [(name, value.raw) for name, value in die.attributes.items()] == [
                (ENUM_DW_AT.get(name, name), raw(attribute))
                for name, attribute in its.attributes.items()
            ]
            name = its.attributes.get("DW_AT_name")
            if name is not None:
                assert die.text(dw.AT_NAME) == name.value.decode()
            count += 1
    return count


def raw(attribute):
    """Return a value as we keep it: blocks as bytes, and what is read elsewhere as its number."""
    value = attribute.raw_value
    if isinstance(value, list):
        return bytes(value)
    return 1 if attribute.form == "DW_FORM_flag_present" else value


@pytest.mark.parametrize("variant", VARIANTS)
def test_written_units(variant: str) -> None:
    data = elf(VARIANTS[variant]().sections())
    theirs = ELFFile(io.BytesIO(data)).get_dwarf_info().iter_CUs()
    from tests.debug.symbols.programs import image

    info = Info.of(image(variant))
    assert compare(info, info.units(), theirs) > 8


@pytest.mark.parametrize("name", ["python", "libc", "libstdc++", "starry"])
def test_units_of_programs(name: str) -> None:
    symbols, path = load(name)
    small = [unit for unit in symbols.info.units() if unit.end - unit.start < 20_000]
    units = random.Random(name).sample(small, min(UNITS, len(small)))
    with Path(path).open("rb") as file:
        dwarf = ELFFile(file).get_dwarf_info()
        theirs = [dwarf.get_CU_at(unit.start) for unit in units]
        assert compare(symbols.info, units, theirs) > 1000
