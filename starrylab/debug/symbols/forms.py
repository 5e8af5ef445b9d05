"""Reading and leaping over attribute values by their form (DWARF 5, 7.5.6)."""

from __future__ import annotations

from typing import Final, NamedTuple

from .abbrev import (
    BLOCK,
    BLOCK_1,
    BLOCK_2,
    BLOCK_4,
    IMPLICIT,
    INDIRECT,
    SLEB,
    STRING,
    ULEB,
    Shape,
    form_size,
)
from .encoding import UNSIGNED, Bytes, sleb, u8, u16, u32, uleb
from .errors import DwarfError

_BLOCK_LENGTHS: Final = {BLOCK_1: (1, u8), BLOCK_2: (2, u16), BLOCK_4: (4, u32)}


class Value(NamedTuple):
    """An attribute's value as it stands in the file: what it means depends on the form."""

    form: int  #: DW_FORM_*
    raw: int | bytes  #: a number (signed for sdata), or the bytes of a block or string


def read(form: int, size: int, shape: Shape, data: bytes, at: int) -> tuple[int, int | bytes, int]:
    """Return form (an indirect one resolved), value and end of what stands at ``at``.

    ``size`` is that of `form_size`. Raises DwarfError, or IndexError, ValueError or struct.error
    when the data end too early.
    """
    if size in UNSIGNED:
        return form, UNSIGNED[size](data, at), at + size
    if size == ULEB:
        return (form, *uleb(data, at))
    if size == SLEB:
        return (form, *sleb(data, at))
    if size == STRING:
        end = data.index(0, at)
        return form, data[at:end], end + 1
    if size == 0:
        return form, 1, at  # DW_FORM_flag_present
    if size == INDIRECT:
        form, size, at = _indirect(shape, data, at)
        return read(form, size, shape, data, at)
    length, at = _block(size, data, at)
    if at + length > len(data):
        raise DwarfError("a block reaches out of its unit")
    return form, data[at : at + length], at + length


def skip(steps: tuple[tuple[int, int], ...], shape: Shape, data: bytes, at: int) -> int:
    """Return where an entry ends whose values start at ``at``; raises as `read` does."""
    for leap, kind in steps:
        at += leap
        if kind in (ULEB, SLEB):
            while data[at] > 0x7F:
                at += 1
            at += 1
        elif kind == STRING:
            at = data.index(0, at) + 1
        elif kind == INDIRECT:
            form, size, at = _indirect(shape, data, at)
            at = read(form, size, shape, data, at)[2]
        elif kind:
            length, at = _block(kind, data, at)
            at += length
    return at


def _block(size: int, data: Bytes, at: int) -> tuple[int, int]:
    if size == BLOCK:
        return uleb(data, at)
    if size > 0:
        return size, at  # DW_FORM_data16
    width, number = _BLOCK_LENGTHS[size]
    return number(data, at), at + width


def _indirect(shape: Shape, data: Bytes, at: int) -> tuple[int, int, int]:
    form, at = uleb(data, at)
    size = form_size(form, shape)
    if size in (INDIRECT, IMPLICIT):
        raise DwarfError("an indirect form that is indirect itself")
    return form, size, at
