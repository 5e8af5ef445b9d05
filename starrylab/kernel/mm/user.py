"""Access to user memory by the kernel (design document 5.4).

As with Starry's exception fix-up there is no check beforehand: an access goes through the
page table at once, and only a page that is missing takes the way of a page fault.  A bad
address raises ``EFAULT`` (`BadAccess`).  The first lines of each method serve the common
case, one page that is present.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Final, TypeVar

from ...abi.errno import EFAULT, EINVAL, ENAMETOOLONG
from ...base.cstruct import Struct
from ...machine.api import EXEC, PAGE_MASK, PAGE_SIZE, PTE_FRAME, READ, WRITE
from .areas import SHARED
from .faults import Faults
from .frames import FrameAllocator
from .layout import Layout
from .source import Limits

Buffer = bytes | bytearray | memoryview
S = TypeVar("S", bound=Struct)

PATH_MAX: Final = 4096  #: bytes of a path, the NUL included
IOV_MAX: Final = 1024
MAX_RW_COUNT: Final = 0x7FFFF000  #: most bytes that one call transfers
_CSTR_CHUNK: Final = 128
#: WRITE alone among these: the page can be written, and no code was made from it.
_PLAIN: Final = WRITE | EXEC | SHARED


class UserAccess(Faults):
    """Reading and writing user memory."""

    def __init__(self, frames: FrameAllocator, layout: Layout, limits: Limits) -> None:
        super().__init__(frames, layout, limits)
        self.view = frames.view
        self._grain = frames.ram.grain - 1
        self._u32 = frames.u32
        self._u64 = frames.u64

    # -- bytes -----------------------------------------------------------------------------

    def read(self, addr: int, size: int) -> bytes:
        """Return ``size`` bytes at ``addr``; raise ``EFAULT``."""
        entry = self.table.get(addr >> 12, 0)
        offset = addr & 4095
        if entry & 1 and offset + size <= 4096:
            offset += entry & -4096
            return self.view[offset : offset + size].tobytes()
        self._check_range(addr, size)
        return b"".join(self.views(addr, size, READ))

    def write(self, addr: int, data: Buffer) -> None:
        """Store ``data`` at ``addr``; raise ``EFAULT`` after storing up to the bad page."""
        entry = self.table.get(addr >> 12, 0)
        offset = addr & 4095
        size = len(data)
        if entry & _PLAIN == 2 and offset + size <= 4096:
            offset += entry & -4096
            self.view[offset : offset + size] = data
            return
        self._check_range(addr, size)
        data = memoryview(data)
        done = 0
        while done < size:
            start, end = self._locate(addr + done, size - done, WRITE)
            length = end - start
            self.view[start:end] = data[done : done + length]
            done += length

    def read_partial(self, addr: int, size: int) -> bytes:
        """Return the bytes at ``addr`` up to ``size`` or the first bad page, maybe none."""
        pieces: list[memoryview] = []
        done = 0
        try:
            while done < size:
                piece = self._piece(addr + done, size - done, READ)
                pieces.append(memoryview(piece.tobytes()))
                done += len(piece)
        except EFAULT:
            pass
        return b"".join(pieces)

    def write_partial(self, addr: int, data: Buffer) -> int:
        """Store ``data`` up to the first bad page; return how many bytes that was."""
        data = memoryview(data)
        done = 0
        try:
            while done < len(data):
                start, end = self._locate(addr + done, len(data) - done, WRITE)
                self.view[start:end] = data[done : done + end - start]
                done += end - start
        except EFAULT:
            pass
        return done

    def zero(self, addr: int, size: int) -> None:
        """Zero ``size`` bytes at ``addr``; raise ``EFAULT``."""
        for piece in self.views(addr, size, WRITE):
            piece[:] = bytes(len(piece))

    def read_cstr(self, addr: int, limit: int = PATH_MAX) -> bytes:
        """Return the string at ``addr`` without its NUL.

        Raises ``EFAULT``, and ``ENAMETOOLONG`` if there is no NUL among ``limit`` bytes.
        """
        entry = self.table.get(addr >> 12, 0)
        if entry & 1:
            start = entry & -4096 | addr & 4095
            end = (start | self._grain) + 1
            if end > start + _CSTR_CHUNK:
                end = start + _CSTR_CHUNK
            chunk = self.view[start:end].tobytes()
            length = chunk.find(0)
            if 0 <= length < limit:
                return chunk[:length]
        return self._read_long_cstr(addr, limit)

    def _read_long_cstr(self, addr: int, limit: int) -> bytes:
        found = bytearray()
        while len(found) < limit:
            at = addr + len(found)
            size = min(limit - len(found), self._grain + 1 - (at & self._grain))
            chunk = self._piece(at, size, READ).tobytes()
            length = chunk.find(0)
            if length >= 0:
                return bytes(found) + chunk[:length]
            found += chunk
        raise ENAMETOOLONG

    # -- numbers and structures ------------------------------------------------------------

    def read_u32(self, addr: int) -> int:
        """Return the unsigned 32-bit number at ``addr``; raise ``EFAULT``."""
        entry = self.table.get(addr >> 12, 0)
        if entry & 1 and not addr & 3:
            return self._u32[(entry & -4096 | addr & 4095) >> 2]
        return int.from_bytes(self.read(addr, 4), "little")

    def read_u64(self, addr: int) -> int:
        """Return the unsigned 64-bit number at ``addr``; raise ``EFAULT``."""
        entry = self.table.get(addr >> 12, 0)
        if entry & 1 and not addr & 7:
            return self._u64[(entry & -4096 | addr & 4095) >> 3]
        return int.from_bytes(self.read(addr, 8), "little")

    def read_i32(self, addr: int) -> int:
        """Return the signed 32-bit number at ``addr``; raise ``EFAULT``."""
        return (self.read_u32(addr) ^ 0x80000000) - 0x80000000

    def read_i64(self, addr: int) -> int:
        """Return the signed 64-bit number at ``addr``; raise ``EFAULT``."""
        return (self.read_u64(addr) ^ (1 << 63)) - (1 << 63)

    def write_u32(self, addr: int, value: int) -> None:
        """Store the low 32 bits of ``value`` at ``addr``; raise ``EFAULT``."""
        entry = self.table.get(addr >> 12, 0)
        if entry & _PLAIN == 2 and not addr & 3:
            self._u32[(entry & -4096 | addr & 4095) >> 2] = value & 0xFFFFFFFF
            return
        self.write(addr, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def write_u64(self, addr: int, value: int) -> None:
        """Store the low 64 bits of ``value`` at ``addr``; raise ``EFAULT``."""
        entry = self.table.get(addr >> 12, 0)
        if entry & _PLAIN == 2 and not addr & 7:
            self._u64[(entry & -4096 | addr & 4095) >> 3] = value & 0xFFFFFFFFFFFFFFFF
            return
        self.write(addr, (value & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little"))

    def read_struct(self, cls: type[S], addr: int) -> S:
        """Return a copy of the structure at ``addr``; raise ``EFAULT``."""
        return cls.from_buffer_copy(self.read(addr, ctypes.sizeof(cls)))

    def write_struct(self, addr: int, value: Struct) -> None:
        """Store a structure at ``addr``; raise ``EFAULT``."""
        self.write(addr, memoryview(value).cast("B"))

    def read_vector(self, addr: int, count: int) -> list[tuple[int, int]]:
        """Return the (address, length) pairs of ``count`` struct iovec, as import_iovec() does.

        The lengths add up to `MAX_RW_COUNT` at most.  Raises ``EINVAL`` for a count above
        IOV_MAX and a negative length, ``EFAULT`` for a bad table or a range beyond user memory.
        """
        if not 0 <= count <= IOV_MAX:
            raise EINVAL
        words = struct.unpack(f"<{2 * count}Q", self.read(addr, 16 * count))
        top = self.user_top
        left = MAX_RW_COUNT
        result = []
        for base, length in zip(words[::2], words[1::2], strict=True):
            if length >> 63:
                raise EINVAL
            if length and base + length > top:
                raise EFAULT
            length = min(length, left)
            left -= length
            result.append((base, length))
        return result

    # -- direct access to RAM -----------------------------------------------------------------

    def views(self, addr: int, size: int, access: int) -> list[memoryview]:
        """Return the pieces of RAM that hold ``size`` bytes at ``addr``, for I/O without a copy.

        Neighbouring frames come as one piece.  The pieces are good until anything else is
        done with this address space.  Raises ``EFAULT``.
        """
        self._check_range(addr, size)
        if size <= 0:
            return []
        drops = self.drops
        runs = self._runs(addr, size, access)
        while self.drops != drops:  # bringing in a later page evicted another, perhaps of ours
            drops = self.drops
            runs = self._runs(addr, size, access)
        view = self.view
        return [view[start:end] for start, end in runs]

    def physical(self, addr: int, access: int) -> int:
        """Return the RAM offset of the byte at ``addr``; raise ``EFAULT``."""
        entry = self.table.get(addr >> 12, 0)
        if not entry & access:
            entry = self.kernel_fault(addr, access)
        return entry & PTE_FRAME | addr & PAGE_MASK

    def compare_exchange_u32(self, addr: int, expected: int, new: int) -> int:
        """Store ``new`` if ``expected`` is at ``addr``; return what was there.

        Raises ``EFAULT``, and ``EINVAL`` for an address that is not a multiple of 4.
        """
        if addr & 3:
            raise EINVAL
        word = self.physical(addr, WRITE) >> 2
        old = self._u32[word]
        if old == expected:
            self._u32[word] = new & 0xFFFFFFFF
        return old

    # -- inside ----------------------------------------------------------------------------------

    def _check_range(self, addr: int, size: int) -> None:
        if addr + size > self.user_top or addr < 0:
            raise EFAULT

    def _piece(self, addr: int, size: int, access: int) -> memoryview:
        """Return up to ``size`` bytes of RAM at ``addr``, within one page; raise ``EFAULT``."""
        start, end = self._locate(addr, size, access)
        return self.view[start:end]

    def _locate(self, addr: int, size: int, access: int) -> tuple[int, int]:
        """Return where in RAM up to ``size`` bytes at ``addr`` are, within one page.

        Raises ``EFAULT``.
        """
        entry = self.table.get(addr >> 12, 0)
        if not entry & access:
            entry = self.kernel_fault(addr, access)
        if access == WRITE and self.frames.code[entry >> 12]:
            self.frames.code_changed(entry & PTE_FRAME)
        offset = addr & PAGE_MASK
        length = min(size, PAGE_SIZE - offset)
        offset += entry & PTE_FRAME
        return offset, offset + length

    def _runs(self, addr: int, size: int, access: int) -> list[tuple[int, int]]:
        """Return (start, end) in RAM of each run of neighbouring frames."""
        get, code = self.table.get, self.frames.code
        last = (addr + size - 1 >> 12) + 1
        writing = access == WRITE
        runs: list[tuple[int, int]] = []
        start = following = -1
        for vpn in range(addr >> 12, last):
            entry = get(vpn, 0)
            if not entry & access:
                entry = self.kernel_fault(max(addr, vpn << 12), access)
            if writing and code[entry >> 12]:
                self.frames.code_changed(entry & PTE_FRAME)
            frame = entry & -4096
            if frame == following:
                following += 4096
                continue
            if start >= 0:
                runs.append((start, following))
            start, following = frame, frame + 4096
        runs.append((start, following - ((last << 12) - addr - size)))
        runs[0] = (runs[0][0] + (addr & PAGE_MASK), runs[0][1])
        return runs
