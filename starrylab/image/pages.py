"""Pages of programs and files packed behind a monitor, which need not cross the wire again.

What lies at the offset that the monitor's configuration names, a multiple of 4096:

    magic "SLPAGES1"  count:u32  first:u32  key:u64 ...  page ...

`first` is the offset of the first page from the magic, a multiple of 4096. The keys are in the
order of the pages; `starrylab.base.page_key` makes them. Equal pages are there once, and pages
of zeros are not. Numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from ..base.page_key import page_key
from .errors import ImageFormatError

MAGIC: Final = b"SLPAGES1"
PAGE: Final = 4096
_HEADER: Final = struct.Struct("<8s2I")
_ZEROS: Final = bytes(PAGE)
_PT_LOAD: Final = 1
_WRITABLE: Final = 2


def pages_of(file: bytes) -> Iterator[bytes]:
    """Yield the pages that a kernel reads of a file: each 4096 bytes, the last filled with zeros.

    Of an ELF file also the pages with the end of its data, where .bss begins with zeros.
    """
    for at in range(0, len(file), PAGE):
        yield file[at : at + PAGE].ljust(PAGE, b"\0")
    if file[:6] == b"\x7fELF\x02\x01" and len(file) >= 64:
        yield from _bss_pages(file)


def pack_pages(files: Iterable[bytes]) -> bytes:
    """Return the packed pages of `files`, each once; b"" when there are none."""
    pages: dict[int, bytes] = {}
    for file in files:
        for page in pages_of(file):
            if page != _ZEROS:
                pages.setdefault(page_key(page), page)
    if not pages:
        return b""
    first = -(-(_HEADER.size + 8 * len(pages)) // PAGE) * PAGE
    keys = struct.pack(f"<{len(pages)}Q", *pages)
    table = _HEADER.pack(MAGIC, len(pages), first) + keys
    return table.ljust(first, b"\0") + b"".join(pages.values())


def unpack_pages(data: bytes) -> dict[int, bytes]:
    """Return the pages at the start of `data`, by key.

    Raises:
        ImageFormatError: none there, cut, or a page that does not have its key.

    """
    if len(data) < _HEADER.size or not data.startswith(MAGIC):
        raise ImageFormatError("no packed pages")
    _, count, first = _HEADER.unpack_from(data)
    if len(data) < first + count * PAGE or first % PAGE or first < _HEADER.size + 8 * count:
        raise ImageFormatError(f"the packed pages are cut: there should be {count}")
    keys = struct.unpack_from(f"<{count}Q", data, _HEADER.size)
    pages = {key: data[first + n * PAGE :][:PAGE] for n, key in enumerate(keys)}
    for number, (key, page) in enumerate(pages.items()):
        if page_key(page) != key:
            raise ImageFormatError(f"packed page {number} is not what its key says")
    return pages


def _bss_pages(file: bytes) -> Iterator[bytes]:
    (at,) = struct.unpack_from("<Q", file, 32)
    size, count = struct.unpack_from("<2H", file, 54)
    for row in range(at, at + size * count, size or 1):
        if row + 56 > len(file):
            return
        kind, flags, offset, _, _, in_file, in_memory, _ = struct.unpack_from("<2I6Q", file, row)
        end = (offset + in_file) % PAGE
        if kind == _PT_LOAD and flags & _WRITABLE and in_memory > in_file and end:
            start = (offset + in_file) // PAGE * PAGE
            yield file[start : start + end].ljust(PAGE, b"\0")[:PAGE]
