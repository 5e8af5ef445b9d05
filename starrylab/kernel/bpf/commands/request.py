"""One call of bpf(2): its attributes, and who asks."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

from ....abi import bpf as b
from ....abi.capability import CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN
from ....abi.errno import E2BIG, EBADF, EINVAL, EPERM
from ..files import BtfFile, LinkFile, MapFile, ProgramFile
from ..system import Bpf, system_of

if TYPE_CHECKING:
    from ...files.file import File
    from ...thread import Thread
    from ..btf import Btf
    from ..links import Link
    from ..maps.base import Map
    from ..program import Program

_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")
_PAGE = 4096


class Request:
    """The thread, its attributes, and short ways to what they name."""

    def __init__(self, thread: Thread, addr: int, size: int) -> None:
        """Read the attributes; raise ``E2BIG`` for ones that are not known, ``EFAULT``."""
        if size > _PAGE:
            raise E2BIG
        data = thread.mm.read(addr, size)
        if any(data[b.ATTR_SIZE :]):
            raise E2BIG
        self.thread = thread
        self.mm = thread.mm
        self.addr = addr
        self.size = size
        self.data = data[: b.ATTR_SIZE].ljust(b.ATTR_SIZE, b"\0")

    @property
    def bpf(self) -> Bpf:
        """What the kernel has of eBPF."""
        return system_of(self.thread.kernel)

    def fields(self, layout: Struct) -> tuple[Any, ...]:
        """Return the attributes of a command; ``EINVAL`` for bytes behind them."""
        if any(self.data[layout.size :]):
            raise EINVAL
        return layout.unpack_from(self.data)

    def answer(self, offset: int, value: int) -> None:
        """Write 32 bits of an answer into the attributes, if they are so long."""
        if offset + 4 <= self.size:
            self.mm.write_u32(self.addr + offset, value)

    # -- rights

    def may(self, capability: int) -> bool:
        """Say whether a capability is there, or CAP_SYS_ADMIN, which stands for all."""
        cred = self.thread.cred
        return cred.capable(capability) or cred.capable(CAP_SYS_ADMIN)

    @property
    def may_bpf(self) -> bool:
        """CAP_BPF."""
        return self.may(CAP_BPF)

    @property
    def may_perfmon(self) -> bool:
        """CAP_PERFMON."""
        return self.may(CAP_PERFMON)

    def require_admin(self) -> None:
        """Raise ``EPERM`` without CAP_SYS_ADMIN."""
        self.thread.cred.require(CAP_SYS_ADMIN)

    def check_unprivileged(self) -> None:
        """Raise ``EPERM`` for who has no CAP_BPF, where that is asked for."""
        if self.thread.kernel.unprivileged_bpf_disabled and not self.may_bpf:
            raise EPERM

    # -- descriptors

    def file(self, fd: int) -> File:
        """Return an open file; ``EBADF``."""
        return self.thread.fds[_signed(fd)]

    def map_file(self, fd: int) -> MapFile:
        """Return a descriptor of a map; ``EBADF``, ``EINVAL``."""
        found = self.file(fd)
        if not isinstance(found, MapFile):
            raise EINVAL
        return found

    def map(self, fd: int) -> Map:
        """Return a map."""
        return self.map_file(fd).map

    def program(self, fd: int) -> Program:
        """Return a program; ``EBADF``, ``EINVAL``."""
        found = self.file(fd)
        if not isinstance(found, ProgramFile):
            raise EINVAL
        return found.program

    def link(self, fd: int) -> Link:
        """Return a link; ``EBADF``, ``EINVAL``."""
        found = self.file(fd)
        if not isinstance(found, LinkFile):
            raise EINVAL
        return found.link

    def btf(self, fd: int) -> Btf:
        """Return type information; ``EBADF``, ``EINVAL``."""
        found = self.file(fd)
        if not isinstance(found, BtfFile):
            raise EINVAL
        return found.btf

    def install(self, file: File) -> int:
        """Open a descriptor, which execve(2) closes; give the file up if there is none free."""
        file.acquire()
        try:
            return self.thread.install(file, cloexec=True)
        finally:
            file.release()


def name_of(raw: bytes) -> bytes:
    """Return the name of a new object; ``EINVAL`` for letters that names do not have."""
    name, _, rest = raw.partition(b"\0")
    if len(name) == len(raw) or any(rest) or not _NAME.issuperset(name):
        raise EINVAL
    return name


def _signed(fd: int) -> int:
    if fd > 0x7FFF_FFFF:
        raise EBADF
    return fd
