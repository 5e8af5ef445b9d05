"""Debugging information entries, typed: what types and variables are read with.

    for unit in info.units():
        for die in unit.root.children():
            if die.tag == TAG: print(die.name, die.reference(AT_TYPE))

An entry is read when it is asked for and holds its attributes as they stand in the file; the
methods say what they mean. All of them raise `DwarfError` for broken data and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from . import dw
from .encoding import uleb
from .errors import DwarfError, guarded
from .forms import Value
from .unit import Unit


class Die:
    """One entry."""

    def __init__(self, unit: Unit, offset: int) -> None:
        if not unit.first <= offset < unit.end:
            raise DwarfError(f"there is no entry at {offset:#x}")
        self.unit = unit
        self.offset = offset  #: in its section
        abbreviation, self._values, self._end = unit.values_at(offset - unit.start)
        if abbreviation is None:
            raise DwarfError(f"there is no entry at {offset:#x}")
        self.tag = abbreviation.tag  #: DW_TAG_*
        self.has_children = abbreviation.children

    def __repr__(self) -> str:
        return f"<Die {self.offset:#x} tag {self.tag:#x} {self.name!r}>"

    # Attributes.

    @property
    def attributes(self) -> dict[int, Value]:
        """All attributes by DW_AT_*, as they stand in the file."""
        return self._values

    def __contains__(self, name: int) -> bool:
        return name in self._values

    def get(self, name: int) -> Value | None:
        """Return an attribute as it stands in the file."""
        return self._values.get(name)

    def number(self, name: int) -> int | None:
        """Return a constant, flag or offset; None when it is absent or a block."""
        value = self._values.get(name)
        return value.raw if value is not None and isinstance(value.raw, int) else None

    def flag(self, name: int) -> bool:
        """Tell whether a flag is set."""
        return bool(self.number(name))

    def text(self, name: int) -> str:
        """Return a string; "" when it is absent."""
        return self.unit.text(self._values.get(name))

    def address(self, name: int) -> int | None:
        """Return an address of the file; None when it is absent or of another class."""
        return self.unit.address(self._values.get(name))

    def block(self, name: int) -> bytes | None:
        """Return the bytes of an expression or block; None when it is absent or a number."""
        value = self._values.get(name)
        if value is None or isinstance(value.raw, int) or value.form == dw.FORM_STRING:
            return None
        return value.raw

    def reference(self, name: int) -> Die | None:
        """Return the entry that an attribute refers to; None when it cannot be found."""
        found = self.unit.reference(self._values.get(name))
        return found[0].info.die(*found) if found else None

    @cached_property
    def name(self) -> str:
        """``DW_AT_name``, here or where the entry was declared; "" when it has none."""
        return self.inherited_text(dw.AT_NAME)

    def origins(self) -> Iterator[Die]:
        """Yield the entry, then what it is an instance of, then where that was declared."""
        die: Die | None = self
        for _ in range(16):  # more is a circle
            if die is None:
                return
            yield die
            die = die.reference(dw.AT_ABSTRACT_ORIGIN) or die.reference(dw.AT_SPECIFICATION)

    def inherited_text(self, *names: int) -> str:
        """Return the first string of these names in `origins`."""
        for die in self.origins():
            for name in names:
                text = die.text(name)
                if text:
                    return text
        return ""

    def ranges(self) -> list[tuple[int, int]]:
        """Return the addresses that the entry covers, as start and end."""
        from .ranges import ranges_of

        return ranges_of(self.unit, self._values)

    # The tree.

    def children(self) -> Iterator[Die]:
        """Yield the entries one level below."""
        if not self.has_children:
            return
        at = self.unit.start + self._end
        while at < self.unit.end and self.unit.data[at - self.unit.start] != 0:
            child = self.unit.info.die(self.unit, at)
            yield child
            at = child.following()

    def following(self) -> int:
        """Return the offset of what comes after the entry and all that is below it."""
        sibling = self.unit.reference(self._values.get(dw.AT_SIBLING))
        if sibling is not None and sibling[0] is self.unit and sibling[1] > self.offset:
            return sibling[1]
        at = self._end
        if self.has_children:
            at = skip_children(self.unit, at)
        return self.unit.start + at

    def descendants(self) -> Iterator[Die]:
        """Yield every entry below, in the file's order."""
        for child in self.children():
            yield child
            if child.has_children:
                yield from child.descendants()


@guarded
def skip_children(unit: Unit, at: int) -> int:
    """Return where (in the unit's data) a list of children that starts at ``at`` ends."""
    depth = 1
    size = len(unit.data)
    while depth and at < size:
        code, after = uleb(unit.data, at)
        if code == 0:
            depth -= 1
            at = after
            continue
        abbreviation = unit.abbreviations.find(code)
        depth += abbreviation.children
        at = unit.skip(abbreviation, after)
    return at
