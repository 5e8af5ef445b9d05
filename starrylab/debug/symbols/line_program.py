"""Running a line number program: from its bytes to rows (DWARF 5, 6.2.2 and 6.2.5).

A row says which line the code from its address on belongs to; rows of one sequence ascend, and
the last of a sequence is only its end.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, NamedTuple

from .encoding import MASK_64, UNSIGNED, sleb, uleb
from .errors import guarded
from .line_header import LineHeader
from .unit_index import EPILOGUE_BEGIN, IS_STMT, PROLOGUE_END

_EXTENDED: Final = 0
_COPY: Final = 1
_ADVANCE_PC: Final = 2
_ADVANCE_LINE: Final = 3
_SET_FILE: Final = 4
_SET_COLUMN: Final = 5
_NEGATE_STMT: Final = 6
_BASIC_BLOCK: Final = 7
_CONST_ADD_PC: Final = 8
_FIXED_ADVANCE_PC: Final = 9
_SET_PROLOGUE_END: Final = 10
_SET_EPILOGUE_BEGIN: Final = 11
_SET_ISA: Final = 12
_END_SEQUENCE: Final = 1
_SET_ADDRESS: Final = 2
_MASK_32: Final = (1 << 32) - 1


class Row(NamedTuple):
    """One row of the table."""

    address: int
    file: int
    line: int
    column: int
    flags: int  #: IS_STMT, PROLOGUE_END, EPILOGUE_BEGIN


class Sequence(NamedTuple):
    """Rows of code that lies together: ``rows`` ascend and end before ``end``."""

    start: int
    end: int
    rows: list[tuple[int, int, int, int, int]]

    def row_at(self, addr: int) -> int:
        """Return the index of the row that covers ``addr``, which is in the sequence.

        Of several rows at one address the last one holds.
        """
        return bisect_right(self.rows, (addr, _MASK_32 + 1)) - 1


@guarded
def run(header: LineHeader, around: int | None = None) -> list[Sequence]:
    """Return all sequences, by address, or only the one that covers ``around``.

    Raises `DwarfError`.
    A sequence that starts at 0 is code that the linker has thrown away.
    """
    found: list[Sequence] = []
    at = header.start
    while at < header.end:
        at, sequence = _sequence(header, at)
        if sequence is None or not sequence.start:
            continue
        if around is None:
            found.append(sequence)
        elif sequence.start <= around < sequence.end:
            return [sequence]
    found.sort(key=lambda sequence: sequence.start)
    return found


def _sequence(header: LineHeader, at: int) -> tuple[int, Sequence | None]:
    """Run up to the end of one sequence: the interpreter's loop."""
    data, end = header.data, header.end
    last = end - 3
    base, length = header.opcode_base, header.min_length
    span = header.line_range or 1
    special = [((i - base) // span * length, header.line_base + (i - base) % span)
               for i in range(256)]  # fmt: skip
    lengths = (0, *header.lengths)
    rows: list[tuple[int, int, int, int, int]] = []
    address, file, line, column = 0, 1, 1, 0
    is_stmt = int(header.default_is_stmt)
    flags = 0
    while at < end:
        opcode = data[at]
        at += 1
        if opcode >= base:
            step, delta = special[opcode]
            address += step
            line += delta
            rows.append((address, file, line, column, flags | is_stmt))
            flags = 0
        elif opcode == _ADVANCE_LINE:
            delta = data[at]
            if delta < 0x80:
                line += delta - 0x80 if delta & 0x40 else delta
                at += 1
            else:
                delta, at = sleb(data, at)
                line += delta
            if at < last and data[at] == _FIXED_ADVANCE_PC and data[at + 3] == _COPY:
                # So GNU as writes every row of code that the linker may shorten.
                address += data[at + 1] | data[at + 2] << 8
                at += 4
                rows.append((address, file, line, column, flags | is_stmt))
                flags = 0
        elif opcode == _SET_COLUMN:
            column = data[at]
            at += 1
            if column >= 0x80:
                column, at = uleb(data, at - 1)
        elif opcode == _NEGATE_STMT:
            is_stmt ^= IS_STMT
        elif opcode == _COPY:
            rows.append((address, file, line, column, flags | is_stmt))
            flags = 0
        elif opcode == _FIXED_ADVANCE_PC:
            address += data[at] | data[at + 1] << 8
            at += 2
        elif opcode == _ADVANCE_PC:
            step, at = uleb(data, at)
            address += step * length
        elif opcode == _EXTENDED:
            size, at = uleb(data, at)
            kind = data[at] if size else 0
            if kind == _END_SEQUENCE:
                return at + size, _finished(rows, address)
            if kind == _SET_ADDRESS and size - 1 in UNSIGNED:
                address = UNSIGNED[size - 1](data, at + 1)
            at += size
        elif opcode == _SET_FILE:
            file, at = uleb(data, at)
        elif opcode == _CONST_ADD_PC:
            address += special[255][0]
        elif opcode == _SET_PROLOGUE_END:
            flags |= PROLOGUE_END
        elif opcode == _SET_EPILOGUE_BEGIN:
            flags |= EPILOGUE_BEGIN
        elif opcode != _BASIC_BLOCK:
            for _ in range(lengths[opcode]):  # an opcode of later versions
                _, at = uleb(data, at)
    return at, None


def _finished(rows: list[tuple[int, int, int, int, int]], end: int) -> Sequence | None:
    if not rows:
        return None
    addresses = [row[0] for row in rows]
    if addresses != sorted(addresses):
        rows.sort(key=lambda row: row[0])  # against the rules, but nothing else is lost by it
    start, highest = rows[0][0], rows[-1][0]
    if start < 0 or highest > MASK_64 or not start < end <= MASK_64:
        return None
    return Sequence(start, end, rows)
