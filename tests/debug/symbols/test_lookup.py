"""Addresses to functions, lines and inlined frames, in every way that DWARF can say them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.debug.symbols import ElfImage, ImageError, Symbols
from starrylab.debug.symbols.info import Info
from tests.debug.dwarf_writer import Section, compressed, elf
from tests.debug.symbols.programs import ANSWERS, COLD, END, INNER, MAIN, OUTER, VARIANTS, image


def answer(symbols: Symbols, addr: int) -> list[tuple[str, int, int, bool]]:
    return [(at.function, at.line, at.column, at.inlined) for at in symbols.lookup(addr)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_form_gives_the_same_answers(variant: str) -> None:
    symbols = Symbols.of(image(variant), [])
    for _ in range(2):  # the first answer reads a part of the unit, later ones the whole
        assert {addr: answer(symbols, addr) for addr in ANSWERS} == ANSWERS
    assert {at.file for at in symbols.lookup(INNER)} == {"/src/main.c"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_first_answer_is_as_good_as_later_ones(variant: str) -> None:
    for addr, expected in ANSWERS.items():
        assert answer(Symbols.of(image(variant), []), addr) == expected


@pytest.mark.parametrize("variant", VARIANTS)
def test_ranges_of_functions_and_lines(variant: str) -> None:
    symbols = Symbols.of(image(variant), [])
    assert symbols.function_range(INNER) == (MAIN, END)
    assert symbols.function_range(COLD + 9) == (COLD, COLD + 16)
    assert symbols.function_range(END) is None
    assert symbols.line_range(MAIN + 4) == (MAIN, OUTER)
    assert symbols.line_range(END) is None
    assert symbols.lookup(MAIN + 6)[-1].offset == 6


@pytest.mark.parametrize("variant", VARIANTS)
def test_names_and_lines_to_addresses(variant: str) -> None:
    symbols = Symbols.of(image(variant), [])
    (main,) = symbols.find_function("main")
    assert (main.address, main.prologue_end, main.line) == (MAIN, OUTER, 20)
    for name in ("twice", "space::twice", "space::twice(int)", "_ZN5space5twiceEi"):
        assert [(m.address, m.inlined) for m in symbols.find_function(name)] == [(OUTER, True)]
    assert [m.address for m in symbols.find_function("leaf")] == [INNER, COLD + 8]
    assert symbols.find_function("other::twice") == []
    assert symbols.find_function("") == []
    assert symbols.find_line("main.c", 30) == [INNER]
    assert symbols.find_line("src/main.c", 15) == [OUTER]  # no code on 15: the next line that has
    assert symbols.find_line("ain.c", 10) == []
    assert symbols.find_line("main.c", 99) == []
    assert symbols.find_line("/src/main.c", 10) == [OUTER]  # behind the prologue
    assert "/src/main.c" in symbols.source_files()


def test_compressed_debug_information() -> None:
    sections = [compressed(section) for section in VARIANTS["5"]().sections()]
    symbols = Symbols.of(ElfImage.from_bytes(elf(sections), "compressed"), [])
    assert answer(symbols, INNER) == ANSWERS[INNER]


def test_units_of_several_versions_in_one_file() -> None:
    """One unit of a version that nobody knows does not hide the others."""
    sections = {section.name: section for section in VARIANTS["4"]().sections()}
    strange = b"\x06\0\0\0\x09\0\0\0\0\0"
    info = Section(".debug_info", strange + sections[".debug_info"].data)
    # Everything in the second unit moves by the size of the first: only references within it stay.
    others = [section for name, section in sections.items() if name != ".debug_info"]
    symbols = Symbols.of(ElfImage.from_bytes(elf([*others, info]), "mixed"), [])
    assert answer(symbols, MAIN) == ANSWERS[MAIN]


def test_entries_one_by_one() -> None:
    for variant in VARIANTS:
        info = Info.of(image(variant))
        (unit,) = info.units()
        names = [die.name for die in unit.root.children()]
        assert names == ["leaf", "twice", "twice", "main"]
        main = list(unit.root.children())[3]
        assert [die.tag for die in main.descendants()] == [0x34, 0x1D, 0x1D, 0x1D]
        assert next(main.children()).block(0x02) == b"\x91\x10"
        assert main.ranges() == [(MAIN, END), (COLD, COLD + 16)]
        with pytest.raises(ImageError):
            info.die(unit, unit.end + 1)


FILES = {variant: elf(VARIANTS[variant]().sections()) for variant in VARIANTS}
#: where the debug sections start: the code before them does not matter
FIRST = {
    variant: ElfImage.from_bytes(data, "x").section_table[".debug_info"].offset
    for variant, data in FILES.items()
}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(VARIANTS)), st.data())
def test_damaged_debug_information_never_raises(variant: str, data: st.DataObject) -> None:
    content = bytearray(FILES[variant])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(FIRST[variant], len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    try:
        symbols = Symbols.of(ElfImage.from_bytes(bytes(content), "damaged"), [])
    except ImageError:
        return
    started = time.monotonic()
    for addr in (MAIN, INNER, COLD + 8, END, 0, (1 << 64) - 1):
        assert symbols.lookup(addr)
        symbols.function_range(addr)
        symbols.line_range(addr)
    symbols.find_function("twice")
    symbols.find_line("main.c", 20)
    symbols.source_files()
    assert time.monotonic() - started < 5
    try:
        for unit in symbols.info.units():
            for die in unit.root.descendants():
                assert isinstance(die.name, str)
                die.ranges()
    except ImageError:
        return


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(VARIANTS)), st.data())
def test_cut_sections_never_raise(variant: str, data: st.DataObject) -> None:
    sections = VARIANTS[variant]().sections()
    victim = data.draw(st.sampled_from(sections))
    victim.data = victim.data[: data.draw(st.integers(0, len(victim.data)))]
    symbols = Symbols.of(ElfImage.from_bytes(elf(sections), "cut"), [])
    for addr in ANSWERS:
        assert symbols.lookup(addr)
    symbols.find_function("leaf")
    symbols.find_line("main.c", 20)
