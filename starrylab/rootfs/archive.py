"""Read a root tree out of a TAR archive without ever writing to the host.

Format: POSIX.1-2017 pax, ustar and GNU, as tarfile(3) of the standard library understands them;
extended attributes as GNU tar and libarchive keep them (SCHILY.xattr, SCHILY.acl). The entries go
into memory only, so links that point out of the tree can do no harm; names that climb out of it
(``..``) are refused all the same, because they are never what was meant.
"""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from . import acl_text
from .compressed import one_line, open_plain
from .content import Content, OpenFile, Slice
from .tree import Entry, RootfsError, Tree

XATTR: Final = "SCHILY.xattr."
_BROKEN = (tarfile.TarError, EOFError, OSError, ValueError, OverflowError)

KINDS: Final = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.AREGTYPE: stat.S_IFREG,
    tarfile.CONTTYPE: stat.S_IFREG,
    tarfile.GNUTYPE_SPARSE: stat.S_IFREG,
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


class _Window(io.RawIOBase):
    """A file object that reads from an `OpenFile` at a place of its own."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._size = file.size()
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def read_archive(path: Path) -> Tree:
    """Return the tree in a TAR file (plain, gzip, bzip2, xz or Zstandard).

    Contents stay in the file, or in a temporary one that it was unpacked to.
    Raises RootfsError: not an archive, truncated, unsafe names, not readable.
    """
    return read_plain(open_plain(path), str(path))


def read_plain(file: OpenFile, name: str) -> Tree:
    """Return the tree in an uncompressed archive; raise RootfsError."""
    tree = Tree()
    for entry in read_entries(file, name, tree):
        tree.add(entry)
    if not len(tree):
        raise RootfsError(f"{name} is an empty archive; give a folder or a tar file with a system")
    return tree


def read_entries(file: OpenFile, name: str, tree: Tree) -> Iterator[Entry]:
    """Yield what an uncompressed archive has, in its order; raise RootfsError.

    `tree` knows what hard links may lead to: what was there before, and what was yielded.
    """
    window = io.BufferedReader(_Window(file))
    try:
        archive = tarfile.open(  # noqa: SIM115
            fileobj=window, mode="r:", encoding="utf-8", errors="surrogateescape"
        )
    except tarfile.TarError as error:  # its text lists every format that was tried
        raise RootfsError(
            f"{name} is no tar archive or disk image, or a damaged one; "
            "give a folder, a tar file or an ext4 image"
        ) from error
    with archive:
        try:
            for member in archive:
                entry = _entry(tree, archive, member, file, name)
                if entry is not None:
                    yield entry
            _check_end(archive, name)
        except _BROKEN as error:
            raise RootfsError(
                f"{name} is damaged or truncated: {one_line(error)}; fetch or pack it again"
            ) from error


def _check_end(archive: tarfile.TarFile, name: str) -> None:
    """Tell a cut or damaged archive, which tarfile takes for a finished one, by its end."""
    file = archive.fileobj
    assert file is not None
    # tarfile stops in front of the first block that is no header: zeros, if all is well.
    file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise RootfsError(
            f"{name} is damaged or truncated: it has no end mark; fetch or pack it again"
        )


def _name(raw: str, archive: str) -> str:
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in raw:
        raise RootfsError(f"{archive} has an unsafe name: {raw!r}; pack it again without '..'")
    return "/".join(parts)


def _entry(
    tree: Tree, archive: tarfile.TarFile, member: tarfile.TarInfo, file: OpenFile, path: str
) -> Entry | None:
    name = _name(member.name, path)
    if not name:  # "./", the root itself
        return None
    if member.islnk():
        return _hardlink(tree, name, _name(member.linkname, path), path)
    kind = KINDS.get(member.type)
    if kind is None:
        raise RootfsError(f"{path}: {member.name} is of a kind that a root tree cannot hold")
    device = kind in (stat.S_IFCHR, stat.S_IFBLK)
    return Entry(
        name,
        kind | member.mode & 0o7777,
        member.uid,
        member.gid,
        _time_ns(member),
        content=_content(archive, member, file) if kind == stat.S_IFREG else b"",
        target=member.linkname if kind == stat.S_IFLNK else "",
        major=member.devmajor if device else 0,
        minor=member.devminor if device else 0,
        xattrs=_attributes(member.pax_headers),
    )


def _attributes(headers: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Return extended attributes; lists that are there as text only become some, too."""
    found = {
        key.removeprefix(XATTR): value.encode("utf-8", "surrogateescape")
        for key, value in headers.items()
        if key.startswith(XATTR)
    }
    for key, name in acl_text.HEADERS.items():
        if key in headers and name not in found:
            value = acl_text.from_text(headers[key])
            if value is not None:
                found[name] = value
    return tuple(sorted(found.items()))


def _time_ns(member: tarfile.TarInfo) -> int:
    """Return the modification time, as exactly as the archive has it."""
    seconds, _, part = member.pax_headers.get("mtime", "").partition(".")
    if seconds.isdecimal() and part.isdecimal():
        return int(seconds) * 10**9 + int(part[:9].ljust(9, "0"))
    return int(member.mtime) * 10**9


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, file: OpenFile) -> Content:
    if member.issparse():
        plain = archive.extractfile(member)
        content = b"" if plain is None else plain.read()
        if len(content) != member.size:
            raise EOFError(f"{member.name} ends early")
        return content
    if not member.size:
        return b""
    if len(file.read(member.offset_data + member.size - 1, 1)) != 1:
        raise EOFError(f"{member.name} ends early")
    return Slice(file, ((member.offset_data, member.size),))


def _hardlink(tree: Tree, name: str, target: str, path: str) -> Entry:
    first = tree.get(target)
    if first is None:
        parent, _, last = target.rpartition("/")
        folder = tree.resolve(parent)
        first = tree.get(f"{folder.path}/{last}") if folder is not None else None
    if first is None:
        raise RootfsError(f"{path}: {name} is a hard link to {target}, which is not before it")
    return Entry(
        name,
        first.mode,
        first.uid,
        first.gid,
        first.mtime_ns,
        hardlink=first.hardlink or first.path,
    )
