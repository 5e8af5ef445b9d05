"""Put further packages where apt finds them in a root that was made before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from ..layers import apply_layer, find_changes
from ..store import lock_root, read_root, write_layer
from ..tree import RootfsError, Tree
from .build import ARCHITECTURES, Recipe, fetch_packages, open_suite
from .fetch import Report
from .index import parse_stanzas
from .offline import FOLDER, add_archive
from .release import KEYRING
from .resolver import resolve_packages

_STATUS: Final = "var/lib/dpkg/status"
_SOURCES: Final = "etc/apt/sources.list"


def add_packages(
    name: str,
    wanted: Sequence[str],
    folder: Path,
    say: Callable[[str], None],
    report: Report,
    *,
    keyring: Path | None = KEYRING,
    expired: bool = False,
) -> int:
    """Add packages, and what they need, to the archive in a root; return how many are new.

    They become a change of the root. Raises RootfsError.
    """
    with lock_root(name):
        base, layer = read_root(name)
        tree = apply_layer(base, layer)
        recipe = _recipe(tree, name, keyring, expired=expired)
        cache, index = open_suite(recipe, folder, say, report)
        present = _names(tree, _STATUS) | _names(tree, f"{FOLDER}/Packages")
        known = sorted(present & index.by_name.keys())
        new = [p for p in resolve_packages(index, [*known, *wanted]) if p.name not in present]
        if new:
            fetch_packages(cache, recipe, new, say, report)
            add_archive(tree, new, cache)
            write_layer(name, list(find_changes(base, tree)))
        return len(new)


def _recipe(tree: Tree, name: str, keyring: Path | None, *, expired: bool) -> Recipe:
    """Return where a root's packages came from."""
    words = next((line for line in _lines(tree, _SOURCES) if line[:1] == ["deb"]), [])
    arches = {fields.get("Architecture") for fields in _stanzas(tree, _STATUS)}
    arch = next((ours for ours, theirs in ARCHITECTURES.items() if theirs in arches), None)
    if len(words) < 3 or arch is None:
        raise RootfsError(
            f"the root {name} was not made by `rootfs create --debian`, or its /{_SOURCES} was "
            "changed: it must say deb MIRROR SUITE main"
        )
    return Recipe(words[2], words[1], arch, keyring=keyring, expired=expired)


def _text(tree: Tree, path: str) -> str:
    entry = tree.resolve(path)
    return "" if entry is None else entry.read().decode("utf-8", "replace")


def _lines(tree: Tree, path: str) -> Iterable[list[str]]:
    return (line.split() for line in _text(tree, path).split("\n"))


def _stanzas(tree: Tree, path: str) -> list[dict[str, str]]:
    return list(parse_stanzas(_text(tree, path)))


def _names(tree: Tree, path: str) -> set[str]:
    """Return which packages a file lists; removed ones, whose settings stay, do not count."""
    return {
        fields["Package"]
        for fields in _stanzas(tree, path)
        if "Package" in fields and fields.get("Status", "").split(" ")[-1] in _PRESENT
    }


_PRESENT: Final = ("", "installed", "unpacked", "half-configured", "triggers-pending",
                   "triggers-awaited")  # fmt: skip
