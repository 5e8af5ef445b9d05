"""devpts: the slaves of pseudo-terminals, as files (pts(4), Documentation/filesystems/devpts).

The directory is made from the live pairs at every look; only what chown(2) and chmod(2)
changed is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar
from weakref import ref

from ...abi.errno import EINVAL, EIO, ENOENT
from ...abi.stat import DEVPTS_SUPER_MAGIC, S_IFCHR, makedev
from ..files.pty import open_master, open_slave
from ..vfs.node import DirNodeOps, Entry, FilesystemOps, NodeOps
from .options import parse_options

if TYPE_CHECKING:
    from ..dev.pty import Ptys
    from ..dev.tty import Tty
    from ..files.file import File
    from ..thread import Thread
    from ..vfs.mount import Location

_PTMX = b"ptmx"
_FIRST_COOKIE = 3  #: below are "." and ".."
_INO_ROOT, _INO_PTMX, _INO_SLAVES = 1, 2, 3


class DevPts(FilesystemOps):
    """The file system of one set of pairs."""

    name = "devpts"
    magic = DEVPTS_SUPER_MAGIC

    def __init__(self, now: Callable[[], int], ptys: Ptys, options: bytes = b"") -> None:
        super().__init__(now)
        self.ptys = ptys
        self.uid: int | None = None
        self.gid: int | None = None
        self.mode = 0o600
        self.ptmx_mode = 0
        self._apply(options)
        self._root = PtsDir(self)

    @property
    def root(self) -> PtsDir:
        """See ``FilesystemOps.root``."""
        return self._root

    def remount(self, options: bytes) -> None:
        """See ``FilesystemOps.remount``."""
        self._apply(options)
        self._root.ptmx.mode = S_IFCHR | self.ptmx_mode

    def _apply(self, options: bytes) -> None:
        for key, value in parse_options(options):
            if key in (b"newinstance", b"max"):
                continue
            digits = value.decode("ascii", "replace")
            if not digits.isdigit():
                raise EINVAL(f"devpts: {key!r} wants a number")
            if key == b"uid":
                self.uid = int(digits)
            elif key == b"gid":
                self.gid = int(digits)
            elif key == b"mode":
                self.mode = int(digits, 8) & 0o777
            elif key == b"ptmxmode":
                self.ptmx_mode = int(digits, 8) & 0o777
            else:
                raise EINVAL(f"devpts: unknown option {key!r}")
        owner = b"".join(
            b"%s=%d," % (key, value)
            for key, value in ((b"uid", self.uid), (b"gid", self.gid))
            if value is not None
        )
        self.options = owner + b"mode=%o,ptmxmode=%03o" % (self.mode, self.ptmx_mode)


class PtsNode(NodeOps):
    """One slave."""

    __slots__ = ("tty",)

    def __init__(self, fs: DevPts, index: int, tty: Tty, owner: tuple[int, int]) -> None:
        uid = owner[0] if fs.uid is None else fs.uid
        gid = owner[1] if fs.gid is None else fs.gid
        super().__init__(fs, _INO_SLAVES + index, S_IFCHR | fs.mode, uid, gid)
        self.rdev = makedev(tty.major, tty.minor)
        self.tty = ref(tty)

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``."""
        tty = self.tty()
        if tty is None:
            raise EIO
        return open_slave(tty, thread, location, flags)


class PtmxNode(NodeOps):
    """/dev/pts/ptmx."""

    __slots__ = ("_ptys",)

    def __init__(self, fs: DevPts) -> None:
        super().__init__(fs, _INO_PTMX, S_IFCHR | fs.ptmx_mode)
        self.rdev = makedev(5, 2)
        self._ptys = fs.ptys

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``."""
        return open_master(self._ptys, thread, location, flags)


class PtsDir(DirNodeOps):
    """The directory of slaves."""

    __slots__ = ("_nodes", "ptmx")
    is_cacheable: ClassVar[bool] = False
    fs: DevPts

    def __init__(self, fs: DevPts) -> None:
        super().__init__(fs, _INO_ROOT, 0o755)
        self.ptmx = PtmxNode(fs)
        self._nodes: dict[int, PtsNode] = {}

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        if name == _PTMX:
            return self.ptmx
        tty = self.fs.ptys.get(int(name)) if name.isdigit() else None
        if tty is None or name != b"%d" % tty.minor:
            raise ENOENT
        node = self._nodes.get(tty.minor)
        if node is None or node.tty() is not tty:
            owner = self.fs.ptys.owner(tty.minor)
            node = self._nodes[tty.minor] = PtsNode(self.fs, tty.minor, tty, owner)
        return node

    def entries(self, cookie: int) -> Iterator[Entry]:
        """See ``DirNodeOps.entries``."""
        if cookie < _FIRST_COOKIE:
            yield Entry(_FIRST_COOKIE, _PTMX, _INO_PTMX, S_IFCHR)
        for index, _ in self.fs.ptys:
            at = _FIRST_COOKIE + 1 + index
            if at > cookie:
                yield Entry(at, b"%d" % index, _INO_SLAVES + index, S_IFCHR)
