"""Take the compression off a file, whatever it is: gzip, bzip2, xz, Zstandard."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from .content import OpenFile
from .errors import RootfsError

_CHUNK: Final = 1 << 20
_MAGIC_SIZE: Final = 6


def _zstd(file: IO[bytes]) -> Any:
    from backports import zstd  # part of Python itself from 3.14 on

    return zstd.ZstdFile(file)


#: first bytes -> what reads the rest
_READERS: Final[dict[bytes, Callable[[IO[bytes]], Any]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": _zstd,
}


def broken() -> tuple[type[BaseException], ...]:
    """Return what reading damaged compressed data raises."""
    from backports import zstd

    return (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, ValueError)


def open_plain(path: Path) -> OpenFile:
    """Return the file, or a temporary one with what it was before it was compressed.

    Raises RootfsError: not readable, damaged, truncated.
    """
    try:
        with path.open("rb") as file:
            if _reader(file) is None:
                return OpenFile(path)
            with tempfile.TemporaryFile() as plain:
                copy_plain(file, plain)
                plain.flush()
                return OpenFile(plain)
    except PermissionError as error:
        raise RootfsError(f"no permission to read {path}; try: chmod +r {path}") from error
    except broken() as error:
        raise RootfsError(
            f"{path} is damaged or truncated: {one_line(error)}; fetch or pack it again"
        ) from error


def copy_plain(file: IO[bytes], plain: IO[bytes]) -> None:
    """Copy a file without its compression; raises one of `broken`."""
    reader = _reader(file)
    shutil.copyfileobj(file if reader is None else reader(file), plain, _CHUNK)


def unpacked(data: bytes) -> bytes:
    """Return what compressed bytes were before; raises one of `broken`."""
    file = io.BytesIO(data)
    reader = _reader(file)
    return data if reader is None else bytes(reader(file).read())


def one_line(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _reader(file: IO[bytes]) -> Callable[[IO[bytes]], Any] | None:
    head = file.read(_MAGIC_SIZE)
    file.seek(0)
    return next((read for magic, read in _READERS.items() if head.startswith(magic)), None)
