"""Indexes on disk, and debug information in files of its own."""

from __future__ import annotations

import os
import struct
import threading
import zlib
from pathlib import Path

import pytest

from starrylab.debug.symbols import ElfImage, Symbols
from starrylab.debug.symbols.cache import IndexCache, key_of
from starrylab.debug.symbols.packing import pack, unpack
from tests.debug.dwarf_writer import (
    ADDR,
    CALL_LINE,
    CU,
    DATA1,
    DATA4,
    HIGH,
    INLINE,
    INLINED,
    LOW,
    NAME,
    ORIGIN,
    REF_ALT,
    SEC_OFFSET,
    STMT_LIST,
    STRING,
    STRP_ALT,
    SUBPROGRAM,
    TEXT,
    Die,
    Dwarf,
    Section,
    build_id,
    elf,
)  # fmt: skip
from tests.debug.symbols.programs import ANSWERS, INNER, VARIANTS

ID = bytes(range(20))


def write(path: Path, *sections: Section) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(elf(sections))
    return path


def answer(symbols: Symbols, addr: int) -> list[tuple[str, int, int, bool]]:
    return [(at.function, at.line, at.column, at.inlined) for at in symbols.lookup(addr)]


def lookups(path: Path, cache: IndexCache) -> None:
    """Ask everything, and let the index go to disk."""
    symbols = Symbols.of(ElfImage.open(path), [], cache)
    assert {addr: answer(symbols, addr) for addr in ANSWERS} == ANSWERS
    symbols.settle()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return write(tmp_path / "program", *VARIANTS["5"]().sections())


def test_a_warm_answer_reads_no_debug_information(tmp_path: Path, program: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    lookups(program, cache)
    warm = Symbols.of(ElfImage.open(program), [], cache)
    assert {addr: answer(warm, addr) for addr in ANSWERS} == ANSWERS
    read = {name for name in warm.image._contents if name.startswith(".debug")}
    assert read == set()


def test_a_changed_file_has_another_index(tmp_path: Path, program: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    lookups(program, cache)
    before = key_of(ElfImage.open(program))
    program.write_bytes(elf(VARIANTS["4"]().sections()))
    assert key_of(ElfImage.open(program)) != before
    lookups(program, cache)


def sealed(magic: bytes, content: bytes) -> bytes:
    """Return a part with a checksum that is right."""
    return (
        magic
        + zlib.crc32(content).to_bytes(4, "little")
        + struct.pack("<Q", len(content))
        + content
    )


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "version", "lie", "fields"])
def test_a_damaged_index_is_made_anew(tmp_path: Path, program: Path, damage: str) -> None:
    cache = IndexCache(tmp_path / "cache")
    lookups(program, cache)
    parts = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(parts) >= 2
    for part in parts:
        data = part.read_bytes()
        content = {
            "cut": data[: len(data) // 2],
            "flip": data[:-1] + bytes([data[-1] ^ 1]),
            "empty": b"",
            "version": data[:7] + b"\xff" + data[8:],
            # The checksum is right, but there is something else: another program's, say.
            "lie": sealed(data[:8], b"words"),
            "fields": sealed(data[:8], pack([b"x"] * len(unpack(data[20:], 18) or [0] * 3))),
        }[damage]
        part.write_bytes(content)
    lookups(program, cache)


def test_writers_at_once_leave_whole_parts(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    content = os.urandom(1 << 16)
    threads = [
        threading.Thread(target=lambda: [cache.put("key", "part", content) for _ in range(30)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert cache.get("key", "part") in (None, content)
    assert cache.get("key", "part") == content
    assert [path.name for path in (tmp_path / "cache" / "key").iterdir()] == ["part"]


def test_the_oldest_indexes_go(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache", limit=2500)
    for number in range(5):
        cache.put(f"key{number}", "part", bytes(1000))
        os.utime(tmp_path / "cache" / f"key{number}" / "part", (number, number))
    cache.sweep()
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["key3", "key4"]


def test_a_host_that_permits_no_writing_keeps_no_index(tmp_path: Path, program: Path) -> None:
    (tmp_path / "file").write_text("")
    lookups(program, IndexCache(tmp_path / "file" / "cache"))


# Separate debug files.


@pytest.fixture
def debug() -> list[Section]:
    return VARIANTS["5"]().sections()


def test_a_debug_file_is_found_by_build_id(tmp_path: Path, debug: list[Section]) -> None:
    folder = tmp_path / "debug"
    write(folder / ".build-id" / ID.hex()[:2] / f"{ID.hex()[2:]}.debug", build_id(ID), *debug)
    stripped = ElfImage.open(write(tmp_path / "program", build_id(ID)))
    assert answer(Symbols.of(stripped, [folder]), INNER) == ANSWERS[INNER]
    other = ElfImage.open(write(tmp_path / "other", build_id(ID[::-1])))
    assert answer(Symbols.of(other, [folder]), INNER) == [("", 0, 0, False)]


def test_a_file_with_another_build_id_is_passed_over(tmp_path: Path, debug) -> None:
    folder = tmp_path / "debug"
    write(folder / ".build-id" / ID.hex()[:2] / f"{ID.hex()[2:]}.debug", build_id(ID[::-1]), *debug)
    stripped = ElfImage.open(write(tmp_path / "program", build_id(ID)))
    assert answer(Symbols.of(stripped, [folder]), INNER) == [("", 0, 0, False)]


@pytest.mark.parametrize("place", ["program.debug", ".debug/program.debug", "folder"])
def test_a_debug_file_is_found_by_its_link(tmp_path: Path, debug, place: str) -> None:
    folder = tmp_path / "debug"
    inside = folder / tmp_path.relative_to("/") / "program.debug"
    path = write(inside if place == "folder" else tmp_path / place, *debug)
    checksum = zlib.crc32(path.read_bytes()).to_bytes(4, "little")
    link = Section(".gnu_debuglink", b"program.debug\0\0\0" + checksum)
    stripped = ElfImage.open(write(tmp_path / "program", link))
    assert answer(Symbols.of(stripped, [folder]), INNER) == ANSWERS[INNER]
    path.write_bytes(path.read_bytes() + b"x")  # not the file that was linked to any more
    assert answer(Symbols.of(stripped, [folder]), INNER) == [("", 0, 0, False)]


# Debug information that several files share (dwz).


def shared_and_program() -> tuple[list[Section], list[Section]]:
    """Return the sections of a file of shared entries, and of one that refers to it."""
    shared = Dwarf(4)
    leaf = Die(SUBPROGRAM, [(NAME, STRING, "leaf"), (INLINE, DATA1, 1)])
    shared.unit(Die(0x3C, [(STMT_LIST, SEC_OFFSET, 0)], [leaf]))
    name = shared._put(shared.strings, "caller")
    program = Dwarf(4)
    inlined = Die(INLINED, [(ORIGIN, REF_ALT, leaf.offset), (LOW, ADDR, TEXT + 4), (HIGH, DATA4, 4),
                            (CALL_LINE, DATA1, 9)])  # fmt: skip
    caller = Die(
        SUBPROGRAM, [(NAME, STRP_ALT, name), (LOW, ADDR, TEXT), (HIGH, DATA4, 16)], [inlined]
    )
    program.unit(Die(CU, [(LOW, ADDR, TEXT), (HIGH, DATA4, 16)], [caller]))
    return shared.sections(), program.sections()


def test_shared_debug_information(tmp_path: Path) -> None:
    shared, program = shared_and_program()
    write(tmp_path / "debug" / ".dwz" / "common.debug", build_id(ID), *shared)
    link = Section(".gnu_debugaltlink", b"../.dwz/common.debug\0" + ID)
    path = write(tmp_path / "program", link, *program)
    symbols = Symbols.of(ElfImage.open(path), [tmp_path / "debug"])
    names = [(at.function, at.inlined) for at in symbols.lookup(TEXT + 4)]
    assert names == [("leaf", True), ("caller", False)]
    assert symbols.lookup(TEXT + 4)[1].line == 9
    assert [match.address for match in symbols.find_function("leaf")] == [TEXT + 4]


def test_lost_shared_debug_information_costs_names_only(tmp_path: Path) -> None:
    link = Section(".gnu_debugaltlink", b"common.debug\0" + ID)
    path = write(tmp_path / "program", link, *shared_and_program()[1])
    symbols = Symbols.of(ElfImage.open(path), [tmp_path])
    assert [(at.function, at.inlined) for at in symbols.lookup(TEXT + 4)] == [
        ("", True),
        ("", False),
    ]
