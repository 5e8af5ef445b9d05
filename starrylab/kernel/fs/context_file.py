"""A file system being put together, as a file (fsopen(2), fspick(2), fsconfig(2)).

What went wrong can be read from it, one line a call, with "e " in front.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ...abi.errno import EBUSY, EINVAL, EMSGSIZE, ENODATA, LinuxError
from ...abi.fcntl import (
    MS_DIRSYNC,
    MS_LAZYTIME,
    MS_MANDLOCK,
    MS_RDONLY,
    MS_SYNCHRONOUS,
    O_RDWR,
)
from ..files.file import File
from ..vfs.node import FilesystemOps
from .options import check_parameter
from .superblock import make, reconfigure, throw_away

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..task.cred import Credentials

_MOST_LINES: Final = 8
#: options that every file system has -> the flag that they set or clear
_SET: Final = {
    b"dirsync": MS_DIRSYNC,
    b"lazytime": MS_LAZYTIME,
    b"mand": MS_MANDLOCK,
    b"ro": MS_RDONLY,
    b"sync": MS_SYNCHRONOUS,
}
_CLEARED: Final = {
    b"async": MS_SYNCHRONOUS,
    b"nolazytime": MS_LAZYTIME,
    b"nomand": MS_MANDLOCK,
    b"rw": MS_RDONLY,
}
#: what a reconfiguration may change (MS_RMT_MASK)
_CHANGEABLE: Final = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_LAZYTIME


class Phase(Enum):
    """How far it is (enum fs_context_phase)."""

    PARAMETERS = auto()  #: takes options of a file system that is to be made
    MADE = auto()  #: may be mounted, once
    CHANGING = auto()  #: takes options that are to change
    IDLE = auto()  #: will take such options
    FAILED = auto()


class FilesystemContext(File):
    """A file system of one type, its options so far, and the log."""

    __slots__ = ("_flags", "_kernel", "_lines", "_mask", "_options", "fs", "fs_type", "phase",
                 "source")  # fmt: skip

    kind = "fscontext"

    def __init__(self, kernel: Kernel, fs_type: bytes, picked: FilesystemOps | None = None) -> None:
        super().__init__(O_RDWR)
        self._kernel = kernel
        self.fs_type = fs_type
        self.fs = picked
        self.phase = Phase.PARAMETERS if picked is None else Phase.CHANGING
        self.source: bytes | None = None
        self._lines: deque[bytes] = deque(maxlen=_MOST_LINES)
        self._options: dict[bytes, bytes | None] = {}
        self._flags = self._mask = 0

    # -- the log -----------------------------------------------------------------------------

    def _note(self, error: LinuxError) -> None:
        """Note what is wrong with an option; what is forbidden, or busy, needs no words."""
        for line in error.args if isinstance(error, EINVAL) else ():
            self._lines.append(b"e " + str(line).encode("utf-8", "replace") + b"\n")

    def read(self, size: int) -> bytes:
        """Return the oldest line; raise ``ENODATA``, and ``EMSGSIZE`` if it does not fit."""
        if not self._lines:
            raise ENODATA
        if len(self._lines[0]) > size:
            raise EMSGSIZE
        return self._lines.popleft()

    # -- commands ----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Take up again: what is mounted can be changed from now on."""
        if self.phase is Phase.IDLE:
            self.phase = Phase.CHANGING

    def set_option(self, key: bytes, value: bytes | None, *, is_text: bool = True) -> None:
        """Take an option, ``None`` without a value; raise ``EBUSY``, ``EINVAL``.

        ``is_text`` is false for a path or descriptor, which no option here wants.
        """
        self._settle()
        if self.phase not in (Phase.PARAMETERS, Phase.CHANGING):
            raise EBUSY
        try:
            self._take(key, value, is_text=is_text)
        except LinuxError as error:
            self._note(error)
            raise

    def _take(self, key: bytes, value: bytes | None, *, is_text: bool) -> None:
        if key in _SET or key in _CLEARED:
            bit = _SET.get(key, 0) | _CLEARED.get(key, 0)
            self._mask |= bit
            self._flags = self._flags | bit if key in _SET else self._flags & ~bit
        elif key == b"source":
            self._take_source(value if is_text else None)
        else:
            check_parameter(self.fs_type, key, value if is_text else None)
            self._options[key] = value

    def _take_source(self, value: bytes | None) -> None:
        if value is None:
            raise EINVAL("Non-string source")
        if self.source is not None:
            raise EINVAL("Multiple sources")
        self.source = value

    def create(self, *, exclusive: bool = False) -> None:
        """Make the file system; raise ``EBUSY`` and whatever its type raises."""
        self._settle()
        if self.phase is not Phase.PARAMETERS:
            raise EBUSY
        source = b"none" if self.source is None else self.source
        self.phase = Phase.FAILED
        try:
            fs = make(self._kernel, self.fs_type, source, self._flags, self._joined())
            if exclusive and fs.mounts:
                raise EBUSY(f"{fs.name}: the only instance exists")
        except LinuxError as error:
            self._note(error)
            raise
        self.fs = fs
        self.phase = Phase.MADE

    def reconfigure(self, cred: Credentials) -> None:
        """Change options of a mounted file system; raise ``EBUSY`` and what its type raises."""
        self._settle()
        if self.phase is not Phase.CHANGING or self.fs is None:
            raise EBUSY
        self.phase = Phase.FAILED
        try:
            if self._mask & ~_CHANGEABLE:
                raise EINVAL
            reconfigure(self._kernel, cred, self.fs, self._flags, self._mask, self._joined())
        except LinuxError as error:
            self._note(error)
            raise
        self.mounted()

    def mounted(self) -> None:
        """Note that the file system is mounted, or was changed: more options may follow."""
        self.phase = Phase.IDLE
        self._options = {}
        self._flags = 0  # and the mask stays: what was set once is off after the next change

    def _joined(self) -> bytes:
        return b",".join(_option(self._options.items()))

    def closed(self) -> None:
        """See ``File.closed``: what was made and never mounted goes."""
        if self.phase is Phase.MADE and self.fs is not None:
            throw_away(self.fs)
        self.fs = None

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:[fscontext]"


def _option(options: Iterable[tuple[bytes, bytes | None]]) -> Iterable[bytes]:
    for key, value in options:
        yield key if value is None else key + b"=" + value
