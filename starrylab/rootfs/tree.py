"""Describe a root file system in memory: what there is, before any kernel exists to mount it.

A `Tree` is loaded into a tmpfs at boot; `builtin_tree` is the one that ships with StarryLab
(layout: Filesystem Hierarchy Standard 3.0, section 3).
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from .. import userland
from ..userland import SOURCE_PREFIX, SOURCES
from .content import Content, read_all
from .errors import RootfsError

__all__ = ["Entry", "RootfsError", "Tree", "builtin_tree", "resolve"]

_MAX_LINKS = 40  # path_resolution(7): ELOOP


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a tree.

    `path` is relative to the root ("bin/ls"), `mode` is a whole st_mode with its type bits, and
    names that are not UTF-8 carry surrogate escapes.
    """

    path: str
    mode: int
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    content: Content = b""  #: of a regular file: its bytes, or where the host has them
    target: str = ""  #: of a symbolic link
    hardlink: str = ""  #: not empty: this is another name of the entry with that path
    major: int = 0  #: of a device
    minor: int = 0
    xattrs: tuple[tuple[str, bytes], ...] = ()  #: extended attributes, by name (xattr(7))

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> str:
        """The path of the folder that holds this entry; "" is the root."""
        return self.path.rpartition("/")[0]

    def read(self) -> bytes:
        """Return the content of a regular file; raises OSError if its host file is gone."""
        return read_all(self.content)


class Tree:
    """Entries by path; a folder always comes before what it holds."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._linked: set[str] = set()  #: paths that hard links lead to, or did

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, path: str) -> Entry | None:
        """Return the entry at exactly this path (no link is followed), or None."""
        return self._entries.get(path.strip("/"))

    def add(self, entry: Entry) -> None:
        """Put an entry in, making missing parents (root, 0755); a later one replaces an earlier.

        A parent that is a symbolic link is followed inside the tree; other names of what is
        replaced keep what they had.
        Raises RootfsError when a parent is not a folder.
        """
        if entry.parent:
            entry = self._below(self._folder(entry.parent), entry)
        old = self._entries.get(entry.path)
        if old is not None and stat.S_ISDIR(old.mode):
            if not stat.S_ISDIR(entry.mode):
                raise RootfsError(f"/{entry.path} is a folder and something else at once")
        elif old is not None:
            self._drop(old)  # and the new one goes behind what it may be a hard link to
        self._entries[entry.path] = entry
        if entry.hardlink:
            self._linked.add(entry.hardlink)

    def remove(self, path: str) -> None:
        """Take out an entry with all that is below it; nothing happens if it is not there."""
        old = self._entries.get(path)
        if old is None:
            return
        if stat.S_ISDIR(old.mode):
            below = path + "/"
            for entry in [e for e in self._entries.values() if e.path.startswith(below)]:
                self._drop(entry)
        self._drop(old)

    def copy(self) -> Tree:
        """Return a tree with the same entries."""
        other = Tree()
        other._entries = dict(self._entries)
        other._linked = set(self._linked)
        return other

    def _drop(self, old: Entry) -> None:
        """Take out one entry; the next of its other names becomes the one with the content."""
        del self._entries[old.path]
        if old.path not in self._linked:
            return
        self._linked.remove(old.path)
        others = [e for e in self._entries.values() if e.hardlink == old.path]
        for entry in others:
            first = others[0].path
            again = (
                replace(old, path=first) if entry is others[0] else replace(entry, hardlink=first)
            )
            self._entries[entry.path] = again
        if len(others) > 1:
            self._linked.add(others[0].path)

    def folder(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Add a folder."""
        self.add(Entry(path, stat.S_IFDIR | mode, uid, gid))

    def file(self, path: str, content: bytes | str | Path, mode: int = 0o644) -> None:
        """Add a regular file of root's."""
        data = content.encode() if isinstance(content, str) else content
        self.add(Entry(path, stat.S_IFREG | mode, content=data))

    def symlink(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self.add(Entry(path, stat.S_IFLNK | 0o777, target=target))

    def resolve(self, path: str) -> Entry | None:
        """Return what a path leads to, following links inside the tree; None if nothing."""
        found = resolve(path, self._target)
        return None if found is None else self._entries.get(found)

    def _target(self, path: str) -> str | None:
        entry = self._entries.get(path)
        return entry.target if entry is not None and stat.S_ISLNK(entry.mode) else None

    def _below(self, folder: str, entry: Entry) -> Entry:
        path = f"{folder}/{entry.name}" if folder else entry.name
        return entry if path == entry.path else replace(entry, path=path)

    def _folder(self, path: str) -> str:
        """Return the real path of a folder, making it and its parents when they are missing."""
        known = self._entries.get(path)
        if known is not None and stat.S_ISDIR(known.mode):
            return path  # which has no link in it, as no entry's path has
        real = resolve(path, self._target)
        if real is None:
            raise RootfsError(f"/{path} goes round in a circle of symbolic links")
        made = ""
        for part in filter(None, real.split("/")):
            made = f"{made}/{part}" if made else part
            entry = self._entries.get(made)
            if entry is None:
                self._entries[made] = Entry(made, stat.S_IFDIR | 0o755)
            elif not stat.S_ISDIR(entry.mode):
                raise RootfsError(f"/{made} is not a folder, but has something below it")
        return real


def resolve(path: str, target_of: Callable[[str], str | None]) -> str | None:
    """Follow the links of `path` without leaving the root; return the real path, None on a loop.

    `target_of` tells the target of the symbolic link at a path, or None if it is not a link.
    """
    todo = path.split("/")[::-1]
    real: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del real[-1:]  # ".." of the root is the root
            continue
        target = target_of("/".join([*real, part]))
        if target is None:
            real.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            return None
        if target.startswith("/"):
            real.clear()
        todo.extend(target.split("/")[::-1])
    return "/".join(real)


_ETC: Final = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\n"
    "user:x:1000:1000:user:/home/user:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\ntty:x:5:\nuser:x:1000:\nnogroup:x:65534:\n",
    "hostname": "starry\n",
    "hosts": "127.0.0.1\tlocalhost\n",
    "shells": "/bin/sh\n",
    "os-release": 'NAME="StarryLab"\nID=starrylab\nPRETTY_NAME="StarryLab built-in system"\n',
    "profile": "export PATH=/usr/local/bin:/bin:/usr/bin:/sbin:/usr/sbin\n"
    "export HOME=${HOME:-/root}\n"
    "export TERM=${TERM:-linux}\n"
    'cd "$HOME"\n'
    "PS1='starry:\\w\\$ '\n",
    "motd": "Welcome to StarryLab. `help` lists the commands; their sources are in "
    f"{SOURCE_PREFIX}.\n",
}

_FOLDERS = ("bin", "dev", "etc", "home", "lib", "mnt", "proc", "run", "sbin", "sys", "usr/bin",
            "usr/sbin", "usr/src", "var/log")  # fmt: skip


def builtin_tree(arch: str, *, progress: userland.Progress | None = None) -> Tree:
    """Return the root tree of the built-in programs, building them on first use.

    Raises userland.BuildError.
    """
    tree = Tree()
    for path in _FOLDERS:
        tree.folder(path)
    tree.folder("root", 0o700)
    tree.folder("tmp", 0o1777)
    tree.folder("var/tmp", 0o1777)
    tree.folder("home/user", 0o755, 1000, 1000)
    for name, text in _ETC.items():
        tree.file(f"etc/{name}", text)
    tree.file("bin/starry", userland.programs(arch, progress=progress) / "starry", 0o755)
    for name in userland.applets():
        if name == "init":
            tree.symlink("sbin/init", "/bin/starry")
        else:
            tree.symlink(f"bin/{name}", "starry")
    for source in sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.h")]):
        tree.file(f"{SOURCE_PREFIX}/{source.name}".lstrip("/"), source)
    return tree
