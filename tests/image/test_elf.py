import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.image.elf import flatten
from starrylab.image.errors import ImageFormatError

BASE = 0x80200000


def elf(*segments, entry=BASE, machine=243, kind=1):
    """Make an ELF file of (physical address, content, bytes in memory, virtual - physical)."""
    at = 64 + 56 * len(segments)
    rows, data = b"", b""
    for physical, content, size, shift in segments:
        place = physical + shift, physical, len(content), size
        rows += struct.pack("<2I6Q", kind, 5, at + len(data), *place, 8)
        data += content
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    sizes = 64, 56, len(segments), 0, 0, 0
    return struct.pack("<16sHHIQQQI6H", ident, 2, machine, 1, entry, 64, 0, 0, *sizes) + rows + data


def test_segments_lie_at_their_physical_addresses():
    flat = flatten(elf((BASE, b"code", 4, 0), (BASE + 8, b"data", 100, 0)))
    assert (flat.arch, flat.base, flat.entry) == ("riscv64", BASE, BASE)
    assert flat.data == b"code\0\0\0\0data"
    assert flat.memory_size == 108


def test_a_virtual_entry_becomes_physical():
    high = 0xFFFFFFC000000000
    file = elf((BASE, b"c" * 32, 32, high), entry=BASE + high + 16, machine=258)
    assert flatten(file).entry == BASE + 16
    assert flatten(file).arch == "loongarch64"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "no ELF file"),
        (elf(), "nothing to load"),
        (elf((BASE, b"", 0, 0)), "nothing to load"),
        (elf((BASE, b"a", 1, 0), machine=40), "machine 40"),
        (elf((BASE, b"a", 1, 0), kind=3), "dynamic linker"),
        (elf((BASE, b"a", 1, 0), entry=4), "entry 0x4"),
        (elf((BASE, b"a" * 8, 8, 0), (BASE + 7, b"b", 1, 0)), "overlap at 0x80200007"),
        (elf((BASE, b"a", 1, 0), (BASE << 4, b"b", 1, 0)), "more than 1024 MiB"),
        (elf((BASE, b"abc", 2, 0)), "is cut"),
        (elf((BASE, b"abc", 3, 0))[:-1], "is cut"),
    ],
)
def test_what_cannot_be_loaded_is_refused(file, message):
    with pytest.raises(ImageFormatError, match=message):
        flatten(file)


@given(st.data())
def test_a_torn_file_is_refused_or_flattened(data):
    whole = bytearray(elf((BASE, b"code", 4, 0), (BASE + 8, b"data", 100, 0)))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ImageFormatError):
        flatten(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
