"""Names of linkage stubs, from a file made by hand."""

from __future__ import annotations

import struct

import pytest

from starrylab.debug.stubs import stub_name
from starrylab.debug.symbols.image import ElfImage

PLT, COUNT, HEADER = 0x2000, 3, 32


def image(*, cut: int | None = None) -> ElfImage:
    strings = b"\0qsort\0free\0"
    symbols = bytes(24) + b"".join(struct.pack("<IBBHQQ", at, 0x12, 0, 0, 0, 0) for at in (1, 7))
    relocations = struct.pack("<QQqQQqQQq", 0, 1 << 32 | 5, 0, 8, 2 << 32 | 5, 0, 16, 58, 0x777)
    names = b"\0.plt\0.rela.plt\0.dynsym\0.dynstr\0.shstrtab\0"
    parts = [relocations, symbols, strings, names]
    body, offsets = bytearray(64), []
    for part in parts:
        offsets.append(len(body))
        body += part + bytes(-len(part) % 8)

    def section(name: bytes, kind: int, address: int, offset: int, size: int) -> bytes:
        at = names.index(name + b"\0")
        return struct.pack("<IIQQQQIIQQ", at, kind, 0, address, offset, size, 0, 0, 8, 0)

    table = b"".join((
        bytes(64),
        section(b".plt", 1, PLT, 0, HEADER + 16 * COUNT),
        section(b".rela.plt", 4, 0, offsets[0], len(relocations)),
        section(b".dynsym", 11, 0, offsets[1], len(symbols)),
        section(b".dynstr", 3, 0, offsets[2], len(strings)),
        section(b".shstrtab", 3, 0, offsets[3], len(names)),
    ))  # fmt: skip
    at = len(body)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    body[:64] = struct.pack("<16sHHIQQQIHHHHHH", ident, 3, 243, 1, 0, 0, at, 0, 64, 56, 0, 64, 6, 5)
    return ElfImage.from_bytes(bytes(body + table)[:cut], "made by hand")


def name(addr: int) -> str:
    return stub_name(image(), addr, {0x777: "memcpy"}.get)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (-1, ""), (0, ""), (HEADER - 1, ""), (HEADER, "qsort@plt"), (HEADER + 15, "qsort@plt"),
        (HEADER + 16, "free@plt"), (HEADER + 32, "memcpy@plt"), (HEADER + 48, ""),
    ],
)  # fmt: skip
def test_the_entry_of_an_address(offset: int, expected: str) -> None:
    assert name(PLT + offset) == expected


def test_a_file_that_is_cut() -> None:
    assert stub_name(image(cut=-40), PLT + HEADER, lambda _: "") == ""
