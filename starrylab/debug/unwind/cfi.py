"""Call frame information: which entry describes an address (DWARF 5, 6.4.1; LSB core, 10.6).

.eh_frame_hdr has a sorted table, which is searched as it lies in the file.  Where it is missing
(.debug_frame never has one) the headers of all entries are read once, without their programs.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from .cursor import PE_DATAREL, PE_INDIRECT, PE_OMIT, CfiError, Cursor

_TABLE_ENCODING: Final = PE_DATAREL | 0x0B  #: sdata4: what every linker writes
_CACHED: Final = 4096  #: entries kept


@dataclass(frozen=True, slots=True)
class Cie:
    """What a group of entries has in common."""

    code_align: int
    data_align: int
    return_register: int
    initial: bytes  #: instructions
    pointer_encoding: int
    augmented: bool  #: entries have augmentation data
    signal_frame: bool  #: the caller was interrupted: its address is exact
    base: int  #: address of `initial`, for DW_CFA_set_loc


@dataclass(frozen=True, slots=True)
class Fde:
    """The entry of one function; addresses are the file's."""

    cie: Cie
    start: int
    end: int  #: excluded
    program: bytes
    base: int  #: address of `program`


class FrameSection:
    """.eh_frame or .debug_frame of one image."""

    def __init__(
        self,
        data: memoryview | bytes,
        address: int,
        *,
        eh: bool,
        header: memoryview | bytes | None = None,
        header_address: int = 0,
        text_address: int = 0,
    ) -> None:
        self._data = data
        self._address = address
        self._eh = eh
        self._text = text_address
        self._cies: dict[int, Cie] = {}
        self._fdes: dict[int, Fde] = {}
        self._table = SearchTable.parse(header, header_address) if header is not None else None
        self._starts: list[int] | None = None
        self._offsets: list[int] = []

    def find(self, addr: int) -> Fde | None:
        """Return the entry that covers ``addr``; raise `CfiError` for data that make no sense."""
        offset = self._offset(addr)
        if offset is None:
            return None
        fde = self._fdes.get(offset)
        if fde is None:
            fde = self._read_fde(offset)
            if fde is None:
                return None
            if len(self._fdes) >= _CACHED:
                self._fdes.clear()
            self._fdes[offset] = fde
        return fde if fde.start <= addr < fde.end else None

    def _offset(self, addr: int) -> int | None:
        if self._table is not None:
            at = self._table.find(addr)
            return None if at is None else at - self._address
        if self._starts is None:
            self._index()
        starts = self._starts or []
        index = bisect_right(starts, addr) - 1
        return self._offsets[index] if index >= 0 else None

    def _index(self) -> None:
        """Read where every entry begins; what cannot be read ends the list."""
        found: list[tuple[int, int]] = []
        at = 0
        try:
            while at < len(self._data):
                start, end, _, is_cie = self._header(at)
                if end == start:
                    break  # a terminator
                if not is_cie:
                    fde = self._read_fde(at)
                    if fde is not None and fde.end > fde.start:
                        found.append((fde.start, at))
                at = end
        except CfiError:
            pass
        found.sort()
        self._starts = [start for start, _ in found]
        self._offsets = [offset for _, offset in found]

    def _header(self, at: int) -> tuple[int, int, int, bool]:
        """Return start of the body, end, offset of the CIE, and whether this is one itself."""
        cursor = Cursor(self._data, at)
        length = cursor.unsigned(4)
        size = 4
        if length == 0xFFFFFFFF:
            length, size = cursor.unsigned(8), 8
        if length == 0:
            return cursor.at, cursor.at, 0, True
        body = cursor.at
        end = body + length
        if end > len(self._data):
            raise CfiError("an entry reaches beyond its section")
        identity = cursor.unsigned(4 if self._eh and size == 4 else size)
        if self._eh:
            return cursor.at, end, body - identity, identity == 0
        return cursor.at, end, identity, identity == (1 << 8 * size) - 1

    def _read_fde(self, at: int) -> Fde | None:
        start, end, cie_at, is_cie = self._header(at)
        if is_cie or start == end:
            return None
        cie = self._cie(cie_at)
        cursor = Cursor(self._data, start, end)
        encoding = cie.pointer_encoding
        first = cursor.pointer(encoding, self._address, self._text)
        length = cursor.pointer(encoding & 0x0F)
        if cie.augmented:
            cursor.at += cursor.uleb()
        base = self._address + cursor.at
        return Fde(cie, first, first + length, cursor.block(end - cursor.at), base)

    def _cie(self, at: int) -> Cie:
        cie = self._cies.get(at)
        if cie is None:
            cie = self._cies[at] = self._read_cie(at)
        return cie

    def _read_cie(self, at: int) -> Cie:
        if not 0 <= at < len(self._data):
            raise CfiError("an entry's common part is outside of the section")
        start, end, _, is_cie = self._header(at)
        if not is_cie or start == end:
            raise CfiError("an entry's common part is none")
        cursor = Cursor(self._data, start, end)
        version = cursor.unsigned(1)
        if version not in (1, 3, 4):
            raise CfiError(f"call frame information of version {version} is not known")
        augmentation = cursor.text()
        if version == 4 and (cursor.unsigned(1) != 8 or cursor.unsigned(1)):
            raise CfiError("only 64-bit flat addresses are supported")
        code_align, data_align = cursor.uleb(), cursor.sleb()
        return_register = cursor.unsigned(1) if version == 1 else cursor.uleb()
        encoding, signal_frame = self._augmentation(augmentation, cursor)
        base = self._address + cursor.at
        return Cie(
            code_align, data_align, return_register, cursor.block(end - cursor.at), encoding,
            augmentation.startswith(b"z"), signal_frame, base,
        )  # fmt: skip

    def _augmentation(self, letters: bytes, cursor: Cursor) -> tuple[int, bool]:
        """Read what ``letters`` announce; return pointer encoding and signal-frame mark."""
        encoding = 0
        if not letters:
            return encoding, False
        if not letters.startswith(b"z"):
            raise CfiError(f"augmentation {letters!r} is not known")
        end = cursor.uleb() + cursor.at
        for letter in letters[1:].decode("latin-1"):
            if letter == "R":
                encoding = cursor.unsigned(1)
            elif letter == "L":
                cursor.unsigned(1)
            elif letter == "P":
                form = cursor.unsigned(1)
                if form != PE_OMIT:
                    cursor.pointer(form & ~PE_INDIRECT, self._address, self._text)
            elif letter not in "SBG":
                break  # what follows cannot be told apart, but is skipped as a whole
        cursor.at = end
        return encoding, b"S" in letters


class SearchTable:
    """The sorted table of .eh_frame_hdr."""

    def __init__(self, words: memoryview, base: int, count: int) -> None:
        self._words = words  #: signed 32-bit: start, entry, start, entry ...
        self._base = base
        self._count = count

    @classmethod
    def parse(cls, data: memoryview | bytes, address: int) -> SearchTable | None:
        """Return the table; ``None`` if there is none of the usual form."""
        cursor = Cursor(data)
        try:
            version, frame_encoding = cursor.unsigned(1), cursor.unsigned(1)
            count_encoding, table_encoding = cursor.unsigned(1), cursor.unsigned(1)
            if version != 1 or table_encoding != _TABLE_ENCODING or count_encoding == PE_OMIT:
                return None
            cursor.pointer(frame_encoding, address, address)
            count = cursor.pointer(count_encoding, address, address)
        except CfiError:
            return None
        end = cursor.at + 8 * count
        if not count or end > len(data):
            return None
        words = memoryview(bytes(data[cursor.at : end])) if cursor.at & 3 else memoryview(data)
        if not cursor.at & 3:
            words = words[cursor.at : end]
        return cls(words.cast("B").cast("i"), address, count)

    def find(self, addr: int) -> int | None:
        """Return the address of the entry whose function begins at or last before ``addr``."""
        words, wanted = self._words, addr - self._base
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if words[2 * middle] <= wanted:
                low = middle + 1
            else:
                high = middle
        return words[2 * low - 1] + self._base if low else None
