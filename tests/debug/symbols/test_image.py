"""ELF files: what is read of them, and what is said of those that are none."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.debug.symbols import ElfImage, ImageError, Symbols
from starrylab.userland import programs
from tests.debug.dwarf_writer import (
    NOBITS,
    RX,
    TEXT,
    Section,
    build_id,
    compressed,
    elf,
    symbols,
)
from tests.oracle.fixtures import _missing as missing


def image(*sections: Section, **options) -> ElfImage:
    return ElfImage.from_bytes(elf(sections, **options), "test")


def test_sections_and_segments() -> None:
    found = image(Section(".debug_str", b"abc"), Section(".text", b"xy", address=TEXT))
    assert bytes(found.section(".debug_str") or b"") == b"abc"
    assert found.section_address(".text") == TEXT
    assert found.section(".absent") is None
    assert [(s.vaddr, s.flags) for s in found.segments()] == [(TEXT, RX)]
    assert bytes(found.read(TEXT, 4) or b"") == b"\x13\0\0\0"
    assert found.read(TEXT, 1 << 20) is None
    assert found.is_code(TEXT + 4)
    assert not found.is_code(TEXT - 1)
    assert not found.is_pie
    assert image(kind=3).is_pie


def test_compressed_sections_are_read_plain() -> None:
    text = b"some words " * 100
    old = b"ZLIB" + len(text).to_bytes(8, "big") + zlib.compress(text)
    found = image(compressed(Section(".debug_info", text)), Section(".zdebug_line", old))
    assert bytes(found.section(".debug_info") or b"") == text
    assert bytes(found.section(".debug_line") or b"") == text


@pytest.mark.parametrize("form", ["zlib", "zlib-gnu", "zstd"])
def test_sections_that_binutils_compressed(form: str, tmp_path: Path) -> None:
    tool = shutil.which("riscv64-linux-gnu-objcopy")
    if tool is None:
        missing("riscv64-linux-gnu-objcopy is missing; install binutils-riscv64-linux-gnu")
    plain = ElfImage.open(programs("riscv64") / "starry")
    packed = tmp_path / "packed"
    subprocess.run([tool, f"--compress-debug-sections={form}", plain.path, packed], check=True)
    found = ElfImage.open(packed)
    for name in (".debug_info", ".debug_line", ".debug_str", ".debug_abbrev"):
        assert found.section(name) == plain.section(name)
    assert len(found.data) < len(plain.data)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        (1).to_bytes(4, "little") + bytes(4) + (1 << 62).to_bytes(8, "little") + bytes(8),
        (1).to_bytes(4, "little") + bytes(4) + (5).to_bytes(8, "little") + bytes(8) + b"junk",
        (2).to_bytes(4, "little") + bytes(4) + (5).to_bytes(8, "little") + bytes(8) + b"zstd?",
        (2).to_bytes(4, "little") + bytes(4) + (1 << 62).to_bytes(8, "little") + bytes(8),
        (3).to_bytes(4, "little") + bytes(4) + (5).to_bytes(8, "little") + bytes(8) + b"other",
    ],
)
def test_what_cannot_be_decompressed_is_said(content: bytes) -> None:
    found = image(Section(".debug_info", content, flags=0x800))
    with pytest.raises(ImageError, match=r"^test: .*\.debug_info"):
        found.section(".debug_info")


def test_build_id_and_debug_link() -> None:
    link = b"prog.debug\0\0" + (0x12345678).to_bytes(4, "little")
    found = image(build_id(b"\xab\xcd\xef"), Section(".gnu_debuglink", link))
    assert found.build_id == b"\xab\xcd\xef"
    assert found.debug_link == ("prog.debug", 0x12345678)
    assert image().build_id == b""
    with pytest.raises(ImageError, match="debuglink"):
        _ = image(Section(".gnu_debuglink", b"x")).debug_link


def test_a_section_without_bytes_is_none() -> None:
    assert image(Section(".debug_info", b"", NOBITS)).section(".debug_info") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"#!/bin/sh\n" * 10, "not an ELF file"),
        (b"\x7fELF" + bytes(10), "not an ELF file"),
        (b"\x7fELF\x01\x01\x01" + bytes(60), "only 64-bit little-endian"),
    ],
)
def test_other_files_are_refused(tmp_path, content: bytes, reason: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=reason) as caught:
        ElfImage.open(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "absent", "/dev/zero"):
        with pytest.raises(ImageError, match=str(path)):
            ElfImage.open(path)


def test_headers_outside_the_file_are_said() -> None:
    data = bytearray(elf([Section(".debug_str", b"abc")]))
    data[0x28:0x30] = (1 << 40).to_bytes(8, "little")
    with pytest.raises(ImageError, match="section headers"):
        ElfImage.from_bytes(bytes(data), "test").section(".debug_str")


def test_symbols_without_debug_information() -> None:
    rows = [
        ("start", TEXT, 8),
        ("alias", TEXT, 8),
        ("_ZN3foo3barEi", TEXT + 8, 8),
        ("asm", TEXT + 32, 0),
    ]
    found = Symbols.of(image(*symbols(rows)), [])
    assert found.lookup(TEXT + 4)[0].function == "start"
    assert found.lookup(TEXT + 12)[0].function == "foo::bar(int)"
    assert found.lookup(TEXT + 12)[0].linkage_name == "_ZN3foo3barEi"
    assert found.lookup(TEXT + 12)[0].offset == 4
    assert found.lookup(TEXT + 20)[0].function == ""  # between two symbols with sizes
    assert found.lookup(TEXT + 100)[0].function == "asm"  # without a size: up to the next
    assert found.lookup(0)[0].function == ""
    assert [match.address for match in found.find_function("foo::bar")] == [TEXT + 8]
    assert [match.address for match in found.find_function("alias")] == [TEXT]
    assert found.find_function("nothing") == []
    assert found.function_range(TEXT + 9) == (TEXT + 8, TEXT + 16)


FILE = elf([*symbols([("start", TEXT, 8)]), build_id(b"12345678"), Section(".debug_info", b"abc")])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_answers_or_says_why(data: st.DataObject) -> None:
    content = bytearray(FILE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    cut = data.draw(st.integers(0, len(content)))
    for candidate in (bytes(content), bytes(content[:cut])):
        try:
            found = ElfImage.from_bytes(candidate, "test")
            Symbols.of(found, []).lookup(TEXT)
            for section in found.sections:
                found.section(section.name)
            _ = found.build_id, found.debug_link, found.segments()
        except ImageError:
            continue
