"""Descriptors of maps, programs, links and type information."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ...abi import bpf as b
from ...abi.errno import EACCES, EINVAL, ENODEV, EPERM
from ...abi.fcntl import O_RDONLY, O_RDWR, O_WRONLY
from ...abi.poll import POLLIN, POLLRDNORM
from ...machine.api import PAGE_SIZE, WRITE
from ..files.file import File
from ..mm.areas import VM_NOWRITE

if TYPE_CHECKING:
    from ..core.sched import Waker
    from ..mm.source import PageSource
    from .btf import Btf
    from .links import Link
    from .maps.base import Map
    from .program import Program

_IN = POLLIN | POLLRDNORM


@runtime_checkable
class EventOutput(Protocol):
    """An open event of perf_event_open(2) that takes what programs write."""

    def output(self, data: bytes) -> None:
        """Write a sample with ``data`` as its raw part; raise ``ENOSPC``, ``EOPNOTSUPP``."""
        ...


class MapFile(File):
    """A descriptor of a map; F_RDONLY and F_WRONLY of the map or of BPF_OBJ_GET limit it."""

    __slots__ = ("map",)

    kind = "bpf-map"

    def __init__(self, found: Map, flags: int = 0) -> None:
        modes = {b.BPF_F_RDONLY: O_RDONLY, b.BPF_F_WRONLY: O_WRONLY}
        super().__init__(modes.get(flags & (b.BPF_F_RDONLY | b.BPF_F_WRONLY), O_RDWR))
        found.acquire()
        found.users += 1
        self.map = found

    def closed(self) -> None:
        """See ``File.closed``."""
        self.map.drop_user()
        self.map.release()

    def poll(self) -> int:
        """See ``File.poll``: a ring can be read when there is something in it."""
        return _IN if self.map.available() else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.map.readers.register(waker)

    def map_range(self, prot: int, flags: int, offset: int, size: int) -> tuple[PageSource, int]:
        """See ``File.map_range``: ``EPERM`` for writing what processes must not write."""
        pages = self.map.pages()
        if pages is None:
            raise ENODEV
        if not self.readable or (prot & WRITE and not self.writable):
            raise EPERM
        if self.map.shape.type == b.BPF_MAP_TYPE_RINGBUF:
            if prot & WRITE and (offset or size != PAGE_SIZE):
                raise EPERM
            if offset + size > pages.size:
                raise EINVAL
            return pages, 0 if prot & WRITE else VM_NOWRITE
        for_reading = self.map.shape.flags & b.BPF_F_RDONLY_PROG
        if prot & WRITE and (for_reading or self.map.frozen):
            raise EACCES if for_reading else EPERM
        if offset + size > pages.size:
            raise EINVAL
        return pages, VM_NOWRITE if self.map.frozen else 0

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:bpf-map"


class ProgramFile(File):
    """A descriptor of a program."""

    __slots__ = ("program",)

    kind = "bpf-prog"

    def __init__(self, program: Program) -> None:
        super().__init__(O_RDWR)
        program.acquire()
        self.program = program

    def closed(self) -> None:
        """See ``File.closed``."""
        self.program.release()

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:bpf-prog"


class BtfFile(File):
    """A descriptor of type information."""

    __slots__ = ("btf",)

    kind = "btf"

    def __init__(self, btf: Btf) -> None:
        super().__init__(O_RDONLY)
        btf.acquire()
        self.btf = btf

    def closed(self) -> None:
        """See ``File.closed``."""
        self.btf.release()

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:btf"


class LinkFile(File):
    """A descriptor of a link: the program stays attached while somebody holds it."""

    __slots__ = ("link",)

    kind = "bpf_link"

    def __init__(self, link: Link) -> None:
        super().__init__(O_RDWR)
        link.acquire()
        self.link = link

    def closed(self) -> None:
        """See ``File.closed``."""
        self.link.release()

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:bpf_link"
