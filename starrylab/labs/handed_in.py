"""What students handed in: a folder, or an archive, for each of them.

Nothing in there is trusted: links lead nowhere, archives may claim any size, names any letters.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .catalog import Lab, LabError, catalog, find

_LARGEST_FILE: Final = 1 << 20  #: bytes of one file of a submission
_LARGEST_ARCHIVE: Final = 32 << 20  #: bytes when unpacked: all labs' files
_MOST_ENTRIES: Final = 2000  #: of an archive
_GZIP: Final = b"\x1f\x8b"
_BROKEN: Final = (OSError, EOFError, tarfile.TarError, zlib.error, ValueError)


@dataclass(frozen=True, slots=True)
class Submission:
    """One student's files for one lab."""

    student: str
    lab: str
    path: Path  #: a folder or an archive
    inside: str  #: where the files are in it


def submissions(folder: Path, lab: Lab | None = None) -> list[Submission]:
    """Return what is to be graded: every entry of ``folder`` is a student's folder or archive.

    In it ``NN-name/`` holds a lab's files; where ``lab`` is given they may also lie at the top.
    Raises `LabError`.
    """
    entries = _entries(folder)
    wanted = catalog() if lab is None else [lab]
    found = []
    for path in entries:
        student = printable(path.name.removesuffix(".tar.gz"))
        names = _names(path)
        inside = [one for one in wanted if any(n.startswith(f"{one.name}/") for n in names)]
        found += [Submission(student, one.name, path, f"{one.name}/") for one in inside]
        if lab is not None and not inside:
            found.append(Submission(student, lab.name, path, ""))
    return found


def without_work(folder: Path, found: list[Submission]) -> list[str]:
    """Return the names of entries of ``folder`` in which there is nothing to be graded."""
    used = {one.path for one in found}
    return [printable(path.name) for path in _entries(folder) if path not in used]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise LabError(f"{folder}: {error.strerror}") from None


def printable(text: str) -> str:
    """Return ``text`` on one line, without what a terminal or an encoding would trip over."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)


def contents(submission: Submission) -> dict[str, bytes]:
    """Return the files that the lab names, of those that are there and not too large."""
    files = find(submission.lab).description.files
    if _is_folder(submission.path):
        return {
            name: data
            for name in files
            if (data := _read(submission.path, submission.inside + name)) is not None
        }
    found = {}
    try:
        for name, member, archive in _members(submission.path):
            name = name.removeprefix(submission.inside)
            if name in files and member.isfile() and member.size <= _LARGEST_FILE:
                file = archive.extractfile(member)
                found[name] = file.read() if file is not None else b""
    except _BROKEN:
        pass  # of a broken archive what came before
    return found


def _names(path: Path) -> list[str]:
    names = []
    try:
        if _is_folder(path):
            return [f"{entry.name}/" if entry.is_dir() else entry.name for entry in path.iterdir()]
        for name, _, _ in _members(path):
            names.append(name)
    except _BROKEN:
        pass
    return names


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _open(path: Path) -> io.BufferedReader:
    """Open a regular file; raise ``OSError`` for a link, and for what a read would wait for."""
    file = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(f"{path} is not a regular file")
    return file


def _members(path: Path) -> Iterator[tuple[str, tarfile.TarInfo, tarfile.TarFile]]:
    """Yield an archive's entries, up to a bearable size and number."""
    with _open(path) as file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        plain = gzip.GzipFile(fileobj=file) if packed else file
        with tarfile.open(fileobj=_Bounded(plain, _LARGEST_ARCHIVE), mode="r|") as archive:
            for count, member in enumerate(archive):
                if count == _MOST_ENTRIES:
                    return
                yield member.name.removeprefix("./"), member, archive


class _Bounded(io.RawIOBase):
    """A stream of which no more than so many bytes can be read."""

    def __init__(self, stream: io.BufferedIOBase, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1) -> bytes:
        """Read on; ``OSError`` behind the bound."""
        data = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise OSError("the archive is too large")
        return data


def _read(folder: Path, name: str) -> bytes | None:
    """Return a regular file's content; ``None`` where a link is on the way, or it is too large."""
    path = folder / name
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        return None
    try:
        with _open(path) as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError:
        return None
    return data if len(data) <= _LARGEST_FILE else None
