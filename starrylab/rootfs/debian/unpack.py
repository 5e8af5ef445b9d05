"""Unpack packages into a tree and write the database that dpkg would have written.

Every package ends "unpacked": its files are there, its scripts have not run.  The database's
formats are dpkg's own (deb-src:dpkg, doc/internals; dpkg-query(1), deb-triggers(5)).
"""

from __future__ import annotations

import hashlib
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ..archive import KINDS
from ..tree import Entry, RootfsError, Tree
from .deb import read_deb
from .index import Package, parse_stanzas

_MERGED: Final = ("bin", "sbin", "lib")  # of /usr: the links that base-files brings
_EMPTY: Final = ("available", "diversions", "statoverride", "lock", "lock-frontend")
_ADMIN: Final = "var/lib/dpkg"


class Unpacker:
    """A tree that grows by packages, and the database about them."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.preinsts: dict[str, str] = {}  #: package -> its name in dpkg's info folder
        self._status: list[str] = []
        self._triggers: dict[str, list[str]] = {}
        for name in _MERGED:
            self.tree.folder(f"usr/{name}")
            self.tree.symlink(name, f"usr/{name}")
        for path in ("dev", "proc", "sys", "run", f"{_ADMIN}/info", f"{_ADMIN}/updates"):
            self.tree.folder(path)

    def add(self, package: Package, path: Path) -> None:
        """Unpack one package; raise RootfsError."""
        control, data = read_deb(path, package.name)
        try:
            with control, data:
                scripts = {
                    member.name.removeprefix("./"): (member.mode & 0o777, _content(control, member))
                    for member in control
                    if member.isreg()
                }
                files = [_add(self.tree, data, member) for member in data]
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise RootfsError(f"the package {package.name} is damaged: {error}") from None
        self._record(scripts, files)

    def finish(self) -> Tree:
        """Write what belongs to all packages; return the tree."""
        self.tree.file(f"{_ADMIN}/status", "".join(self._status))
        for name in _EMPTY:
            self.tree.file(f"{_ADMIN}/{name}", "")
        for name, lines in self._triggers.items():
            self.tree.file(f"{_ADMIN}/triggers/{name}", "".join(f"{line}\n" for line in lines))
        # base-passwd's preinst would have made these from its own tables.
        for name in ("passwd", "group"):
            master = self.tree.get(f"usr/share/base-passwd/{name}.master")
            if master is not None and self.tree.get(f"etc/{name}") is None:
                self.tree.file(f"etc/{name}", master.read())
        return self.tree

    def _record(self, scripts: dict[str, tuple[int, bytes]], files: Iterable[str]) -> None:
        text = scripts.pop("control")[1].decode("utf-8", "surrogateescape").strip()
        fields = next(parse_stanzas(text))
        name = fields["Package"]
        same = fields.get("Multi-Arch") == "same"
        known = f"{name}:{fields['Architecture']}" if same else name
        base = f"{_ADMIN}/info/{known}"
        if "preinst" in scripts:
            self.preinsts[name] = known
        listed = "".join(f"/{path}\n" for path in files)
        self.tree.file(f"{base}.list", listed.encode("utf-8", "surrogateescape"))
        for script, (mode, content) in scripts.items():
            self.tree.file(f"{base}.{script}", content, mode)
        conffiles = self._conffiles(scripts.get("conffiles", (0, b""))[1].decode())
        first, _, rest = text.partition("\n")
        status = f"{first}\nStatus: install ok unpacked\n{rest}\n{conffiles}\n"
        self._status.append(status)
        self._note_triggers(name, scripts.get("triggers", (0, b""))[1].decode())
        self.tree.file(f"{_ADMIN}/info/format", "1\n")

    def _conffiles(self, text: str) -> str:
        """Return the Conffiles field: paths and MD5 sums of what the package brought."""
        lines = []
        for path in filter(lambda line: line.startswith("/"), text.split("\n")):
            entry = self.tree.resolve(path)
            if entry is not None:
                digest = hashlib.md5(entry.read(), usedforsecurity=False).hexdigest()
                lines.append(f" {path} {digest}\n")
        return "Conffiles:\n" + "".join(lines) if lines else ""

    def _note_triggers(self, package: str, text: str) -> None:
        """Register whom a trigger wakes: File holds the paths, a file each the explicit ones."""
        for line in text.split("\n"):
            words = line.partition("#")[0].split()
            if len(words) != 2 or not words[0].startswith("interest"):
                continue
            who = f"{package}/noawait" if words[0] == "interest-noawait" else package
            if words[1].startswith("/"):
                self._triggers.setdefault("File", []).append(f"{words[1]} {who}")
            else:
                self._triggers.setdefault(words[1], []).append(who)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _add(tree: Tree, archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """Put one member into the tree; return its path as dpkg lists it."""
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"unsafe name {member.name!r}")
    path = "/".join(parts)
    if not path:
        return "."
    kind = KINDS.get(member.type, 0)
    if kind == stat.S_IFDIR:
        found = tree.resolve(path)
        if found is not None and stat.S_ISDIR(found.mode) and tree.get(path) is not found:
            return path  # a link to a folder stays, as dpkg has it
    hardlink = ""
    if member.islnk():
        first = tree.resolve(member.linkname.removeprefix("."))
        if first is None:
            raise ValueError(f"{path} is a hard link to nothing")
        kind, hardlink = stat.S_IFREG, first.hardlink or first.path
    elif not kind:
        raise ValueError(f"{path} is of an unknown kind")
    tree.add(
        Entry(
            path,
            kind | member.mode & 0o7777,
            member.uid,
            member.gid,
            int(member.mtime) * 1_000_000_000,
            content=_content(archive, member) if kind == stat.S_IFREG and not hardlink else b"",
            target=member.linkname if kind == stat.S_IFLNK else "",
            hardlink=hardlink,
            major=member.devmajor if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
            minor=member.devminor if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
        )
    )
    return path
