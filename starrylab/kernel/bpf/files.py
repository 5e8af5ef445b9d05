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
    from .system import Bpf

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

    def info(self) -> str:
        """Return the rows of /proc/PID/fdinfo."""
        found, shape = self.map, self.map.shape
        owner = ""
        if found.owner is not None:
            owner = f"owner_prog_type:\t{found.owner[0]}\nowner_jited:\t0\n"
        return (
            f"map_type:\t{shape.type}\nkey_size:\t{shape.key_size}\n"
            f"value_size:\t{shape.value_size}\nmax_entries:\t{shape.max_entries}\n"
            f"map_flags:\t{shape.flags:#x}\nmap_extra:\t{shape.extra:#x}\n"
            f"memlock:\t{found.cost()}\nmap_id:\t{found.id}\nfrozen:\t{int(found.frozen)}\n"
            f"{owner}"
        )


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

    def info(self) -> str:
        """Return the rows of /proc/PID/fdinfo."""
        found = self.program
        return (
            f"prog_type:\t{found.type}\nprog_jited:\t0\nprog_tag:\t{found.tag.hex()}\n"
            f"memlock:\t{found.memory}\nprog_id:\t{found.id}\nrun_time_ns:\t{found.run_ns}\n"
            f"run_cnt:\t{found.run_count}\nrecursion_misses:\t0\n"
            f"verified_insns:\t{found.verified}\n"
        )


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

    def info(self) -> str:
        """Return the rows of /proc/PID/fdinfo."""
        return f"btf_id:\t{self.btf.id}\n"


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

    def info(self) -> str:
        """Return the rows of /proc/PID/fdinfo."""
        link = self.link
        return (
            f"link_type:\t{link.type_name}\nlink_id:\t{link.id}\n"
            f"prog_tag:\t{link.program.tag.hex()}\nprog_id:\t{link.program.id}\n{link.info()}"
        )


class StatisticsFile(File):
    """What BPF_ENABLE_STATS returns: runs are counted while it is open."""

    __slots__ = ("_bpf",)

    kind = "bpf-stats"

    def __init__(self, bpf: Bpf) -> None:
        super().__init__(O_RDWR)
        self._bpf = bpf
        bpf.statistics += 1

    def closed(self) -> None:
        """See ``File.closed``."""
        self._bpf.statistics -= 1

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:bpf-stats"
