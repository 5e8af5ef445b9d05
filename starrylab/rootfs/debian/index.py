"""What packages there are and what they need: Packages files (deb-control(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ..tree import RootfsError
from .version import RELATIONS, satisfies, version_key

_TERM: Final = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*([<>=]+)\s*([^\s)]+)\s*\))?\s*"
    r"(?:\[[^]]*\])?\s*$"
)


def parse_stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each paragraph; continuation lines keep their leading space."""
    for block in re.split(r"\n{2,}", text):
        fields: dict[str, str] = {}
        name = ""
        for line in block.split("\n"):
            if line[:1] in (" ", "\t"):
                if name:
                    fields[name] += "\n" + line
            elif ":" in line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        if fields:
            yield fields


@dataclass(frozen=True, slots=True)
class Term:
    """One alternative of a dependency: a name, perhaps with a relation to a version."""

    name: str
    relation: str = ""
    version: str = ""

    def __str__(self) -> str:
        """Return it as a control file has it."""
        return f"{self.name} ({self.relation} {self.version})" if self.relation else self.name


def parse_relations(text: str) -> list[list[Term]]:
    """Return the groups of alternatives of a Depends field; raise RootfsError."""
    groups = (group for group in text.replace("\n", " ").split(",") if group.strip())
    return [[_term(part) for part in group.split("|")] for group in groups]


def _term(text: str) -> Term:
    found = _TERM.match(text.strip())
    if found is None or (found[2] and found[2] not in RELATIONS):
        raise RootfsError(f"the package index has a bad dependency: {text.strip()!r}")
    return Term(found[1], found[2] or "", found[3] or "")


@dataclass(frozen=True)
class Package:
    """One version of one package."""

    fields: dict[str, str]

    @property
    def name(self) -> str:
        """Its name."""
        return self.fields["Package"]

    @property
    def version(self) -> str:
        """Its version."""
        return self.fields["Version"]

    @property
    def size(self) -> int:
        """Bytes of its archive; 0 if the index has none."""
        text = self.fields.get("Size", "")
        return int(text) if text.isdecimal() else 0

    @cached_property
    def needs(self) -> list[list[Term]]:
        """What must be there to unpack and configure it."""
        return [
            group
            for field in ("Pre-Depends", "Depends")
            for group in parse_relations(self.fields.get(field, ""))
        ]

    @cached_property
    def excludes(self) -> list[Term]:
        """What cannot be there at the same time."""
        return [
            term
            for field in ("Conflicts", "Breaks")
            for group in parse_relations(self.fields.get(field, ""))
            for term in group
        ]

    @cached_property
    def provides(self) -> list[Term]:
        """The virtual packages that it stands for."""
        return [g[0] for g in parse_relations(self.fields.get("Provides", ""))]

    def answers(self, term: Term) -> bool:
        """Tell whether it satisfies a term; a provision without version only an open one."""
        if self.name == term.name:
            return satisfies(self.version, term.relation, term.version)
        return any(
            given.name == term.name
            and (not term.relation or given.relation == "=")
            and satisfies(given.version, term.relation, term.version)
            for given in self.provides
        )


class Index:
    """The newest version of each package, by name and by what it provides."""

    def __init__(self, packages: Iterator[Package] | list[Package]) -> None:
        self.by_name: dict[str, Package] = {}
        for package in packages:
            old = self.by_name.get(package.name)
            if old is None or version_key(old.version) < version_key(package.version):
                self.by_name[package.name] = package
        self._providers: dict[str, list[Package]] = {}
        for package in self.by_name.values():
            for given in package.provides:
                self._providers.setdefault(given.name, []).append(package)

    @classmethod
    def parse(cls, text: str) -> Index:
        """Read a Packages file; raise RootfsError."""
        stanzas = [fields for fields in parse_stanzas(text) if "Package" in fields]
        if any(not {"Version", "Filename", "SHA256"} <= fields.keys() for fields in stanzas):
            raise RootfsError("the package index is damaged: a package lacks its version or hash")
        return cls([Package(fields) for fields in stanzas])

    def candidates(self, term: Term) -> list[Package]:
        """Return what satisfies a term, the package of that name first."""
        real = self.by_name.get(term.name)
        found = [real] if real is not None else []
        return [p for p in found + self._providers.get(term.name, []) if p.answers(term)]
