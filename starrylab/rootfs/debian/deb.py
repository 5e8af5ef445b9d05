"""Read a package's archive (deb(5)): an ar file of two TAR files."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Final

from ..compressed import broken, one_line, unpacked
from ..tree import RootfsError

_MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60  # bytes of an ar member's header (ar(5))


_ENDINGS: Final = ("", ".gz", ".xz", ".bz2", ".zst")


def read_deb(path: Path, name: str) -> tuple[tarfile.TarFile, tarfile.TarFile]:
    """Return a package's control and data archives; raise RootfsError."""
    try:
        members = _members(path.read_bytes())
        return _archive(members, "control.tar"), _archive(members, "data.tar")
    except _broken() as error:
        raise RootfsError(f"the package {name} is damaged: {one_line(error)}") from None


def without_compression(path: Path, name: str) -> bytes:
    """Return a package whose archives are plain, for a slow machine to unpack; raise RootfsError.

    dpkg takes such packages since 1.17.6 (deb(5)).
    """
    try:
        members = _members(path.read_bytes())
        packed = _MAGIC
        for member, data in members.items():
            stem = member.partition(".tar")[0]
            plain = unpacked(data) if ".tar" in member else data
            title = f"{stem}.tar" if ".tar" in member else member
            packed += f"{title:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(plain):<10}`\n".encode()
            packed += plain + b"\n" * (len(plain) % 2)
    except _broken() as error:
        raise RootfsError(f"the package {name} is damaged: {one_line(error)}") from None
    return packed


def has_preinst(path: Path, name: str) -> bool:
    """Tell whether a package has a script to be run before it is unpacked; raise RootfsError."""
    try:
        with _archive(_members(path.read_bytes()), "control.tar") as control:
            return any(member.removeprefix("./") == "preinst" for member in control.getnames())
    except _broken() as error:
        raise RootfsError(f"the package {name} is damaged: {one_line(error)}") from None


def _broken() -> tuple[type[BaseException], ...]:
    return *broken(), KeyError, tarfile.TarError


def _members(data: bytes) -> dict[str, bytes]:
    if not data.startswith(_MAGIC):
        raise ValueError("no ar archive")
    members = {}
    at = len(_MAGIC)
    while at + _HEADER <= len(data):
        name = data[at : at + 16].decode("ascii").strip().rstrip("/")
        size = int(data[at + 48 : at + 58])
        at += _HEADER
        if at + size > len(data):
            raise ValueError("it ends early")
        members[name] = data[at : at + size]
        at += size + size % 2
    return members


def _archive(members: dict[str, bytes], stem: str) -> tarfile.TarFile:
    for ending in _ENDINGS:
        if stem + ending in members:
            content = io.BytesIO(unpacked(members[stem + ending]))
            return tarfile.open(fileobj=content, errors="surrogateescape")
    raise ValueError(f"it has no {stem}")
