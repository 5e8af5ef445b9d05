"""Explain an image to a person: what it is, what is in it, and what is wrong with it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from ..image import dtb, elf, fat_reader, fit, gpt, pages, riscv, uimage
from ..image.errors import ImageFormatError
from . import monitor_config

Lines = Iterator[str]

_LARGEST: Final = 256 << 20  #: bytes that something compressed may become
_GPT_AT: Final = 512
_LAST_SECTOR_AT: Final = _GPT_AT + 32  # where the first header says that the second is
_EXT_AT: Final = 1024 + 56
_SPL: Final = struct.Struct("<3I")  # from byte 0x288: payload, header size, CRC-32
#: numbers of U-Boot's include/image.h
_UIMAGE_ARCHES: Final = {
    uimage.ARCH_RISCV: "riscv64", uimage.ARCH_LOONGARCH: "loongarch64", 2: "arm", 3: "i386",
    5: "mips", 6: "mips64", 7: "powerpc", 22: "aarch64", 24: "x86-64",
}  # fmt: skip
_UIMAGE_KINDS: Final = {
    1: "stand-alone program", uimage.TYPE_KERNEL: "kernel", 3: "RAM disk", 4: "several files",
    5: "firmware", uimage.TYPE_SCRIPT: "script", 7: "file system", 8: "device tree",
    14: "kernel for any address",
}  # fmt: skip
_COMPRESSIONS: Final = ("none", "gzip", "bzip2", "lzma", "lzo", "lz4", "zstd")
#: what else people hand in, by its first bytes
_STRANGERS: Final = {
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\0": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"PK\x03\x04": "a ZIP archive",
    b"MZ": "a PE file (EFI)",
    b"070701": "a cpio archive",
}


def explain(data: bytes) -> list[str]:
    """Return lines about `data`; what is inside of something is indented.

    Raises:
        ImageFormatError: it is torn, or nothing that is known here.

    """
    return [_printable(line) for line in _explain(data)]


def _printable(line: str) -> str:
    """Names come from the file: none of them may move the cursor."""
    return "".join(char if char.isprintable() else "\ufffd" for char in line)


def _explain(data: bytes) -> Lines:
    for matches, lines in _KINDS:
        if matches(data):
            yield from lines(data)
            return
    for magic, what in _STRANGERS.items():
        if data.startswith(magic):
            raise ImageFormatError(f"{what}: no boot loader here starts it as it is")
    if not data.strip(b"\0"):
        raise ImageFormatError(f"{len(data)} bytes, all zero")
    raise ImageFormatError(
        f"{len(data)} bytes that are no known image; they begin with {data[:8].hex(' ')}"
    )


def _disk(data: bytes) -> Lines:
    sectors = int.from_bytes(data[_LAST_SECTOR_AT : _LAST_SECTOR_AT + 8], "little") + 1
    if len(data) < sectors * gpt.SECTOR < 1 << 60:
        raise ImageFormatError(f"the disk is cut: {len(data)} of {sectors * gpt.SECTOR} bytes")
    table = gpt.read_table(data)
    yield f"disk of {_size(len(data))}, GUID partition table {table.guid}"
    for number, part in enumerate(table.partitions, 1):
        mark = ", bootable" if part.attributes & 4 else ""
        size = (part.last - part.first + 1) * gpt.SECTOR
        yield f"  partition {number} {part.name!r}: {_size(size)} at sector {part.first}{mark}"
        content = data[part.first * gpt.SECTOR : (part.last + 1) * gpt.SECTOR]
        if content.strip(b"\0"):
            yield from _inside(content, "    ")
        else:
            yield "    empty"
    gpt.read_table(data, backup=True)


def _inside(data: bytes, indent: str) -> Lines:
    """Yield lines about a part; that it is unknown or torn does not make the whole so."""
    try:
        yield from (indent + line for line in _explain(data))
    except ImageFormatError as error:
        yield f"{indent}{error}"


def _fat(data: bytes) -> Lines:
    reader = fat_reader.FatReader(data)
    yield f"{reader.kind} file system {reader.label!r}"
    for path, content in sorted(reader.files()):
        yield f"  {path}: {len(content)} bytes"
        if any(matches(content) for matches, _ in _KINDS):
            yield from _inside(content, "    ")


def _ext(data: bytes) -> Lines:
    blocks, log_size = struct.unpack_from("<I", data, 1028)[0], struct.unpack_from("<I", data, 1048)
    label = data[1144:1160].split(b"\0")[0].decode("utf-8", "replace")
    features = struct.unpack_from("<I", data, 1120)[0]
    kind = "ext4" if features & 0x40 else "ext2"
    yield f"{kind} file system {label!r} of {_size(blocks * (1024 << log_size[0]))}"


def _riscv(data: bytes) -> Lines:
    header = riscv.read_header(data)
    yield f"RISC-V Image for booti: {len(data)} bytes, {header.image_size} in memory"
    yield f"  runs {header.text_offset:#x} behind the start of memory"
    yield from _monitor(data)


def _monitor(data: bytes) -> Lines:
    at = monitor_config.OFFSET
    if data[at : at + 8] != monitor_config.MAGIC:
        return
    values = _configuration(data)
    yield "  StarryLab's monitor"
    yield (
        f"    UART at {values['uart_base']:#x}, {values['uart_clock']} Hz, "
        f"{values['uart_baud']} baud"
    )
    end = values["memory_start"] + values["memory_size"]
    yield f"    memory {values['memory_start']:#x}..{end - 1:#x}"
    if values["pages"]:
        found = pages.unpack_pages(data[values["pages"] :])
        yield f"    {len(found)} packed pages ({_size(len(found) * pages.PAGE)})"


def _configuration(data: bytes) -> dict[str, int]:
    form = struct.Struct("<" + "".join(form for form, _, _ in monitor_config.FIELDS))
    if len(data) < monitor_config.OFFSET + form.size:
        raise ImageFormatError("the monitor is cut within its configuration")
    values = form.unpack_from(data, monitor_config.OFFSET)
    names = (name for _, name, _ in monitor_config.FIELDS)
    return {name: value for name, value in zip(names, values, strict=True) if name != "magic"}


def _raw_monitor(data: bytes) -> Lines:
    yield f"raw image for go: {len(data)} bytes"
    yield from _monitor(data)


def _uimage(data: bytes) -> Lines:
    found = uimage.read_uimage(data)
    kind = _UIMAGE_KINDS.get(found.kind, f"type {found.kind}")
    arch = _UIMAGE_ARCHES.get(found.arch, f"architecture {found.arch}")
    yield f"uImage {found.name!r}: {kind} for {arch}, made {_date(found.time)}"
    if found.kind == uimage.TYPE_SCRIPT:
        yield from (
            f"  | {line}" for line in found.data[8:].decode("utf-8", "replace").splitlines()
        )
        return
    yield f"  {len(found.data)} bytes for {found.load:#x}, entry {found.entry:#x}, both CRCs right"
    if found.compression:
        name = dict(enumerate(_COMPRESSIONS)).get(found.compression, str(found.compression))
        yield f"  compressed by {name}"
    yield from _monitor(_unpacked(found.data))


def _fit(data: bytes) -> Lines:
    if dtb.unpack(data).child("images") is None:
        yield from _tree(data)
        return
    found = fit.read_fit(data)
    yield f"FIT {found.description!r}, made {_date(found.time)}, starts {found.default!r}"
    for image in found.images:
        checks = " and ".join(image.checked) or "no checksum"
        place = f" for {image.load:#x}" if image.load is not None else ""
        place += f", compressed by {image.compression}" if image.compression != "none" else ""
        kind = image.kind or "no type"
        arch = f" for {image.arch}" if image.arch else ""
        yield f"  {image.name}: {kind}{arch}, {len(image.data)} bytes{place}"
        yield f"    checked by {checks}" if image.checked else f"    {checks}"
        yield from (f"  {line}" for line in _monitor(_unpacked(image.data)))


def _unpacked(data: bytes) -> bytes:
    """Return what gzip made `data` of, or `data`; raises ImageFormatError."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _LARGEST)
    except zlib.error as error:
        raise ImageFormatError(f"what is compressed in it is damaged: {error}") from error


def _tree(data: bytes) -> Lines:
    root = dtb.unpack(data)
    yield f"device tree of {root.text('model') or 'an unnamed machine'}: {len(data)} bytes"


def _elf(data: bytes) -> Lines:
    flat = elf.flatten(data)
    yield f"ELF file for {flat.arch}: {len(flat.data)} bytes at {flat.base:#x}"
    yield f"  {flat.memory_size} bytes in memory, entry {flat.entry:#x}"
    yield from _monitor(flat.data)


def _spl(data: bytes) -> Lines:
    size, header, crc = _SPL.unpack_from(data, 0x288)
    payload = data[header : header + size]
    yield f"SPL for the boot ROM of the JH7110: {size} bytes behind a header of {header}"
    if len(payload) < size or zlib.crc32(payload) != crc:
        raise ImageFormatError("the SPL is cut, or its CRC is wrong")


def _pages(data: bytes) -> Lines:
    yield f"{len(pages.unpack_pages(data))} packed pages"


def _date(seconds: int) -> str:
    if seconds >= 1 << 37:
        return "at an impossible time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _size(count: int) -> str:
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if count >= 1 << shift:
            return f"{count / (1 << shift):.4g} {unit}"
    return f"{count} bytes"


#: what tells a kind, and who explains it; the surest first
_KINDS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Lines]], ...]] = (
    (lambda data: data[_GPT_AT : _GPT_AT + 8] == b"EFI PART", _disk),
    (riscv.is_riscv, _riscv),
    (lambda data: data[:4] == uimage.MAGIC.to_bytes(4, "big"), _uimage),
    (dtb.is_dtb, _fit),
    (elf.is_elf, _elf),
    (fat_reader.is_fat, _fat),
    (lambda data: data[_EXT_AT : _EXT_AT + 2] == b"\x53\xef", _ext),
    (lambda data: data[64:72] == monitor_config.MAGIC, _raw_monitor),
    (lambda data: data[:8] == pages.MAGIC, _pages),
    (lambda data: data[:8] == b"\x40\x02\0\0\0\0\x20\0" and len(data) > 0x400, _spl),
)
