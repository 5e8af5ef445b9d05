"""A whole SD card: a GUID partition table, a boot partition, and a root partition named `root`.

The boot partition (FAT32, marked bootable) has the image, and says how to start it in both ways
that U-Boot looks for: `extlinux/extlinux.conf` and the script `boot.scr`. Boards may want empty
partitions before it (`[[card]]` in board.toml). All identifiers and times depend on the
arguments alone, so the same arguments give the same bytes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from ..image.errors import ImageFormatError
from ..image.ext4 import Item, has_tools, make_ext4, room_for
from ..image.fat import fat32
from ..image.gpt import EFI_SYSTEM, LINUX, SECTOR, Partition, Table
from ..image.uimage import script
from .board import Board
from .errors import BoardError
from .images import Program, pack

IMAGE: Final = "starrylab.img"
BOOT_SIZE: Final = 64 << 20
EMPTY_ROOT: Final = 64 << 20
_ALIGN: Final = (2 << 20) // SECTOR  #: the SPL of a VisionFive 2 has to be at 2 MiB
_BOOTABLE: Final = 1 << 2
_NAMES: Final = uuid.UUID("7a7e58bb-2d4c-4f0c-9a3e-4b1d0a6d2c11")  #: of identifiers made here
_COPY: Final = 1 << 20
_ON_CARDS: Final = ("riscv", "uimage", "fit")  #: what U-Boot starts by extlinux.conf


@dataclass(slots=True)
class Card:
    """What goes on a card."""

    board: Board
    program: Program
    time: int
    root: Iterable[Item] | None = None  #: None: the root partition is left empty
    arguments: str = ""  #: a kernel's command line
    files: dict[str, bytes] = field(default_factory=dict)  #: more files of the boot partition


def write_card(card: Card, output: Path, scratch: Path) -> list[str]:
    """Write the card's image to `output`, a sparse file; return what the user should know.

    `scratch` is a folder for the root partition's file system.

    Raises:
        BoardError: the board does not start from a card, or something does not fit.

    """
    try:
        return _write(card, output, scratch)
    except ImageFormatError as error:
        raise BoardError(str(error)) from error


def boot_files(card: Card) -> dict[str, bytes]:
    """Return the files of the boot partition."""
    board, name = card.board, card.program.title
    form = next((form for form in _ON_CARDS if getattr(board.boot.start, form)), None)
    if form is None:
        raise BoardError(f"the boot loader of {board.title} starts nothing from a card")
    address = board.boot.spelled(board.boot.load_address)
    start = str(getattr(board.boot.start, form)).format(address=address)
    if any(mark in card.arguments for mark in "\n'"):
        raise BoardError("a kernel's command line has no line feed and no apostrophe in it")
    arguments = f"setenv bootargs '{card.arguments}'\n" if card.arguments else ""
    append = f"  append {card.arguments}\n" if card.arguments else ""
    commands = (
        f"echo Starting {name}\n{arguments}"
        f"load ${{devtype}} ${{devnum}}:${{distro_bootpart}} {address:#x} /{IMAGE}\n{start}\n"
    )
    menu = f"default starrylab\ntimeout 10\n\nlabel starrylab\n  menu label {name}\n"
    return {
        IMAGE: pack(card.program, board, form, card.time),
        "extlinux/extlinux.conf": f"{menu}  kernel /{IMAGE}\n{append}".encode(),
        "boot.cmd": commands.encode(),
        "boot.scr": script(commands, "StarryLab", card.time),
        **card.files,
    }


def _write(card: Card, output: Path, scratch: Path) -> list[str]:
    items = None if card.root is None else list(card.root)
    files = boot_files(card)
    boot_size = max(BOOT_SIZE, -(-sum(map(len, files.values())) * 9 // 8 >> 20 << 20) + (8 << 20))
    root_size = EMPTY_ROOT if items is None else room_for(items)
    table = _table(card.board, boot_size // SECTOR, root_size // SECTOR)
    boot = next(part for part in table.partitions if part.name == "boot")
    root = next(part for part in table.partitions if part.name == "root")
    serial = _identifier(card.board, "volume").fields[0]
    chunks = fat32(files, boot_size // SECTOR, label="boot", serial=serial, time=card.time)
    notes = []
    file_system = scratch / "root.ext4"
    if items is None and not has_tools():
        notes.append("the root partition is left unformatted: mke2fs is missing (e2fsprogs)")
    else:
        name = _identifier(card.board, "root file system")
        make_ext4(items or (), file_system, root_size, uuid=name, label="root", time=card.time)
    front, back = table.pack()
    with output.open("wb") as disk:
        disk.truncate(table.sectors * SECTOR)
        disk.write(front)
        for at, data in chunks:
            disk.seek(boot.first * SECTOR + at)
            disk.write(data)
        if file_system.exists():
            _copy(file_system, disk, root.first * SECTOR)
        disk.seek(table.sectors * SECTOR - len(back))
        disk.write(back)
    if items is None:
        notes.append("the root partition is empty; --rootfs fills it")
    return notes


def _table(board: Board, boot_sectors: int, root_sectors: int) -> Table:
    wanted = [(part.name, uuid.UUID(part.kind), part.size // SECTOR, 0) for part in board.card]
    wanted += [("boot", EFI_SYSTEM, boot_sectors, _BOOTABLE), ("root", LINUX, root_sectors, 0)]
    parts, at = [], _ALIGN
    for name, kind, sectors, attributes in wanted:
        guid = _identifier(board, name)
        parts.append(Partition(name, kind, guid, at, at + sectors - 1, attributes))
        at += -(-sectors // _ALIGN) * _ALIGN
    return Table(_identifier(board, "disk"), at + _ALIGN, tuple(parts))


def _identifier(board: Board, what: str) -> uuid.UUID:
    return uuid.uuid5(_NAMES, f"{board.name} {what}")


def _copy(source: Path, disk: BinaryIO, at: int) -> None:
    """Copy a file, leaving holes where it has zeros."""
    with source.open("rb") as file:
        while block := file.read(_COPY):
            if block.strip(b"\0"):
                disk.seek(at)
                disk.write(block)
            at += len(block)
