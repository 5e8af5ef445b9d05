"""All units of a file, found by offset, by type signature, and across split files."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from . import dw
from .die import Die
from .encoding import UNSIGNED, initial_length
from .errors import DwarfError, guarded
from .image import ElfImage, ImageError
from .package import Package, find_package
from .sections import Sections
from .unit import Unit


class Info:
    """The debug information of one file; ``alternate`` is the file that several share (dwz)."""

    def __init__(
        self,
        sections: Sections,
        *,
        main: Info | None = None,
        alternate: Info | None = None,
        package: Package | None = None,
    ) -> None:
        self.sections = sections
        self.main_sections = main.sections if main else sections  #: where addresses are
        self.alternate = alternate
        self._splits: dict[int, Unit | None] = {}
        self._package = package  #: that the file is a part of
        self._program = ""  #: the path of the program, where the file is its separate one

    @classmethod
    def of(cls, image: ElfImage, alternate: ElfImage | None = None, program: str = "") -> Info:
        """Return the information in ``image``, which belongs to the file at ``program``."""
        found = cls(Sections(image), alternate=cls(Sections(alternate)) if alternate else None)
        found._program = program
        return found

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
        found = self.own_type_unit(signature)
        return self._package.type_unit(signature) if found is None and self._package else found

    def own_type_unit(self, signature: int) -> tuple[Unit, int] | None:
        """As `type_unit`, in this file alone."""
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

    @cached_property
    def _packed(self) -> Package | None:
        paths = [path for path in (self._program, self.sections.image.path) if path]
        found = find_package(paths)
        return Package(found, self) if found else None

    def _find_split(self, skeleton: Unit) -> Unit | None:
        if not skeleton.is_skeleton:
            return None
        identity = skeleton.root.number(dw.AT_GNU_DWO_ID)
        identity = skeleton.signature if identity is None else identity
        for candidate in self._candidates(skeleton, identity):
            try:
                own = candidate.root_number(dw.AT_GNU_DWO_ID)
            except ImageError:
                continue
            if identity == (candidate.signature if own is None else own):
                candidate.low_pc_from = skeleton
                return candidate
        return None

    def _candidates(self, skeleton: Unit, identity: int) -> Iterator[Unit]:
        """Yield units that may be the one: from the package, then from files of their own."""
        try:
            unit = self._packed.unit(identity) if self._packed else None
            if unit is not None:
                yield unit
        except ImageError:
            pass  # a broken package is as good as none
        name = skeleton.root.text(dw.AT_DWO_NAME) or skeleton.root.text(dw.AT_GNU_DWO_NAME)
        if not name:
            return
        here = os.path.dirname(self.sections.image.path)
        places = [os.path.join(skeleton.folder, name), os.path.join(here, name)]
        places.append(os.path.join(here, os.path.basename(name)))
        for place in places:
            try:
                image = ElfImage.open(place)
                yield from Info(Sections(image, split=True), main=self).units()
            except ImageError:
                continue


def _behind(section: memoryview, at: int) -> int:
    try:
        length, _, start = guarded(initial_length)(section, at)
    except DwarfError:
        return len(section)
    return start + length
