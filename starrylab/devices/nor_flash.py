"""A NOR flash chip, eight bits wide: readable like memory, written by commands.

Commands and bits: the basic command set of Intel's 28F parts; description of the chip: JEDEC
JESD68 (Common Flash Interface).  Not modelled: buffered programming, locks, suspending.
"""

from __future__ import annotations

from typing import Final

READ_ARRAY, PROGRAM, ERASE, CONFIRM = 0xFF, 0x40, 0x20, 0xD0
CLEAR_STATUS, READ_STATUS, QUERY = 0x50, 0x70, 0x98
READY, ERASE_FAILED, PROGRAM_FAILED = 0x80, 0x20, 0x10  #: bits of the status
_SEQUENCE_ERROR: Final = ERASE_FAILED | PROGRAM_FAILED
_QUERY_AT: Final = 0x55


class NorFlash:
    """``size`` bytes in blocks of ``block``: powers of two, the block at least 256.

    An offset outside is the caller's error.  Time passes by looks at the status: an operation
    takes ``slowness`` of them, and meanwhile the chip answers every load with its status.
    """

    def __init__(self, size: int, block: int, slowness: int = 3) -> None:
        if size & (size - 1) or block & (block - 1) or not 256 <= block <= size:
            raise ValueError(f"no such chip: {size} bytes in blocks of {block}")
        self.size, self.block, self.slowness = size, block, slowness
        self.content = bytearray(b"\xff" * size)
        self.worn: set[int] = set()  #: offsets of blocks that cannot be erased any more
        self.erased: list[int] = []  #: offsets of the blocks that were, in order
        self.loads = 0
        self._mode = READ_ARRAY
        self._first = 0  #: of a command of two stores
        self._busy = 0
        self._status = READY

    def load(self, offset: int, width: int) -> int:
        """Answer a load of ``width`` bytes (little-endian)."""
        self.loads += 1
        if self._mode == READ_ARRAY:
            return int.from_bytes(self.content[offset : offset + width], "little")
        if self._mode == QUERY:
            return int.from_bytes(self._query()[offset : offset + width], "little")
        if self._busy:
            self._busy -= 1
            return self._status & ~READY
        return self._status

    def store(self, offset: int, width: int, value: int) -> None:
        """Take a store; the chip has eight data lines and ignores wider ones."""
        if width != 1 or self._busy:
            return
        if self._first == PROGRAM:
            self._program(offset, value)
        elif self._first == ERASE:
            self._erase(offset, value)
        else:
            self._command(offset, value)

    def _command(self, offset: int, value: int) -> None:
        if value in (PROGRAM, ERASE):
            self._first, self._mode = value, READ_STATUS
        elif value == CLEAR_STATUS:
            self._status = READY
        elif value in (READ_ARRAY, READ_STATUS) or (value == QUERY and offset == _QUERY_AT):
            self._mode = value

    def _program(self, offset: int, value: int) -> None:
        self._first, self._busy = 0, self.slowness
        self.content[offset] &= value
        if self.content[offset] != value:  # only erasing makes ones of zeros
            self._status |= PROGRAM_FAILED

    def _erase(self, offset: int, value: int) -> None:
        self._first, self._busy = 0, self.slowness
        start = offset // self.block * self.block
        if value != CONFIRM:
            self._status |= _SEQUENCE_ERROR
        elif start in self.worn:
            self._status |= ERASE_FAILED
        else:
            self.erased.append(start)
            self.content[start : start + self.block] = b"\xff" * self.block

    def _query(self) -> bytes:
        table = bytearray(self.size)
        table[0x10:0x13] = b"QRY"
        table[0x13] = 1  # the basic command set
        table[0x27] = self.size.bit_length() - 1
        table[0x2C] = 1  # one region of equal blocks
        table[0x2D:0x2F] = (self.size // self.block - 1).to_bytes(2, "little")
        table[0x2F:0x31] = (self.block // 256).to_bytes(2, "little")
        return bytes(table)
