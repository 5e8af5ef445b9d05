"""The support table: how complete each system call is, from the declarations themselves."""

from __future__ import annotations

from typing import NamedTuple

from ...abi import numbers
from . import table


class Support(NamedTuple):
    """One system call."""

    number: int
    name: str
    state: str  #: "full", "partial" or "absent"
    missing: str  #: what is missing, in words
    where: str  #: "file:line" of the handler, "" without one


def support_table(arch: numbers.Arch) -> list[Support]:
    """Return every call that ``arch`` has, by number."""
    known = table(arch)
    found = []
    for number, name in sorted(numbers.names(arch).items()):
        entry = known.get(number)
        if entry is None:
            found.append(Support(number, name, "absent", "", ""))
        else:
            state = "partial" if entry.partial else "full"
            found.append(Support(number, name, state, entry.partial or "", entry.where))
    return found
