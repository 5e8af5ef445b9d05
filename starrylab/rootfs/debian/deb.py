"""Read a package's archive (deb(5)): an ar file of two TAR files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..tree import RootfsError

_MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60  # bytes of an ar member's header (ar(5))


def _zstd(data: bytes) -> bytes:
    if shutil.which("zstd") is None:
        raise RootfsError("a package is compressed with zstd; install the program zstd")
    result = subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=False)
    if result.returncode != 0:
        raise ValueError("damaged zstd data")
    return result.stdout


_UNPACK: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".bz2": bz2.decompress,
    ".zst": _zstd,
}


def read_deb(path: Path, name: str) -> tuple[tarfile.TarFile, tarfile.TarFile]:
    """Return a package's control and data archives; raise RootfsError."""
    try:
        members = _members(path.read_bytes())
        return _archive(members, "control.tar"), _archive(members, "data.tar")
    except (ValueError, KeyError, OSError, EOFError, lzma.LZMAError, zlib.error,
            tarfile.TarError) as error:  # fmt: skip
        reason = " ".join(str(error).split())
        raise RootfsError(f"the package {name} is damaged: {reason}") from None


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
    for ending, unpack in _UNPACK.items():
        if stem + ending in members:
            content = io.BytesIO(unpack(members[stem + ending]))
            return tarfile.open(fileobj=content, errors="surrogateescape")
    raise ValueError(f"it has no {stem}")
