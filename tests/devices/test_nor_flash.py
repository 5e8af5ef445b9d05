"""The flash chip, by its commands."""

from __future__ import annotations

import pytest

from starrylab.devices import nor_flash as nor


def settle(chip: nor.NorFlash) -> tuple[int, int]:
    looks = 1
    while not (status := chip.load(0, 1)) & nor.READY:
        looks += 1
    return status, looks


def command(chip: nor.NorFlash, offset: int, *values: int) -> None:
    for value in values:
        chip.store(offset, 1, value)


def test_programming_clears_bits_and_takes_its_time() -> None:
    chip = nor.NorFlash(4096, 1024, slowness=5)
    command(chip, 7, nor.PROGRAM, 0x3C)
    assert settle(chip) == (nor.READY, 6)
    command(chip, 0, nor.READ_ARRAY)
    assert chip.load(4, 4) == 0x3CFFFFFF
    command(chip, 7, nor.PROGRAM, 0xC3)
    assert settle(chip)[0] == nor.READY | nor.PROGRAM_FAILED
    assert chip.content[7] == 0
    command(chip, 0, nor.CLEAR_STATUS)
    assert settle(chip)[0] == nor.READY


def test_erasing_makes_a_whole_block_ones() -> None:
    chip = nor.NorFlash(4096, 1024)
    chip.content[:] = bytes(4096)
    command(chip, 1500, nor.ERASE, nor.CONFIRM)
    settle(chip)
    assert chip.content == bytes(1024) + b"\xff" * 1024 + bytes(2048)
    assert chip.erased == [1024]


def test_errors_are_in_the_status() -> None:
    chip = nor.NorFlash(4096, 1024)
    chip.worn.add(0)
    command(chip, 5, nor.ERASE, nor.CONFIRM)
    assert settle(chip)[0] & nor.ERASE_FAILED
    command(chip, 5, nor.CLEAR_STATUS, nor.ERASE, 0x12)
    assert settle(chip)[0] == nor.READY | nor.ERASE_FAILED | nor.PROGRAM_FAILED
    assert chip.erased == []


def test_stores_that_are_too_wide_or_too_early_are_lost() -> None:
    chip = nor.NorFlash(4096, 1024)
    chip.store(0, 4, nor.QUERY)
    assert chip.load(0, 1) == 0xFF
    command(chip, 0, nor.PROGRAM, 0, nor.READ_ARRAY)
    assert not chip.load(0, 1) & nor.READY


def test_the_query_describes_the_chip() -> None:
    chip = nor.NorFlash(1 << 16, 1 << 12)
    command(chip, 0x55, nor.QUERY)
    assert bytes(chip.load(0x10 + i, 1) for i in range(3)) == b"QRY"
    assert 1 << chip.load(0x27, 1) == chip.size
    assert chip.load(0x2D, 2) + 1 == 16
    assert chip.load(0x2F, 2) * 256 == chip.block


@pytest.mark.parametrize(("size", "block"), [(1000, 100), (4096, 128), (1024, 4096)])
def test_there_are_no_such_chips(size: int, block: int) -> None:
    with pytest.raises(ValueError, match="no such chip"):
        nor.NorFlash(size, block)
