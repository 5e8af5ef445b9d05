"""System calls.  Each family is a module here; each call is one decorated function.

Adding a call is one function in one file: the decorator takes the name from the
function and the argument types from its annotations, and ``table`` finds the module
because it is in this package.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from ...abi import numbers
from ._declare import Entry, Registry, Table, syscall

__all__ = ["Entry", "Table", "declared", "syscall", "table"]


@cache
def declared() -> dict[str, Entry]:
    """Return name -> entry of every declared call, loading every family once.

    Raises ``TypeError`` when two families declare one name.
    """
    found: dict[str, Entry] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        family = importlib.import_module(f"{__name__}.{module.name}")
        for entry in Registry.of(family):
            if entry.name in found:
                raise TypeError(
                    f"system call {entry.name} declared twice: "
                    f"{found[entry.name].where} and {entry.where}"
                )
            found[entry.name] = entry
    return found


@cache
def table(arch: numbers.Arch) -> Table:
    """Return number -> entry for ``arch``."""
    known = declared()
    return {nr: known[name] for nr, name in numbers.names(arch).items() if name in known}
