"""What a debugger must know of an architecture besides its registers: breakpoint instructions."""

from __future__ import annotations

from typing import Final

from ..numbers import Arch

#: Instructions that programs use as breakpoints of their own (``__builtin_trap``, ``abort``).
BREAKPOINTS: Final[dict[Arch, tuple[bytes, ...]]] = {
    "riscv64": (b"\x73\x00\x10\x00", b"\x02\x90"),  # ebreak, c.ebreak
    "aarch64": (b"\x00\x00\x20\xd4",),  # brk #0
    "loongarch64": (b"\x00\x00\x2a\x00",),  # break 0
}
