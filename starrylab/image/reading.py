"""Reading a file that a person names as an image."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import Final

_LARGEST: Final = 4 << 30  #: bytes of a file or a block device
_STREAM: Final = 256 << 20  #: bytes of what has no size: a pipe


def read_image(path: Path) -> bytes:
    """Return what is in a file, a block device, or a pipe; raise `OSError`.

    What has no end, or more than memory should hold, is `errno.EFBIG`.
    """
    with path.open("rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode):
            limit = _LARGEST
            if file.seek(0, os.SEEK_END) > limit:
                raise _too_large(path)
            file.seek(0)
        else:
            limit = _STREAM
        data = _at_most(file, limit + 1)
    if len(data) > limit:
        raise _too_large(path)
    return data


def _at_most(file: io.FileIO, limit: int) -> bytes:
    data = bytearray()
    while len(data) < limit and (part := file.read(min(1 << 20, limit - len(data)))):
        data += part
    return bytes(data)


def _too_large(path: Path) -> OSError:
    return OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
