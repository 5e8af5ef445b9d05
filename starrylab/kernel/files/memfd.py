"""memfd_create(2): a file in RAM without a name, and its seals (fcntl(2), "File Sealing").

memfd_secret(2) makes one that is there to be mapped only, and that no other process sees.
"""

from __future__ import annotations

from typing import Final

from ...abi.errno import EBUSY, EINVAL, EPERM, ESPIPE
from ...abi.fcntl import (
    F_SEAL_FUTURE_WRITE,
    F_SEAL_GROW,
    F_SEAL_SEAL,
    F_SEAL_SHRINK,
    F_SEAL_WRITE,
    O_LARGEFILE,
    O_RDWR,
)
from ...abi.mman import MAP_PRIVATE, MAP_TYPE
from ..mm.areas import VM_DONTDUMP, VM_LOCKED, VM_SECRET
from ..mm.source import PageSource
from ..mm.space import AddressSpace
from ..vfs.mount import Location
from ..vfs.node import Credentials, FileNodeOps
from .file import File
from .regular import RegularFile

_ALL: Final = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE


def open_hidden(place: Location, cred: Credentials) -> RegularFile:
    """Open a new file of memfd_create(2) for reading and writing."""
    return RegularFile(place, O_RDWR | O_LARGEFILE, cred)


class SecretFile(RegularFile):
    """A file of memfd_secret(2): it has a size and can be mapped, nothing else."""

    __slots__ = ()

    area_flags = VM_LOCKED | VM_DONTDUMP | VM_SECRET

    def read_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """Refuse, as the three below."""
        raise EINVAL

    write_user = read_user

    def pread_user(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        """See `read_user`."""
        raise EINVAL

    pwrite_user = pread_user

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``."""
        raise ESPIPE

    def truncate(self, size: int) -> None:
        """Set the size once; ``EINVAL`` when it has one."""
        if self.node.size:
            raise EINVAL
        super().truncate(size)

    def mappable(self, prot: int, flags: int) -> PageSource:
        """See ``File.mappable``; a private copy would be no secret: ``EINVAL``."""
        if flags & MAP_TYPE == MAP_PRIVATE:
            raise EINVAL
        return super().mappable(prot, flags)


def open_secret(place: Location, cred: Credentials) -> SecretFile:
    """Open a new file of memfd_secret(2)."""
    return SecretFile(place, O_RDWR | O_LARGEFILE, cred)


def get_seals(file: File) -> int:
    """F_GET_SEALS; raise ``EINVAL`` for a file that cannot have seals."""
    return _sealable(file).seals


def add_seals(file: File, seals: int) -> None:
    """F_ADD_SEALS; raise ``EPERM``, ``EBUSY``, ``EINVAL``."""
    node = _sealable(file)
    if seals & ~_ALL:
        raise EINVAL
    if not file.writable or node.seals & F_SEAL_SEAL:
        raise EPERM
    if seals & F_SEAL_WRITE and not node.seals & F_SEAL_WRITE:
        pages = node.pages
        if pages is not None and pages.shared_writable():
            raise EBUSY
    node.seal(seals)


def _sealable(file: File) -> FileNodeOps:
    # Only tmpfs keeps seals; its other files are born with F_SEAL_SEAL.
    if not isinstance(file, RegularFile) or file.node.fs.name != "tmpfs":
        raise EINVAL
    return file.node
