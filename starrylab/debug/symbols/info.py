"""All units of a file, found by offset, by type signature, and across split files."""

from __future__ import annotations

import os
from bisect import bisect_right
from functools import cached_property

from . import dw
from .die import Die
from .encoding import UNSIGNED, initial_length
from .errors import DwarfError, guarded
from .image import ElfImage, ImageError
from .sections import Sections
from .unit import Unit


class Info:
    """The debug information of one file; ``alternate`` is the file that several share (dwz)."""

    def __init__(
        self, sections: Sections, *, main: Info | None = None, alternate: Info | None = None
    ) -> None:
        self.sections = sections
        self.main_sections = main.sections if main else sections  #: where addresses are
        self.alternate = alternate
        self._splits: dict[int, Unit | None] = {}

    @classmethod
    def of(cls, image: ElfImage, alternate: ElfImage | None = None) -> Info:
        """Return the information in ``image``."""
        return cls(Sections(image), alternate=cls(Sections(alternate)) if alternate else None)

    def units(self) -> list[Unit]:
        """Return the units of ``.debug_info``; what follows a broken header is left out."""
        return self._units

    def unit_of(self, offset: int) -> Unit | None:
        """Return the unit that the entry at ``offset`` of ``.debug_info`` is in."""
        at = bisect_right(self._starts, offset) - 1
        if at < 0 or not self._units[at].first <= offset < self._units[at].end:
            return None
        return self._units[at]

    def unit_of_start(self, offset: int) -> Unit | None:
        """Return the unit whose header is at ``offset``."""
        at = bisect_right(self._starts, offset) - 1
        return self._units[at] if at >= 0 and self._starts[at] == offset else None

    def die(self, unit: Unit, offset: int) -> Die:
        """Return the entry at ``offset`` of the unit's section; raise `DwarfError`."""
        return Die(unit, offset)

    def type_unit(self, signature: int) -> tuple[Unit, int] | None:
        """Return the type unit of this signature, and where the type's own entry is."""
        return self._type_units.get(signature)

    def split(self, skeleton: Unit) -> Unit | None:
        """Return the unit that ``skeleton`` stands for, from its own file; None when it is lost."""
        if skeleton.start not in self._splits:
            self._splits[skeleton.start] = self._find_split(skeleton)
        return self._splits[skeleton.start]

    @cached_property
    def _units(self) -> list[Unit]:
        return self._all(types=False)

    @cached_property
    def _starts(self) -> list[int]:
        return [unit.start for unit in self._units]

    @cached_property
    def _type_units(self) -> dict[int, tuple[Unit, int]]:
        found: dict[int, tuple[Unit, int]] = {}
        for unit in [*self._units, *self._all(types=True)]:
            if unit.unit_type in (dw.UT_TYPE, dw.UT_SPLIT_TYPE):
                section = self.sections.types if unit.types else self.sections.info
                size = unit.offset_size
                own = UNSIGNED[size](section, unit.first - size)
                found.setdefault(unit.signature, (unit, unit.start + own))
        return found

    def _all(self, *, types: bool) -> list[Unit]:
        section = self.sections.types if types else self.sections.info
        found = []
        at = 0
        while at < len(section):
            try:
                unit = self._unit(at, types=types)
            except DwarfError:
                # A unit of another version, or a broken one: its length leads on to the next.
                at = _behind(section, at)
                continue
            found.append(unit)
            at = unit.end
        return found

    @guarded
    def _unit(self, at: int, *, types: bool) -> Unit:
        return Unit(self, at, types=types)

    def _find_split(self, skeleton: Unit) -> Unit | None:
        if not skeleton.is_skeleton:
            return None
        name = skeleton.root.text(dw.AT_DWO_NAME) or skeleton.root.text(dw.AT_GNU_DWO_NAME)
        if not name:
            return None
        wanted = skeleton.root.number(dw.AT_GNU_DWO_ID)
        wanted = skeleton.signature if wanted is None else wanted
        here = os.path.dirname(self.sections.image.path)
        places = [os.path.join(skeleton.folder, name), os.path.join(here, name)]
        places.append(os.path.join(here, os.path.basename(name)))
        for place in places:
            try:
                image = ElfImage.open(place)
                for unit in Info(Sections(image, split=True), main=self).units():
                    own = unit.root_number(dw.AT_GNU_DWO_ID)
                    if wanted == (unit.signature if own is None else own):
                        unit.low_pc_from = skeleton
                        return unit
            except ImageError:
                continue
        return None


def _behind(section: memoryview, at: int) -> int:
    try:
        length, _, start = guarded(initial_length)(section, at)
    except DwarfError:
        return len(section)
    return start + length
