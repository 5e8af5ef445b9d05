"""The monitor's image: the same bytes everywhere, and nothing in it has to be relocated."""

from __future__ import annotations

import shutil
import struct

import pytest

from starrylab.boards import BoardError, load, monitor_build
from starrylab.boards.monitor_config import FIELDS, MAGIC, OFFSET, SIZE, block, free_memory, patch
from starrylab.image.riscv import is_riscv, read_header

ARCHES = ("riscv64", "loongarch64")
LARGEST = 32 << 10  #: bytes; three seconds at 115200 baud


@pytest.mark.parametrize("arch", ARCHES)
def test_two_builds_in_different_folders_are_equal(arch, tmp_path, monkeypatch):
    first = monitor_build.monitor_image(arch, cache=tmp_path / "one")
    sources = shutil.copytree(monitor_build.sources_folder(), tmp_path / "elsewhere" / "monitor")
    monkeypatch.setattr(monitor_build, "sources_folder", lambda: sources)
    assert monitor_build.monitor_image(arch, cache=tmp_path / "two") == first
    assert len(first) < LARGEST
    assert first[OFFSET : OFFSET + 8] == MAGIC


def test_the_image_has_the_header_that_booti_wants():
    image = monitor_build.monitor_image("riscv64")
    assert is_riscv(image)
    assert read_header(image).image_size >= len(image)


def test_relocations_are_refused():
    elf = bytearray(monitor_build.monitor_elf("riscv64"))
    (sections,) = struct.unpack_from("<Q", elf, 40)
    (size,) = struct.unpack_from("<H", elf, 58)
    struct.pack_into("<I", elf, sections + size + 4, 4)  # SHT_RELA
    with pytest.raises(BoardError, match="relocations"):
        monitor_build.flatten(bytes(elf))


def test_an_unknown_architecture_and_a_broken_cache_are_one_line(tmp_path):
    with pytest.raises(BoardError, match="no monitor for sparc"):
        monitor_build.monitor_elf("sparc")
    (tmp_path / "file").touch()
    with pytest.raises(BoardError, match="cannot keep the monitor") as caught:
        monitor_build.monitor_elf("riscv64", cache=tmp_path / "file")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["visionfive2", "2k1000la", "virt-riscv64", "virt-loongarch64"])
def test_the_block_of_a_board(name):
    board = load(name)
    image = patch(monitor_build.monitor_image(board.arch), board, pages=0x8000)
    names = [field for _, field, _ in FIELDS]
    form = "<" + "".join(form for form, _, _ in FIELDS)
    found = dict(zip(names, struct.unpack_from(form, image, OFFSET), strict=True))
    assert struct.calcsize(form) == SIZE
    assert found["uart_base"] == board.uart.base
    assert found["uart_clock"] == board.uart.clock_hz
    assert found["pages"] == 0x8000
    memory = free_memory(board)
    assert (found["memory_start"], found["memory_size"]) == (memory.start, memory.size)
    assert not any(memory.overlaps(taken) for taken in board.reserved)
    assert any(whole.contains(memory) for whole in board.memory)
    assert memory.size >= 64 << 20
    assert len(block(board)) == SIZE


def test_what_is_no_monitor_is_not_patched():
    with pytest.raises(BoardError, match="not StarryLab's monitor"):
        patch(bytes(200), load("virt-riscv64"))
