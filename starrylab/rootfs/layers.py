"""Changes of a root: a layer above its tree, kept as a TAR file beside it.

What is gone is a character device 0/0 in a layer, as in Linux's overlayfs
(Documentation/filesystems/overlayfs.rst), so every file name stays possible.
"""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from .archive import read_entries
from .content import Content, OpenFile, read_all, size_of
from .errors import RootfsError
from .tree import Entry, Tree


def whiteout(path: str) -> Entry:
    """Return what says that a path is gone."""
    return Entry(path, stat.S_IFCHR)


def is_whiteout(entry: Entry) -> bool:
    """Tell whether an entry says that its path is gone."""
    return stat.S_ISCHR(entry.mode) and entry.major == entry.minor == 0


def read_layer(path: Path, base: Tree) -> list[Entry]:
    """Return the entries of a layer above `base`; none if there is no such file.

    Raises RootfsError for a damaged one.
    """
    try:
        file = OpenFile(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RootfsError(f"cannot read {path}: {error.strerror}") from None
    known = base.copy()
    found = []
    for entry in read_entries(file, str(path), known):
        _put(known, entry)
        found.append(entry)
    return found


def apply_layer(base: Tree, layer: Iterable[Entry]) -> Tree:
    """Return `base` with a layer's changes; `base` stays as it is."""
    tree = base.copy()
    for entry in layer:
        _put(tree, entry)
    return tree


def _put(tree: Tree, entry: Entry) -> None:
    if is_whiteout(entry):
        tree.remove(entry.path)
    else:
        put_entry(tree, entry)


def put_entry(tree: Tree, entry: Entry) -> None:
    """Add an entry, in place of anything of another kind; raise RootfsError."""
    old = tree.get(entry.path)
    if old is not None and stat.S_IFMT(old.mode) != stat.S_IFMT(entry.mode):
        tree.remove(entry.path)
    tree.add(entry)


def find_changes(base: Tree, now: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the layer that turns `base` into `now`: first what is gone.

    In `now` a name stands before its hard links. Of a file with several names all are yielded
    if one is, so that it stays one file.
    """
    entries = {entry.path: entry for entry in now}
    gone = ""
    for old in sorted(base, key=lambda entry: entry.path.split("/")):
        if gone and old.path.startswith(gone):
            continue
        if old.path not in entries:
            gone = old.path + "/"
            yield whiteout(old.path)
    before, after = _names(base), _names(entries.values())
    for path, entry in entries.items():
        first = entries[entry.hardlink or path]
        names = after[first.path]
        if not all(_same(base, before, names, name, first) for name in names):
            yield entry


def _names(entries: Iterable[Entry]) -> dict[str, set[str]]:
    """Return the names of each file, by the one that the others are hard links to."""
    names: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        names[entry.hardlink or entry.path].add(entry.path)
    return names


def _same(base: Tree, before: dict[str, set[str]], names: set[str], name: str, now: Entry) -> bool:
    """Tell whether `name` was what it is now, with these `names` for one file."""
    old = base.get(name)
    if old is not None and (old.hardlink or len(names) > 1):
        first = old.hardlink or old.path
        old = base.get(first) if before[first] == names else None
    return (
        old is not None
        and old.mtime_ns in (0, now.mtime_ns)  # 0: whenever the lab was started
        and _attributes(old) == _attributes(now)
        and _same_content(old.content, now.content)
    )


def _attributes(entry: Entry) -> Entry:
    return replace(entry, path="", content=b"", hardlink="", mtime_ns=0)


def _same_content(a: Content, b: Content) -> bool:
    if a is b:
        return True
    try:
        return size_of(a) == size_of(b) and read_all(a) == read_all(b)
    except OSError as error:
        raise RootfsError(f"cannot compare files: {error.strerror}") from None


def describe(base: Tree, layer: Iterable[Entry]) -> list[str]:
    """Return a line for each change, as ``docker diff`` has it: A, C or D, and the path.

    A folder is changed when a name in it comes or goes.
    """
    letters: dict[str, str] = {}
    for entry in layer:
        path, known = entry.path, base.get(entry.path) is not None
        letters[path] = "D" if is_whiteout(entry) else "C" if known else "A"
        if letters[path] != "C" and base.get(entry.parent) is not None:
            letters.setdefault(entry.parent, "C")
    ordered = sorted(letters, key=lambda path: path.split("/"))
    return [f"{letters[path]} /{path}" for path in ordered]
