"""Abbreviations: the shapes of a unit's entries (DWARF 5, 7.5.3), read as far as needed."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from . import dw
from .encoding import Bytes, sleb, uleb
from .errors import DwarfError

ULEB: Final = -1
SLEB: Final = -2
STRING: Final = -3
BLOCK: Final = -4  #: length as ULEB128, then bytes
BLOCK_1: Final = -5
BLOCK_2: Final = -6
BLOCK_4: Final = -7
INDIRECT: Final = -8
IMPLICIT: Final = -9  #: the value stands in the abbreviation

#: form -> bytes, or one of the kinds above
_SIZES: Final = {
    dw.FORM_BLOCK1: BLOCK_1, dw.FORM_BLOCK2: BLOCK_2, dw.FORM_BLOCK4: BLOCK_4,
    dw.FORM_BLOCK: BLOCK, dw.FORM_EXPRLOC: BLOCK, dw.FORM_STRING: STRING,
    dw.FORM_DATA1: 1, dw.FORM_DATA2: 2, dw.FORM_DATA4: 4, dw.FORM_DATA8: 8, dw.FORM_DATA16: 16,
    dw.FORM_FLAG: 1, dw.FORM_FLAG_PRESENT: 0, dw.FORM_IMPLICIT_CONST: IMPLICIT,
    dw.FORM_SDATA: SLEB, dw.FORM_UDATA: ULEB, dw.FORM_INDIRECT: INDIRECT,
    dw.FORM_REF1: 1, dw.FORM_REF2: 2, dw.FORM_REF4: 4, dw.FORM_REF8: 8, dw.FORM_REF_UDATA: ULEB,
    dw.FORM_REF_SIG8: 8, dw.FORM_REF_SUP4: 4, dw.FORM_REF_SUP8: 8,
    dw.FORM_STRX: ULEB, dw.FORM_STRX1: 1, dw.FORM_STRX2: 2, dw.FORM_STRX3: 3, dw.FORM_STRX4: 4,
    dw.FORM_ADDRX: ULEB, dw.FORM_ADDRX1: 1, dw.FORM_ADDRX2: 2, dw.FORM_ADDRX3: 3,
    dw.FORM_ADDRX4: 4, dw.FORM_LOCLISTX: ULEB, dw.FORM_RNGLISTX: ULEB,
    dw.FORM_GNU_ADDR_INDEX: ULEB, dw.FORM_GNU_STR_INDEX: ULEB,
}  # fmt: skip
#: forms as long as an offset of the unit's format
_OFFSETS: Final = frozenset({
    dw.FORM_STRP, dw.FORM_SEC_OFFSET, dw.FORM_LINE_STRP, dw.FORM_STRP_SUP,
    dw.FORM_GNU_REF_ALT, dw.FORM_GNU_STRP_ALT,
})  # fmt: skip


_LETTERS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Shape(NamedTuple):
    """What sizes depend on."""

    version: int
    address_size: int  #: 4 or 8
    offset_size: int  #: 4 or 8


def form_size(form: int, shape: Shape) -> int:
    """Return the bytes that ``form`` takes, or a kind (negative); raise `DwarfError`."""
    size = _SIZES.get(form)
    if size is not None:
        return size
    if form in _OFFSETS:
        return shape.offset_size
    if form == dw.FORM_ADDR:
        return shape.address_size
    if form == dw.FORM_REF_ADDR:
        return shape.address_size if shape.version <= 2 else shape.offset_size
    raise DwarfError(f"unknown DWARF form {form:#x}")


class Spec(NamedTuple):
    """One attribute of an abbreviation."""

    name: int  #: DW_AT_*
    form: int  #: DW_FORM_*
    size: int  #: bytes, or a kind
    constant: int  #: of DW_FORM_implicit_const


class Abbreviation(NamedTuple):
    """The shape of an entry."""

    code: int
    tag: int  #: DW_TAG_*
    children: bool
    specs: tuple[Spec, ...]
    fixed: int  #: bytes of all attributes together, -1 when they vary
    steps: tuple[tuple[int, int], ...]  #: what to leap over: (bytes, then a kind or 0)
    names: frozenset[int]  #: DW_AT_* that the entry has
    layout: struct.Struct | None  #: of all attributes, when each is a plain number


class AbbreviationTable:
    """The abbreviations at one offset of ``.debug_abbrev``; each is read when it is first used."""

    def __init__(self, data: Bytes, offset: int, shape: Shape) -> None:
        self._data = data
        self._at = offset
        self._shape = shape
        self._complete = False
        self.known: dict[int, Abbreviation] = {}

    def find(self, code: int) -> Abbreviation:
        """Return the abbreviation of ``code``; raise `DwarfError` when there is none."""
        known = self.known
        while code not in known:
            if self._complete:
                raise DwarfError(f"there is no abbreviation {code}")
            self._read()
        return known[code]

    def all(self) -> dict[int, Abbreviation]:
        """Return every abbreviation by its code."""
        while not self._complete:
            self._read()
        return self.known

    def _read(self) -> None:
        data = self._data
        code, at = uleb(data, self._at)
        if code == 0:
            self._complete = True
            return
        tag, at = uleb(data, at)
        children = data[at] != 0
        at += 1
        specs = []
        while True:
            name, at = uleb(data, at)
            form, at = uleb(data, at)
            constant = 0
            if form == dw.FORM_IMPLICIT_CONST:
                constant, at = sleb(data, at)
            if name == 0 and form == 0:
                break
            specs.append(Spec(name, form, form_size(form, self._shape), constant))
        self._at = at
        steps = _steps(specs)
        fixed = -1
        if not steps or steps == ((steps[0][0], 0),):
            fixed = steps[0][0] if steps else 0
        names = frozenset(spec.name for spec in specs)
        layout = _layout(specs)
        found = Abbreviation(code, tag, children, tuple(specs), fixed, steps, names, layout)
        self.known.setdefault(code, found)


def _layout(specs: list[Spec]) -> struct.Struct | None:
    """Return what unpacks an entry at one go; most entries permit it."""
    if all(spec.size in _LETTERS for spec in specs):
        return struct.Struct("<" + "".join(_LETTERS[spec.size] for spec in specs))
    return None


def _steps(specs: list[Spec]) -> tuple[tuple[int, int], ...]:
    """Join neighbours of fixed size: an entry is left with as few steps as possible."""
    steps = []
    run = 0
    for spec in specs:
        if spec.size >= 0:
            run += spec.size
        elif spec.size != IMPLICIT:
            steps.append((run, spec.size))
            run = 0
    if run:
        steps.append((run, 0))
    return tuple(steps)
