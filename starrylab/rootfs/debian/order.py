"""The order in which dpkg would meet packages: what a package needs comes before it."""

from __future__ import annotations

from collections.abc import Iterable

from .index import Package, Term


def in_order(packages: Iterable[Package]) -> list[Package]:
    """Return the packages, each behind what it needs; a circle is cut where it was entered.

    Pre-Depends count before Depends, as they do for dpkg.
    """
    ordered = sorted(packages, key=lambda p: (p.fields.get("Essential") != "yes", p.name))
    by_name = _by_name(ordered)
    done: dict[str, Package] = {}
    entered: set[str] = set()
    todo = [(package, False) for package in reversed(ordered)]
    while todo:
        package, needs_are_done = todo.pop()
        if needs_are_done:
            done.setdefault(package.name, package)
        elif package.name not in entered:
            entered.add(package.name)
            todo.append((package, True))
            todo += [(p, False) for p in reversed(_needed(package, by_name))]
    return list(done.values())


def _by_name(packages: list[Package]) -> dict[str, list[Package]]:
    """Return who answers to a name: the package itself, and those that provide it."""
    found: dict[str, list[Package]] = {}
    for package in packages:
        for name in [package.name, *(term.name for term in package.provides)]:
            found.setdefault(name, []).append(package)
    return found


def _needed(package: Package, by_name: dict[str, list[Package]]) -> list[Package]:
    return [p for group in package.needs for term in group for p in _answering(term, by_name)]


def _answering(term: Term, by_name: dict[str, list[Package]]) -> list[Package]:
    return [p for p in by_name.get(term.name, []) if p.answers(term)]
