"""Images that a board's boot loader starts: the monitor, or a program of the user's own.

`monitor_program` and `wrapped_program` make a `Program`, whose place on the board is checked;
`pack` gives it the form that a boot loader wants.  `monitor_to_flash` does all of it.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ..image.elf import Flat, flatten, is_elf, wrap_elf
from ..image.errors import ImageFormatError
from ..image.fit import pack_fit
from ..image.pages import PAGE, pack_pages
from ..image.riscv import SIZE, RiscvHeader, is_riscv, read_header
from ..image.uimage import (
    ARCH_LOONGARCH,
    ARCH_RISCV,
    COMPRESSION_GZIP,
    COMPRESSION_NONE,
    UImage,
)
from .board import Board, Range
from .errors import BoardError
from .monitor_build import monitor_elf
from .monitor_config import patch
from .mover import ALIGNMENT, movable

FORMATS: Final = ("riscv", "raw", "uimage", "fit", "elf")
COMPRESSIBLE: Final = ("uimage", "fit")
TIME: Final = 1_767_225_600  #: 2026-01-01, of an image whose time nobody asks for
_UIMAGE_ARCHES: Final = {"riscv64": ARCH_RISCV, "loongarch64": ARCH_LOONGARCH}


@dataclass(frozen=True, slots=True)
class Program:
    """What shall run on a board; addresses are physical."""

    title: str
    arch: str
    data: bytes
    load: int  #: where it runs
    entry: int
    memory_size: int  #: bytes from `load` on that it needs, .bss included
    movable: bool  #: it also runs where else it is loaded, from its first byte


def monitor_program(board: Board, elf: bytes, files: Iterable[bytes] = ()) -> Program:
    """Return the monitor for `board`, with the pages of `files` behind it.

    Raises:
        BoardError: not the monitor of the board's architecture, or no room for all of it.

    """
    flat = _flat(elf)
    _check_arch(board, flat.arch)
    data, size, at = flat.data, flat.memory_size, 0
    if pages := pack_pages(files):
        at = -(-size // PAGE) * PAGE
        data = data.ljust(at, b"\0") + pages
        size = len(data)
    data = patch(data, board, pages=at)
    if is_riscv(data):
        offset = board.run_address - board.memory[0].start
        data = replace(read_header(data), text_offset=offset, image_size=size).pack() + data[SIZE:]
    title = f"StarryLab monitor for {board.name}"
    start = board.run_address
    return _placed(board, Program(title, board.arch, data, start, start, size, movable=True))


def monitor_to_flash(board: Board, files: Iterable[bytes] = ()) -> bytes:
    """Return the monitor as the board's usual boot loader starts it; see `monitor_program`.

    Raises:
        BoardError: as `monitor_program`, or the monitor cannot be built.

    """
    program = monitor_program(board, monitor_elf(board.arch), files)
    return pack(program, board, formats(board)[0], TIME)


def wrapped_program(board: Board, file: bytes, title: str, address: int | None = None) -> Program:
    """Return a bare-metal program: an ELF file, a RISC-V Image, or bytes that run at `address`.

    Without `address` bytes run at the board's `run_address`. An ELF file whose segments have
    virtual addresses only is put to `address`.

    Raises:
        BoardError: for another architecture, or where something else lies on the board.

    """
    if is_elf(file):
        flat = _flat(file)
        _check_arch(board, flat.arch)
        place = *_physical(board, flat, address), flat.memory_size
        return _placed(board, Program(title, flat.arch, flat.data, *place, movable=False))
    if is_riscv(file) and board.boot.start.riscv:
        header = read_header(file)
        start = board.memory[0].start + header.text_offset
        size = max(header.image_size, len(file))
        return _placed(board, Program(title, board.arch, file, start, start, size, movable=False))
    if not file:
        raise BoardError(f"{title} is empty")
    start = board.run_address if address is None else address
    return _placed(board, Program(title, board.arch, file, start, start, len(file), movable=False))


def formats(board: Board) -> tuple[str, ...]:
    """Return the forms that the board's usual boot loader starts, the best first."""
    if board.boot.kind == "direct":
        return ("elf",)
    return tuple(name for name in FORMATS if getattr(board.boot.start, name, None) is not None)


def pack(program: Program, board: Board, form: str, time: int, *, small: bool = False) -> bytes:
    """Return `program` as an image of the form `form`; `time` is in seconds since 1970.

    `small`: compressed by gzip, which the boot loader unpacks; of a uImage and a FIT only.

    Raises:
        BoardError: the board starts no such form, or the program does not fit into it.

    """
    if small and form not in COMPRESSIBLE:
        raise BoardError(f"only {' and '.join(COMPRESSIBLE)} can be compressed, not {form}")
    if form not in formats(board) and form != "elf":
        known = ", ".join(formats(board))
        raise BoardError(f"the boot loader of {board.title} starts no {form}; it starts: {known}")
    try:
        return _PACKERS[form](program, board, time, small)
    except ImageFormatError as error:
        raise BoardError(str(error)) from error


def _physical(board: Board, flat: Flat, address: int | None) -> tuple[int, int]:
    """Return where `flat` and its entry lie; `address` corrects an ELF file of virtual ones."""
    if address is None or address == flat.base:
        return flat.base, flat.entry
    if board.in_the_way(Range(start=flat.base, size=1)) is None:
        raise BoardError(f"the ELF file was linked to {flat.base:#x}, not to {address:#x}")
    return address, flat.entry - flat.base + address


def _as_riscv(program: Program, board: Board, _time: int, _small: bool) -> bytes:
    if is_riscv(program.data):
        return program.data
    # The header takes a page before the program and jumps over itself: a0 and a1 stay.
    start = program.load - PAGE
    offset = start - board.memory[0].start
    whole = Range(start=start, size=program.memory_size + PAGE)
    if offset < 0 or (why := board.in_the_way(whole)):
        raise BoardError(
            f"no room for the RISC-V header before {program.load:#x}: "
            f"{why if offset >= 0 else 'memory begins there'}; link the program {PAGE:#x} higher"
        )
    code = _jump(program.entry - start)
    header = RiscvHeader(code, offset, program.memory_size + PAGE).pack()
    return header.ljust(PAGE, b"\0") + program.data


def _jump(distance: int) -> bytes:
    """Return `auipc t0, high; jalr x0, low(t0)`, which goes `distance` bytes on."""
    high, low = (distance + 0x800) >> 12, distance & 0xFFF
    auipc = (high & 0xFFFFF) << 12 | 5 << 7 | 0x17
    jalr = low << 20 | 5 << 15 | 0x67
    return auipc.to_bytes(4, "little") + jalr.to_bytes(4, "little")


def _as_raw(program: Program, board: Board, _time: int, _small: bool) -> bytes:
    if program.movable:
        return program.data
    if program.load % ALIGNMENT:
        raise BoardError(f"{program.title} begins at {program.load:#x}, no multiple of {ALIGNMENT}")
    image = movable(
        program.arch, program.data, to=program.load, memory_size=program.memory_size,
        entry=program.entry,
    )  # fmt: skip
    place = Range(start=program.load, size=program.memory_size + ALIGNMENT)
    for loader in board.loader:
        if place.overlaps(Range(start=loader.load_address, size=len(image))):
            raise BoardError(
                f"{program.title} runs at {program.load:#x}, where {loader.kind} loads it first "
                f"({loader.load_address:#x}): link it elsewhere, or use another --format"
            )
    return image


def _as_uimage(program: Program, _board: Board, time: int, small: bool) -> bytes:
    title = program.title.encode()[:32].decode(errors="ignore")
    data = _gzip(program.data) if small else program.data
    return UImage(
        data, title, program.load, program.entry, time, arch=_UIMAGE_ARCHES[program.arch],
        compression=COMPRESSION_GZIP if small else COMPRESSION_NONE,
    ).pack()  # fmt: skip


def _as_fit(program: Program, _board: Board, time: int, small: bool) -> bytes:
    data = _gzip(program.data) if small else program.data
    return pack_fit(
        data, title=program.title, arch=program.arch, load=program.load, entry=program.entry,
        time=time, compression="gzip" if small else "none",
    )  # fmt: skip


def _gzip(data: bytes) -> bytes:
    """Compress, without a name and a time."""
    return gzip.compress(data, 9, mtime=0)


def _as_elf(program: Program, _board: Board, _time: int, _small: bool) -> bytes:
    return wrap_elf(
        Flat(program.arch, program.load, program.entry, program.data, program.memory_size)
    )


_PACKERS: Final = {
    "riscv": _as_riscv,
    "raw": _as_raw,
    "uimage": _as_uimage,
    "fit": _as_fit,
    "elf": _as_elf,
}


def _placed(board: Board, program: Program) -> Program:
    if why := board.in_the_way(Range(start=program.load, size=program.memory_size)):
        raise BoardError(f"{program.title} does not fit on {board.title}: {why}")
    return program


def _flat(elf: bytes) -> Flat:
    try:
        return flatten(elf)
    except ImageFormatError as error:
        raise BoardError(str(error)) from error


def _check_arch(board: Board, arch: str) -> None:
    if arch != board.arch:
        raise BoardError(f"{board.title} has a {board.arch} CPU; the ELF file is for {arch}")
