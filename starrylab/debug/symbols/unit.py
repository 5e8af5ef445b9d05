"""Units of ``.debug_info``: headers, attribute values, references (DWARF 5, 7.5)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from . import dw
from .abbrev import IMPLICIT, Abbreviation, AbbreviationTable, Shape
from .encoding import UNSIGNED, initial_length, u16, u64, uleb
from .errors import DwarfError, guarded
from .forms import Value, read, skip
from .image import string_at
from .sections import Sections

if TYPE_CHECKING:
    from .die import Die
    from .info import Info

#: What follows the last entry of a header, by the type of a version 5 unit.
_HAS_ID: Final = frozenset({dw.UT_SKELETON, dw.UT_SPLIT_COMPILE})
_HAS_SIGNATURE: Final = frozenset({dw.UT_TYPE, dw.UT_SPLIT_TYPE})
_ADDRESS_SIZES: Final = frozenset({4, 8})


class Unit:
    """One unit: its header at once, its entries when they are asked for."""

    def __init__(self, info: Info, start: int, *, types: bool = False) -> None:
        self.info = info
        self.sections: Sections = info.sections
        self.types = types  #: whether it is in ``.debug_types``
        section = self.sections.types if types else self.sections.info
        self.start = start  #: offset of the header
        length, offset_size, at = initial_length(section, start)
        self.end = at + length  #: offset behind the unit
        if self.end > len(section):
            raise DwarfError(f"the unit at {start:#x} is cut short")
        self.version = u16(section, at)
        if not 2 <= self.version <= 5:
            raise DwarfError(f"DWARF version {self.version} of the unit at {start:#x} is unknown")
        self.unit_type = dw.UT_TYPE if types else dw.UT_COMPILE
        self.signature = 0  #: of a type unit; the identity of a skeleton or split unit
        at = self._header(section, at + 2, offset_size)
        self.first = at  #: offset of the root entry
        if self.address_size not in _ADDRESS_SIZES:
            raise DwarfError(f"addresses of {self.address_size} bytes in the unit at {start:#x}")
        self.shape = Shape(self.version, self.address_size, offset_size)
        self.offset_size = offset_size
        self.low_pc_from: Unit | None = None  #: the skeleton of a split unit
        self._section = section

    def _header(self, section: memoryview, at: int, offset_size: int) -> int:
        offset = UNSIGNED[offset_size]
        if self.version >= 5:
            self.unit_type = section[at]
            self.address_size = section[at + 1]
            self.abbrev_offset = offset(section, at + 2)
            at += 2 + offset_size
        else:
            self.abbrev_offset = offset(section, at)
            self.address_size = section[at + offset_size]
            at += offset_size + 1
        if self.unit_type in _HAS_ID:
            self.signature = u64(section, at)
            return at + 8
        if self.unit_type in _HAS_SIGNATURE:
            self.signature = u64(section, at)
            return at + 8 + offset_size
        return at

    @cached_property
    def data(self) -> bytes:
        """The unit's bytes, from its header on: offsets into it count from `start`."""
        return bytes(self._section[self.start : self.end])

    @cached_property
    def abbreviations(self) -> AbbreviationTable:
        """The shapes of its entries."""
        return self.sections.abbreviations(self.abbrev_offset, self.shape)

    # The root entry and what it says of the whole unit.

    @cached_property
    def root(self) -> Die:
        """The unit's first entry; raise `DwarfError`."""
        return self.info.die(self, self.first)

    @cached_property
    def root_values(self) -> dict[int, Value]:
        """The attributes of the first entry, read without the rest of the unit."""
        size = 256
        while True:
            window = bytes(self._section[self.first : min(self.first + size, self.end)])
            try:
                code, at = uleb(window, 0)
                return self._values(self.abbreviations.find(code), window, at)[0]
            except (IndexError, ValueError, struct.error, DwarfError) as error:
                if self.first + size >= self.end:
                    raise DwarfError(f"the unit at {self.start:#x} is broken") from error
            size *= 8

    def root_number(self, *names: int) -> int | None:
        """Return the first of these root attributes that is there, as a plain number."""
        for name in names:
            value = self.root_values.get(name)
            if value is not None and isinstance(value.raw, int):
                return value.raw
        return None

    @cached_property
    def name(self) -> str:
        """The source file that was compiled."""
        return self.text(self.root_values.get(dw.AT_NAME))

    @cached_property
    def folder(self) -> str:
        """The working folder of the compiler."""
        return self.text(self.root_values.get(dw.AT_COMP_DIR))

    @cached_property
    def language(self) -> int:
        """``DW_LANG_*``; 0 when unknown."""
        return self.root_number(dw.AT_LANGUAGE) or 0

    @property
    def path(self) -> str:
        """The source file, joined with the compiler's folder."""
        return os.path.join(self.folder, self.name)

    @cached_property
    def is_skeleton(self) -> bool:
        """Whether the unit only stands for one in a file of its own."""
        return self.unit_type == dw.UT_SKELETON or dw.AT_GNU_DWO_NAME in self.root_values

    @cached_property
    def low_pc(self) -> int:
        """The base of the unit's addresses."""
        if self.low_pc_from is not None:
            return self.low_pc_from.low_pc
        return self.address(self.root_values.get(dw.AT_LOW_PC)) or 0

    @cached_property
    def line_offset(self) -> int | None:
        """Where its line table is in ``.debug_line``."""
        if self.low_pc_from is not None:
            return self.low_pc_from.line_offset
        return self.root_number(dw.AT_STMT_LIST)

    @cached_property
    def string_base(self) -> int:
        """Where its part of ``.debug_str_offsets`` starts, behind the header."""
        found = self.root_number(dw.AT_STR_OFFSETS_BASE)
        if found is not None:
            return found
        # A split unit has its section for itself; version 4 has no header there.
        return 0 if self.version < 5 else 2 * self.offset_size

    @cached_property
    def address_base(self) -> int:
        """Where its part of ``.debug_addr`` starts."""
        if self.low_pc_from is not None:
            return self.low_pc_from.address_base
        return self.root_number(dw.AT_ADDR_BASE, dw.AT_GNU_ADDR_BASE) or 0

    @cached_property
    def range_base(self) -> int:
        """Where its part of ``.debug_rnglists`` starts, or of ``.debug_ranges`` when split."""
        if self.version < 5:
            found = self.low_pc_from and self.low_pc_from.root_number(dw.AT_GNU_RANGES_BASE)
            return found or 0
        found = self.root_number(dw.AT_RNGLISTS_BASE)
        if found is not None:
            return found
        return 12 if self.offset_size == 4 else 20  # a split unit: behind the section's header

    # Attribute values.

    def _values(
        self, abbreviation: Abbreviation, data: bytes, at: int
    ) -> tuple[dict[int, Value], int]:
        """Return the attributes of the entry whose values start at ``at``, and where they end."""
        if abbreviation.layout is not None:
            raws = abbreviation.layout.unpack_from(data, at)
            found = {
                spec[0]: Value(spec[1], raw)
                for spec, raw in zip(abbreviation.specs, raws, strict=True)
            }
            return found, at + abbreviation.fixed
        values = {}
        for name, form, size, constant in abbreviation.specs:
            if size in UNSIGNED:
                raw: int | bytes = UNSIGNED[size](data, at)
                at += size
            elif size == 0:
                raw = 1  # DW_FORM_flag_present
            elif size == IMPLICIT:
                raw = constant
            else:
                form, raw, at = read(form, size, self.shape, data, at)
            values[name] = Value(form, raw)
        return values, at

    def skip(self, abbreviation: Abbreviation, at: int) -> int:
        """Return where in `data` the entry ends whose values start at ``at``."""
        if abbreviation.fixed >= 0:
            return at + abbreviation.fixed
        return skip(abbreviation.steps, self.shape, self.data, at)

    @guarded
    def values_at(self, at: int) -> tuple[Abbreviation | None, dict[int, Value], int]:
        """Return an entry's abbreviation (None: end of children), attributes, and its end.

        ``at`` and the end are offsets into `data`.
        """
        code, at = uleb(self.data, at)
        if code == 0:
            return None, {}, at
        abbreviation = self.abbreviations.find(code)
        return (abbreviation, *self._values(abbreviation, self.data, at))

    # What values mean.

    @guarded
    def text(self, value: Value | None) -> str:
        """Return a string attribute's text, "" when there is none."""
        if value is None:
            return ""
        form, raw = value
        if isinstance(raw, bytes):
            return raw.decode("utf-8", "replace") if form == dw.FORM_STRING else ""
        if form == dw.FORM_STRP:
            return self.sections.string(raw)
        if form == dw.FORM_LINE_STRP:
            return self.sections.line_string(raw)
        if form in dw.STRING_INDICES:
            at = self.string_base + raw * self.offset_size
            return self.sections.string(
                UNSIGNED[self.offset_size](self.sections.string_offsets, at)
            )
        if form in (dw.FORM_GNU_STRP_ALT, dw.FORM_STRP_SUP):
            shared = self.info.alternate
            return string_at(shared.sections.strings, raw) if shared else ""
        return ""

    @guarded
    def address(self, value: Value | None) -> int | None:
        """Return an address attribute's address; None when it is absent or no address."""
        if value is None or isinstance(value.raw, bytes):
            return None
        if value.form == dw.FORM_ADDR:
            return value.raw
        if value.form in dw.ADDRESS_INDICES:
            return self.indexed_address(value.raw)
        return None

    def indexed_address(self, index: int) -> int:
        """Return an entry of the unit's part of ``.debug_addr``."""
        table = self.info.main_sections.addresses
        return UNSIGNED[self.address_size](table, self.address_base + index * self.address_size)

    def reference(self, value: Value | None) -> tuple[Unit, int] | None:
        """Return unit and section offset of the entry that an attribute refers to.

        None when the attribute is absent, or the file that holds the entry is.
        """
        if value is None or isinstance(value.raw, bytes):
            return None
        form, raw = value.form, value.raw
        if form in dw.UNIT_REFERENCES:
            return (self, self.start + raw) if self.start + raw < self.end else None
        if form == dw.FORM_REF_ADDR:
            unit = self.info.unit_of(raw)
            return (unit, raw) if unit else None
        if form == dw.FORM_REF_SIG8:
            return self.info.type_unit(raw)
        if form in dw.ALTERNATE_REFERENCES and self.info.alternate is not None:
            unit = self.info.alternate.unit_of(raw)
            return (unit, raw) if unit else None
        return None

    def __iter__(self) -> Iterator[Die]:
        """Go over the entries of the top level."""
        return self.root.children()
