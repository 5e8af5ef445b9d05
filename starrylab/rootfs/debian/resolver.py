"""Choose packages so that every dependency is satisfied (Debian Policy, chapter 7).

As debootstrap and apt do without recommendations: what is chosen already wins, then the first
alternative that exists, a real package before those that provide it.  There is no backtracking:
a choice that leads into a conflict is reported, not undone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..tree import RootfsError
from .index import Index, Package, Term

_PRIORITIES: Final = {
    "minimal": ("required",),
    "standard": ("required", "important", "standard"),
}


def base_set(index: Index, variant: str) -> list[str]:
    """Return the names that a variant starts from: as debootstrap's minbase, or all standard."""
    wanted = _PRIORITIES[variant]
    names = [
        package.name
        for package in index.by_name.values()
        if package.fields.get("Essential") == "yes" or package.fields.get("Priority") in wanted
    ]
    return [*names, *(["apt"] if "apt" in index.by_name else [])]


def resolve_packages(index: Index, names: Iterable[str]) -> list[Package]:
    """Return the packages and all that they need, sorted by name; raise RootfsError."""
    chosen: dict[str, Package] = {}
    queue: list[Package] = []

    def choose(package: Package) -> None:
        if package.name not in chosen:
            chosen[package.name] = package
            queue.append(package)

    for name in names:
        found = index.candidates(Term(name))
        if not found:
            raise RootfsError(f"there is no package {name} in this suite for this architecture")
        choose(found[0])
    while queue:
        package = queue.pop(0)
        for group in package.needs:
            if not any(has.answers(term) for term in group for has in _near(index, chosen, term)):
                choose(_first(index, group, package))
    _check(index, chosen)
    return [chosen[name] for name in sorted(chosen)]


def _near(index: Index, chosen: dict[str, Package], term: Term) -> list[Package]:
    """Return those of the chosen that may answer a term."""
    return [p for p in index.candidates(term) if p.name in chosen]


def _first(index: Index, group: list[Term], package: Package) -> Package:
    for term in group:
        found = index.candidates(term)
        if found:
            return found[0]
    text = " | ".join(map(str, group))
    raise RootfsError(f"{package.name} needs {text}, which this suite does not have")


def _check(index: Index, chosen: dict[str, Package]) -> None:
    for package in chosen.values():
        for term in package.excludes:
            for other in _near(index, chosen, term):
                if other.name != package.name:
                    raise RootfsError(
                        f"{package.name} and {other.name} cannot be installed together; "
                        "leave one of them out"
                    )
