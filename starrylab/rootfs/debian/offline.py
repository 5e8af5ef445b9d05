"""Packages that apt can install in a lab without a network: a small archive inside the root."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..tree import Tree
from .fetch import Cache
from .index import Package

FOLDER: Final = "var/cache/archive"
SOURCE: Final = "etc/apt/sources.list.d/archive.sources"
_SOURCE: Final = f"""\
# Packages that were put here when the root was made, verified then.
Types: deb
URIs: file:/{FOLDER}
Suites: ./
Trusted: yes
Languages: none
"""


def add_archive(tree: Tree, packages: Iterable[Package], cache: Cache) -> None:
    """Put packages and an index of them into a root, and tell apt where they are.

    Those that are there already stay.
    """
    old = tree.get(f"{FOLDER}/Packages")
    stanzas = [] if old is None else [old.read().decode()]
    if tree.get(FOLDER) is None:
        tree.folder(FOLDER)
    for package in packages:
        name = package.fields["Filename"].rpartition("/")[2]
        tree.file(f"{FOLDER}/{name}", cache.path(package.fields["SHA256"]))
        fields = {**package.fields, "Filename": f"./{name}"}
        fields.pop("Description-md5", None)  # else apt looks for translations
        stanzas.append("".join(f"{key}: {value}\n" for key, value in fields.items()))
    tree.file(f"{FOLDER}/Packages", "\n".join(stanzas))
    tree.file(SOURCE, _SOURCE)
