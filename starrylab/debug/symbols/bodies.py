"""Where the code of functions lies, inlined ones too: what a unit's entries say.

Only entries with code are decoded; all others are leapt over. Neither the depth of an entry nor
its siblings matter: code nests, and an entry comes before those that it contains.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from typing import Final

from . import dw
from .die import Die
from .encoding import uleb
from .errors import guarded
from .forms import Value, skip
from .image import ImageError
from .ranges import Range, ranges_of
from .unit import Unit

_FUNCTIONS: Final = frozenset({dw.TAG_SUBPROGRAM, dw.TAG_INLINED_SUBROUTINE})
_OPEN: Final = 1 << 64  #: behind every unit
_LINKAGE_NAMES: Final = (dw.AT_LINKAGE_NAME, dw.AT_MIPS_LINKAGE_NAME)
_PLACES: Final = frozenset({dw.AT_LOW_PC, dw.AT_RANGES})


class Body:
    """A function's code: its own, or where it was inlined."""

    __slots__ = ("inlined", "offset", "parent", "ranges", "values")

    def __init__(
        self, offset: int, ranges: list[Range], inlined: bool, values: dict[int, Value]
    ) -> None:
        self.offset = offset  #: of its entry, in the section
        self.ranges = ranges
        self.inlined = inlined
        self.values = values
        self.parent = -1  #: index of the body that this one is inlined into

    def number(self, name: int) -> int:
        """Return a number among its attributes, 0 without it."""
        value = self.values.get(name)
        return value.raw if value is not None and isinstance(value.raw, int) else 0


@guarded
def scan(unit: Unit, around: int | None = None) -> list[Body]:
    """Return every body of ``unit``, containing ones first; raise `DwarfError`.

    With ``around``, only those of functions that cover this address.
    """
    data = unit.data
    find = unit.abbreviations.find
    shape = unit.shape
    end = len(data)
    wanted: dict[int, bool] = {}
    found: list[Body] = []
    inside = 0 if around is not None else _OPEN  # up to where inlined bodies are of interest
    at = unit.first - unit.start
    while at < end:
        start = at
        code = data[at]
        at += 1
        if code == 0:
            continue
        if code >= 0x80:
            code, at = uleb(data, start)
        abbreviation = find(code)
        if code not in wanted:
            wanted[code] = abbreviation.tag in _FUNCTIONS and bool(_PLACES & abbreviation.names)
        if wanted[code] and (start < inside or abbreviation.tag == dw.TAG_SUBPROGRAM):
            body, at = _body(unit, start)
            if around is None or any(low <= around < high for low, high in body.ranges):
                found.append(body)
                if not body.inlined:
                    inside = max(inside, _sibling(unit, body))
            elif not body.inlined and inside == _OPEN and around is not None:
                inside = 0  # the next function: without siblings none contains another
        elif abbreviation.fixed >= 0:
            at += abbreviation.fixed
        else:
            at = skip(abbreviation.steps, shape, data, at)
    return found


def _body(unit: Unit, at: int) -> tuple[Body, int]:
    """Decode the entry at ``at`` in the unit's data; return its end, too."""
    abbreviation, values, end = unit.values_at(at)
    inlined = abbreviation is not None and abbreviation.tag == dw.TAG_INLINED_SUBROUTINE
    return Body(unit.start + at, ranges_of(unit, values), inlined, values), end


def _sibling(unit: Unit, body: Body) -> int:
    """Return where in the unit's data a function ends; `_OPEN` when it does not say so."""
    found = unit.reference(body.values.get(dw.AT_SIBLING))
    return found[1] - unit.start if found and found[1] > body.offset else _OPEN


def nest(bodies: list[Body]) -> tuple[list[int], list[int]]:
    """Set each body's parent; return where the innermost body changes, and which it then is.

    The two lists are parallel: from ``addresses[i]`` on ``owners[i]`` is innermost, -1 for none.
    """
    events: list[tuple[int, int, int]] = []  # address, ends before starts, body
    for index, body in enumerate(bodies):
        for start, end in body.ranges:
            events.append((start, 1, index))
            events.append((end, 0, index))
    events.sort()
    active: list[int] = []  # ascending: the last one is innermost
    addresses: list[int] = []
    owners: list[int] = []
    for address, starts, index in events:
        if starts:
            insort(active, index)
            body = bodies[index]
            position = active.index(index)
            if body.inlined and position:
                body.parent = active[position - 1]
        elif index in active:
            active.remove(index)
        owner = active[-1] if active else -1
        if addresses and addresses[-1] == address:
            owners[-1] = owner
        else:
            addresses.append(address)
            owners.append(owner)
    return addresses, owners


class Names:
    """Names of functions, each looked up once: many bodies have the same origin."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._known: dict[tuple[int, int], tuple[str, str]] = {}

    def of(self, body: Body) -> tuple[str, str]:
        """Return name and linkage name, "" for what is unknown."""
        return self._resolve(self._unit, body.offset, body.values, 0)

    def _resolve(
        self, unit: Unit, offset: int, values: dict[int, Value], depth: int
    ) -> tuple[str, str]:
        key = (id(unit), offset)
        if key in self._known:
            return self._known[key]
        name = _text(unit, values, dw.AT_NAME)
        linkage = _text(unit, values, *_LINKAGE_NAMES)
        if depth < 16 and not (name and linkage):
            other = _origin(unit, values)
            if other is not None:
                more = self._resolve(other.unit, other.offset, other.attributes, depth + 1)
                name, linkage = name or more[0], linkage or more[1]
        self._known[key] = name, linkage
        return name, linkage


def _text(unit: Unit, values: dict[int, Value], *names: int) -> str:
    for name in names:
        if name in values:
            return unit.text(values[name])
    return ""


def _origin(unit: Unit, values: dict[int, Value]) -> Die | None:
    """Return what a body is an instance of; a broken reference is as good as none."""
    try:
        for name in (dw.AT_ABSTRACT_ORIGIN, dw.AT_SPECIFICATION):
            found = unit.reference(values.get(name))
            if found is not None:
                return found[0].info.die(*found)
    except ImageError:
        return None
    return None


@guarded
def subprograms(unit: Unit, wanted: Callable[[str], bool]) -> list[int]:
    """Return the offsets of functions whose name is wanted, and of what refers to them in the unit.

    Raises `DwarfError`.
    """
    found: list[int] = []
    for start, values in _entries(unit, dw.TAG_SUBPROGRAM):
        origin = values.get(dw.AT_ABSTRACT_ORIGIN) or values.get(dw.AT_SPECIFICATION)
        other = unit.reference(origin)
        names = (_text(unit, values, dw.AT_NAME), _text(unit, values, *_LINKAGE_NAMES))
        if (other and other[1] in found) or any(map(wanted, filter(None, names))):
            found.append(start)
    return found


def _entries(unit: Unit, tag: int) -> Iterator[tuple[int, dict[int, Value]]]:
    at = unit.first - unit.start
    while at < len(unit.data):
        code, behind = uleb(unit.data, at)
        if code == 0:
            at = behind
            continue
        abbreviation = unit.abbreviations.find(code)
        if abbreviation.tag == tag:
            _, values, end = unit.values_at(at)
            yield unit.start + at, values
            at = end
        else:
            at = unit.skip(abbreviation, behind)
