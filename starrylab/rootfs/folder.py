"""Read a folder of the host as a tree, to be copied somewhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .tree import Entry, RootfsError, Tree


def read_folder(folder: Path) -> Tree:
    """Return what is in `folder`; files keep their content on the host, and their owners.

    What belongs to a host's user who is not root, and reads it, becomes root's.
    Names are in order, so that the same folder gives the same tree.
    Raises RootfsError for what cannot be read.
    """
    tree = Tree()
    seen: dict[tuple[int, int], str] = {}
    try:
        for above, folders, files in os.walk(folder, onerror=_refuse):
            folders.sort()
            for name in sorted([*folders, *files]):
                path = Path(above) / name
                tree.add(_entry(path, path.relative_to(folder).as_posix(), seen))
    except OSError as error:
        raise RootfsError(f"cannot read {error.filename}: {error.strerror}") from error
    return tree


def _refuse(error: OSError) -> None:
    raise error


def _entry(path: Path, name: str, seen: dict[tuple[int, int], str]) -> Entry:
    info = path.lstat()
    first = name
    if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode):
        first = seen.setdefault((info.st_dev, info.st_ino), name)
    if stat.S_ISREG(info.st_mode) and not os.access(path, os.R_OK):
        raise RootfsError(f"no permission to read {path}")
    return Entry(
        name,
        info.st_mode,
        *_owner(info),
        info.st_mtime_ns,
        content=path.absolute() if stat.S_ISREG(info.st_mode) else b"",
        target=os.readlink(path) if stat.S_ISLNK(info.st_mode) else "",
        hardlink="" if first == name else first,
        major=os.major(info.st_rdev),
        minor=os.minor(info.st_rdev),
        xattrs=_xattrs(path),
    )


def _owner(info: os.stat_result) -> tuple[int, int]:
    mine = os.geteuid(), os.getegid()
    if not mine[0]:
        return info.st_uid, info.st_gid
    return (
        0 if info.st_uid == mine[0] else info.st_uid,
        0 if info.st_gid == mine[1] else info.st_gid,
    )


def _xattrs(path: Path) -> tuple[tuple[str, bytes], ...]:
    """Return the extended attributes; none where the host has none, or shows none."""
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
        return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
    except (OSError, AttributeError):  # not every file system, and not every host, has them
        return ()
