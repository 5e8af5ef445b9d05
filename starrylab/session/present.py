"""What is present of a process's memory, read without making more of it present."""

from __future__ import annotations

from ..machine.api import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PTE_FRAME, PageTable, RamView


def present_bytes(ram: RamView, table: PageTable, addr: int, size: int) -> bytes:
    """Return up to ``size`` bytes at ``addr``; the first page that is not present ends them."""
    data = bytearray()
    while size > 0:
        entry = table.get(addr >> PAGE_SHIFT)
        if entry is None:
            break
        offset = addr & PAGE_MASK
        piece = min(size, PAGE_SIZE - offset)
        start = (entry & PTE_FRAME) + offset
        data += ram[start : start + piece]
        addr += piece
        size -= piece
    return bytes(data)
