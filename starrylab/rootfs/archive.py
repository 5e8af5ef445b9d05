"""Read a root tree out of a TAR archive without ever writing to the host.

Format: POSIX.1-2017 pax, ustar and GNU, as tarfile(3) of the standard library understands them.
The entries go into memory only, so links that point out of the tree can do no harm; names that
climb out of it (``..``) are refused all the same, because they are never what was meant.
"""

from __future__ import annotations

import lzma
import stat
import tarfile
import zlib
from pathlib import Path
from typing import Final

from .tree import Entry, RootfsError, Tree

_ZSTD = b"\x28\xb5\x2f\xfd"
_BROKEN = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, ValueError)

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


def read_archive(path: Path) -> Tree:
    """Return the tree in a TAR file (plain, gzip, bzip2 or xz).

    Raises RootfsError: not an archive, truncated, unsafe names, not readable.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) == _ZSTD:
                raise RootfsError(
                    f"{path} is compressed with zstd; unpack it first: zstd -d {path}"
                )
        archive = tarfile.open(path, encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
    except PermissionError as error:
        raise RootfsError(f"no permission to read {path}; try: chmod +r {path}") from error
    except tarfile.TarError as error:  # its text lists every format that was tried
        raise RootfsError(
            f"{path} is no tar archive, or a damaged one; give a folder or a tar file"
        ) from error
    except _BROKEN as error:
        raise RootfsError(f"{path} cannot be read: {_one_line(error)}") from error
    tree = Tree()
    with archive:
        try:
            for member in archive:
                _add(tree, archive, member, path)
            _check_end(archive, path)
        except _BROKEN as error:
            raise RootfsError(
                f"{path} is damaged or truncated: {_one_line(error)}; fetch or pack it again"
            ) from error
    if not len(tree):
        raise RootfsError(f"{path} is an empty archive; give a folder or a tar file with a system")
    return tree


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _check_end(archive: tarfile.TarFile, path: Path) -> None:
    """Tell a cut archive, which tarfile takes for a finished one, by its missing end blocks."""
    file = archive.fileobj
    if file is None:
        return
    # tarfile stops in front of the first zero block; a cut exactly between two members leaves none.
    file.seek(archive.offset)
    if not file.read(tarfile.BLOCKSIZE):
        raise RootfsError(f"{path} is truncated: it has no end mark; fetch or pack it again")


def _name(raw: str, archive: Path) -> str:
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in raw:
        raise RootfsError(f"{archive} has an unsafe name: {raw!r}; pack it again without '..'")
    return "/".join(parts)


def _add(tree: Tree, archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    name = _name(member.name, path)
    if not name:  # "./", the root itself
        return
    if member.islnk():
        _add_hardlink(tree, name, _name(member.linkname, path), path)
        return
    kind = KINDS.get(member.type)
    if kind is None:
        raise RootfsError(f"{path}: {member.name} is of a kind that a root tree cannot hold")
    content = b""
    if kind == stat.S_IFREG:
        file = archive.extractfile(member)
        content = file.read() if file is not None else b""
        if len(content) != member.size:
            raise EOFError(f"{member.name} ends early")
    tree.add(
        Entry(
            name,
            kind | member.mode & 0o7777,
            member.uid,
            member.gid,
            int(member.mtime * 1_000_000_000),
            content=content,
            target=member.linkname if kind == stat.S_IFLNK else "",
            major=member.devmajor if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
            minor=member.devminor if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
        )
    )


def _add_hardlink(tree: Tree, name: str, target: str, path: Path) -> None:
    first = tree.get(target)
    if first is None:
        parent, _, last = target.rpartition("/")
        folder = tree.resolve(parent)
        first = tree.get(f"{folder.path}/{last}") if folder is not None else None
    if first is None:
        raise RootfsError(f"{path}: {name} is a hard link to {target}, which is not before it")
    tree.add(
        Entry(
            name,
            first.mode,
            first.uid,
            first.gid,
            first.mtime_ns,
            hardlink=first.hardlink or first.path,
        )
    )
