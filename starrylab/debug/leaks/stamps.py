"""Stamps: how much there is of everything at one moment, and the difference between any two.

A stamp needs no recording of allocations.  It counts all objects of the kernel's classes, the
entries of every table that is an attribute of one, and frames by kind.
"""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .frames import usage
from .kinds import (
    BOUNDED,
    CONTAINERS,
    TABLES,
    attributes,
    is_kernel_class,
    kind_of,
    qualified,
    size_of,
)

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel

Amounts = dict[str, tuple[int, int]]  #: what -> how many, bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """What there is at one moment."""

    name: str
    number: int  #: 1 for the first
    generation: int  #: allocations recorded until then
    time_ns: int  #: on the machine's monotonic clock
    amounts: Amounts  #: objects by kind, table entries, frames by kind


@dataclass(frozen=True, slots=True)
class Change:
    """How much more there is of something at the second of two stamps."""

    what: str
    before: int
    after: int
    bytes: int  #: more; 0 for entries of tables, whose bytes are their table's

    @property
    def count(self) -> int:
        """How many more."""
        return self.after - self.before


def take(kernel: Kernel, name: str, number: int, generation: int) -> Stamp:
    """Count everything now."""
    return Stamp(name, number, generation, kernel.executor.now, amounts(kernel))


def compare(first: Stamp, second: Stamp) -> list[Change]:
    """Return what changed in number from one stamp to another, most bytes first."""
    changes: list[Change] = []
    for what in {*first.amounts, *second.amounts}:
        before, after = first.amounts.get(what, (0, 0)), second.amounts.get(what, (0, 0))
        if before[0] != after[0]:
            changes.append(Change(what, before[0], after[0], after[1] - before[1]))
    return sorted(changes, key=lambda change: (-change.bytes, -change.count, change.what))


def amounts(kernel: Kernel) -> Amounts:
    """Count objects, entries and frames; what is a bounded cache is left out."""
    gc.collect()
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for thing in gc.get_objects():
        cls = type(thing)
        if not is_kernel_class(cls) or _is_bounded(thing, cls):
            continue
        kind = kind_of(cls)
        counts[kind] += 1
        sizes[kind] += size_of(thing)
        _count_tables(thing, cls, counts)
    for frames, size in usage(kernel).items():
        counts[f"{frames} frames"] = size >> 12
        sizes[f"{frames} frames"] = size
    counts["bytes of the kernel heap"] = kernel.heap.used
    return {what: (count, sizes[what]) for what, count in counts.items()}


def _is_bounded(thing: Any, cls: type[Any]) -> bool:
    kind = kind_of(cls)
    if kind == "dentry":
        return thing.node is None
    return kind == "log record" or (kind == "timer" and thing.action is None)


def _count_tables(thing: Any, cls: type[Any], counts: Counter[str]) -> None:
    if isinstance(thing, CONTAINERS):
        counts[_table_name(cls, "")] += len(thing)
    for attribute, value in attributes(thing):
        if isinstance(value, CONTAINERS) and not is_kernel_class(type(value)):
            name = _table_name(cls, attribute)
            if name:
                counts[name] += len(value)


def _table_name(cls: type[Any], attribute: str) -> str:
    """Return what an entry of a table is called, "" for a table that is bounded."""
    for base in cls.__mro__:
        full = qualified(base) + (f".{attribute}" if attribute else "")
        if full in BOUNDED:
            return ""
        if full in TABLES:
            return TABLES[full]
    return f"entry of {cls.__qualname__}{'.' if attribute else ''}{attribute}"
