"""The block of the monitor's image that says on which board it runs, at `OFFSET`.

The same image runs on every board of an architecture: whoever writes the image fills this in.
boards/monitor/config.h is made from the same table (a test compares).
"""

from __future__ import annotations

import struct
from typing import Final

from .board import Board, Range
from .errors import BoardError

OFFSET: Final = 64  #: behind the RISC-V Image header, in images of both architectures
MAGIC: Final = b"SLMONCF2"

RESET_SBI: Final = 0
RESET_MMIO: Final = 1

#: struct format, name, what it is
FIELDS: Final = (
    ("8s", "magic", "says that there is such a block, and its version"),
    ("Q", "uart_base", "physical"),
    ("I", "uart_shift", "a register is at base + (number << shift)"),
    ("I", "uart_width", "bytes of an access: 1 or 4"),
    ("I", "uart_clock", "Hz; the divisor is clock / 16 / baud"),
    ("I", "uart_baud", "that the boot loader left"),
    ("Q", "timer_hz", "of the counter; 0: the CPU tells (CPUCFG)"),
    ("Q", "memory_start", "physical memory that nobody else needs once the monitor runs;"),
    ("Q", "memory_size", "the monitor's own image may lie in it"),
    ("Q", "pages", "offset in the image of packed pages (see pages.py); 0: none"),
    ("I", "reset_kind", "0: SBI's SRST, 1: the stores that follow"),
    ("I", "reboot_width", "bytes of the store"),
    ("Q", "reboot_address", "0: cannot"),
    ("Q", "reboot_value", ""),
    ("Q", "poweroff_address", "0: cannot"),
    ("I", "poweroff_width", ""),
    ("I", "poweroff_value", ""),
)
_BLOCK: Final = struct.Struct("<" + "".join(form for form, _, _ in FIELDS))
SIZE: Final = _BLOCK.size
_PAGE: Final = 4096


def block(board: Board, *, pages: int = 0) -> bytes:
    """Return the block for ``board``; ``pages`` is the offset of packed pages in the image."""
    memory, reset = free_memory(board), board.reset
    reboot = reset.reboot or (0, 0, 0)
    poweroff = reset.poweroff or (0, 0, 0)
    return _BLOCK.pack(
        MAGIC,
        *(board.uart.base, board.uart.register_shift, board.uart.register_width),
        *(board.uart.clock_hz, board.uart.baud),
        board.timer.frequency_hz,
        *(memory.start, memory.size),
        pages,
        RESET_MMIO if reset.kind == "mmio" else RESET_SBI,
        *(reboot[1], reboot[0], reboot[2]),
        *poweroff,
    )


def patch(image: bytes, board: Board, *, pages: int = 0) -> bytes:
    """Return ``image`` for ``board``; `BoardError` if it is not a monitor's."""
    if image[OFFSET : OFFSET + len(MAGIC)] != MAGIC:
        raise BoardError("this image is not StarryLab's monitor, or of another version")
    return image[:OFFSET] + block(board, pages=pages) + image[OFFSET + SIZE :]


def free_memory(board: Board) -> Range:
    """Return the largest piece of memory without reserved ranges, in whole pages."""
    pieces = [(memory.start, memory.end) for memory in board.memory]
    for taken in board.reserved:
        pieces = [part for piece in pieces for part in _without(piece, taken)]
    pages = [(-(-start // _PAGE) * _PAGE, end // _PAGE * _PAGE) for start, end in pieces]
    start, end = max(pages, key=lambda piece: piece[1] - piece[0], default=(0, 0))
    if end <= start:
        raise BoardError(f"{board.name}: everything is reserved, no memory is left for programs")
    return Range(start=start, size=end - start)


def _without(piece: tuple[int, int], taken: Range) -> list[tuple[int, int]]:
    start, end = piece
    parts = [(start, min(end, taken.start)), (max(start, taken.end), end)]
    return [part for part in parts if part[0] < part[1]]


_C_TYPES: Final = {"8s": "char {}[8];", "Q": "u64 {};", "I": "u32 {};"}


def c_header() -> str:
    """Return boards/monitor/config.h."""
    lines = [
        "/* Made from starrylab/boards/monitor_config.py by starrylab.boards.monitor_header. */",
        "#pragma once",
        f"#define CONFIG_OFFSET {OFFSET}",
        f'#define CONFIG_MAGIC "{MAGIC.decode()}"',
        f"#define RESET_BY_SBI {RESET_SBI}",
        f"#define RESET_BY_MMIO {RESET_MMIO}",
        f"#define CONFIG_SIZE {SIZE}",
        "",
        "#ifndef __ASSEMBLER__",
        '#include "types.h"',
        "",
        "struct config {",
    ]
    for form, name, about in FIELDS:
        line = f"    {_C_TYPES[form].format(name)}"
        lines.append(f"{line:34}/* {about} */" if about else line)
    return "\n".join([*lines, "};", "#endif", ""])
