"""Go's own function table: written by hand, and that of Debian's stripped ``go`` program."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.debug.symbols import ElfImage, ImageError, Symbols
from starrylab.debug.symbols.go_table import GoFrame
from tests.debug.dwarf_writer import TEXT, Section, elf, uleb
from tests.oracle import debian
from tests.oracle.fixtures import _or_missing as or_missing

HEADER = 8 + 8 * 8


def run(*pairs: tuple[int, int]) -> bytes:
    """Encode (value, bytes of code); values count from -1, and change by zigzag numbers."""
    out, last = b"", -1
    for value, length in pairs:
        change = value - last
        out += uleb(change << 1 if change >= 0 else (-change << 1) - 1) + uleb(length // 2)
        last = value
    return out + b"\0"


def table(text: int = TEXT) -> bytes:
    """Return a table of two functions: ``main.main`` in two files, ``runtime.goexit``."""
    names = b"main.main\0runtime.goexit\0"
    files = b"/src/main.go\0/go/asm.s\0"
    units = struct.pack("<II", 0, 13)
    runs = bytearray(b"\0")
    places = []
    for part in (run((0, 8), (1, 8)), run((10, 4), (7, 4), (300, 8)), run((1, 16)), run((5, 16)),
                 run((0, 4), (32, 12)), run((0, 16))):  # fmt: skip
        places.append(len(runs))
        runs += part
    name_at, unit_at = HEADER, HEADER + len(names)
    file_at = unit_at + len(units)
    run_at = file_at + len(files)
    function_at = run_at + len(runs)
    records = [20, 20 + 44]
    functions = struct.pack("<5I", 0, records[0], 16, records[1], 32)
    first, last = (0, 0, *places[:2], places[4], 0), (16, 10, *places[2:4], places[5], 1)
    for entry, name, file, line, stack, flags in (first, last):
        functions += struct.pack("<IiiIIIIIIi4B", entry, name, 0, 0, stack, file, line, 0, 0, 1,
                                 0, flags, 0, 0)  # fmt: skip
    head = struct.pack("<IHBB8Q", 0xFFFFFFF1, 0, 2, 8, 2, 2, text, name_at, unit_at, file_at,
                       run_at, function_at)  # fmt: skip
    return head + names + units + files + bytes(runs) + functions


def symbols_of(content: bytes, *more: Section) -> Symbols:
    sections = [Section(".gopclntab", content), Section(".text", b"", address=TEXT), *more]
    return Symbols.of(ElfImage.from_bytes(elf(sections), "go"), [])


@pytest.mark.parametrize("text", [TEXT, 0])  # 0: the linker leaves it to the section
def test_functions_and_lines(text: int) -> None:
    symbols = symbols_of(table(text))
    found = {
        offset: (at.function, at.file, at.line, at.offset)
        for offset in (0, 3, 4, 8, 15, 16, 31, 32)
        for at in symbols.lookup(TEXT + offset)
    }
    assert found == {
        0: ("main.main", "/src/main.go", 10, 0),
        3: ("main.main", "/src/main.go", 10, 3),
        4: ("main.main", "/src/main.go", 7, 4),
        8: ("main.main", "/go/asm.s", 300, 8),
        15: ("main.main", "/go/asm.s", 300, 15),
        16: ("runtime.goexit", "/go/asm.s", 5, 0),
        31: ("runtime.goexit", "/go/asm.s", 5, 15),
        32: ("", "", 0, -1),
    }
    assert symbols.function_range(TEXT + 20) == (TEXT + 16, TEXT + 32)
    assert symbols.line_range(TEXT + 5) == (TEXT + 4, TEXT + 8)
    assert symbols.line_range(TEXT + 20) == (TEXT + 16, TEXT + 32)
    assert symbols.line_range(TEXT + 32) is None
    (match,) = symbols.find_function("runtime.goexit")
    assert (match.address, match.file, match.line) == (TEXT + 16, "/go/asm.s", 5)


def test_frames() -> None:
    symbols = symbols_of(table())
    assert symbols.go_frame(TEXT) == GoFrame(TEXT, 0, is_first=False, moves_stack=False)
    assert symbols.go_frame(TEXT + 4) == GoFrame(TEXT, 32, is_first=False, moves_stack=False)
    assert symbols.go_frame(TEXT + 16) == GoFrame(TEXT + 16, 0, is_first=True, moves_stack=False)
    assert symbols.go_frame(TEXT + 32) is None


def test_names_of_a_program_that_uses_shared_libraries() -> None:
    """Its .dynsym, which a stripped program keeps, has few of its functions or none."""
    names = Section(".dynstr", b"\0_start\0", type=3)  # the third section
    first = struct.pack("<IBBHQQ", 1, 0x12, 0, 1, TEXT + 16, 16)
    dynamic = Section(".dynsym", bytes(24) + first, type=11, link=3, entry=24)
    symbols = symbols_of(table(), names, dynamic)
    assert [match.address for match in symbols.find_function("main.main")] == [TEXT]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_table_never_raises(data: st.DataObject) -> None:
    content = bytearray(table())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for candidate in (bytes(content), bytes(content[:cut])):
        try:
            symbols = symbols_of(candidate)
        except ImageError:
            continue
        for offset in range(0, 33, 4):
            assert symbols.lookup(TEXT + offset)
            symbols.go_frame(TEXT + offset)
            symbols.line_range(TEXT + offset)
        symbols.find_function("main.main")


def test_a_stripped_program() -> None:
    root = or_missing(lambda: debian.tree("go", ("golang-1.24-go",)))
    symbols = Symbols.of(ElfImage.open(root / "usr/lib/go-1.24/bin/go"), [])
    assert len(symbols.table) > 5000
    for name, file in {
        "main.main": "cmd/go/main.go",
        "runtime.mallocgc": "runtime/malloc.go",
        "runtime.(*mheap).alloc": "runtime/mheap.go",
        "fmt.Fprintf": "fmt/print.go",
    }.items():
        (match,) = symbols.find_function(name)
        assert match.file.endswith(file)
        assert match.line > 0
        (frame,) = symbols.lookup(match.address + 4)
        assert frame.function == name
