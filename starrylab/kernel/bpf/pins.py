"""The bpf file system: names that keep maps, programs and links (``kernel/bpf/inode.c``)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Final

from ...abi.errno import EACCES, EINVAL, EIO, ENOENT, ENOTEMPTY, EPERM
from ...abi.stat import S_IFDIR, S_IFMT, S_IFREG
from ..vfs.node import DirNodeOps, Entry, FilesystemOps, NodeOps, StatFs, SymlinkNodeOps
from .maps.base import Map
from .objects import BpfObject

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..files.file import File
    from ..kernel import Kernel
    from ..thread import Thread
    from ..vfs.mount import Location

MAGIC: Final = 0xCAFE4A11  #: BPF_FS_MAGIC
_OPTIONS: Final = {b"mode": 8, b"uid": 10, b"gid": 10}  #: and the bases of their numbers


class BpfFs(FilesystemOps):
    """One instance."""

    name = "bpf"
    magic = MAGIC

    def __init__(self, now: Callable[[], int], options: bytes = b"") -> None:
        super().__init__(now)
        self.inos = count(1)
        self._root = PinDir(self, 0o1777)
        self.remount(options)

    @property
    def root(self) -> PinDir:
        """See ``FilesystemOps.root``."""
        return self._root

    def remount(self, options: bytes) -> None:
        """See ``FilesystemOps.remount``: mode, uid and gid are the root's."""
        for option in filter(None, options.split(b",")):
            key, _, value = option.partition(b"=")
            if key not in _OPTIONS:
                raise EINVAL(f"unknown option of bpf {key!r}")
            try:
                number = int(value, _OPTIONS[key])
            except ValueError:
                raise EINVAL(f"{value!r} is not a number") from None
            if key == b"mode":
                self._root.mode = S_IFDIR | number & 0o7777
            else:
                setattr(self._root, key.decode(), number)
        self.options = options

    def statfs(self) -> StatFs:
        """See ``FilesystemOps.statfs``."""
        return StatFs(self.magic, 4096, 0, 0, 0, 0, 0)

    def unmounted(self) -> None:
        """See ``FilesystemOps.unmounted``."""
        self._root.drop()


class PinNode(NodeOps):
    """The name of an object."""

    __slots__ = ("thing",)

    def __init__(self, fs: BpfFs, mode: int, uid: int, gid: int, thing: BpfObject) -> None:
        super().__init__(fs, next(fs.inos), S_IFREG | mode & 0o7777, uid, gid)
        self.thing = thing
        thing.acquire()
        if isinstance(thing, Map):
            thing.users += 1

    def open(self, thread: Thread | None, location: Location, flags: int) -> File | None:
        """See ``NodeOps.open``: only BPF_OBJ_GET leads to the object."""
        raise EIO

    def drop(self) -> None:
        """Let go of the object."""
        self.nlink = 0
        if isinstance(self.thing, Map):
            self.thing.drop_user()
        self.thing.release()


class PinLink(SymlinkNodeOps):
    """A symbolic link."""

    __slots__ = ("_target",)

    def __init__(self, fs: BpfFs, target: bytes, uid: int, gid: int) -> None:
        super().__init__(fs, next(fs.inos), 0o120777, uid, gid)
        self._target = target
        self.size = len(target)

    def readlink(self) -> bytes:
        """See ``SymlinkNodeOps.readlink``."""
        return self._target


class PinDir(DirNodeOps):
    """A directory of names."""

    __slots__ = ("_cookies", "_names")

    fs: BpfFs

    def __init__(self, fs: BpfFs, mode: int, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, next(fs.inos), mode, uid, gid)
        self._names: dict[bytes, tuple[int, NodeOps]] = {}
        self._cookies = count(3)

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        if name not in self._names:
            raise ENOENT
        return self._names[name][1]

    def entries(self, cookie: int) -> Iterator[Entry]:
        """See ``DirNodeOps.entries``."""
        for name, (key, node) in list(self._names.items()):
            if key > cookie:
                yield Entry(key, name, node.ino, node.mode & S_IFMT)

    def _enter(self, name: bytes, node: NodeOps) -> NodeOps:
        self._names[name] = (next(self._cookies), node)
        self.mtime = self.ctime = self.fs.now()
        return node

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> NodeOps:
        """See ``DirNodeOps.create``: directories only; files are made by BPF_OBJ_PIN."""
        if mode & S_IFMT != S_IFDIR:
            raise EACCES
        self.nlink += 1
        return self._enter(name, PinDir(self.fs, mode, uid, gid))

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> NodeOps:
        """See ``DirNodeOps.symlink``."""
        return self._enter(name, PinLink(self.fs, target, uid, gid))

    def pin(self, name: bytes, mode: int, uid: int, gid: int, thing: BpfObject) -> NodeOps:
        """Give an object a name."""
        if b"." in name:
            raise EPERM
        return self._enter(name, PinNode(self.fs, mode, uid, gid, thing))

    def unlink(self, name: bytes, node: NodeOps) -> None:
        """See ``DirNodeOps.unlink``."""
        del self._names[name]
        self.mtime = self.ctime = self.fs.now()
        if isinstance(node, PinNode):
            node.drop()

    def rmdir(self, name: bytes, node: DirNodeOps) -> None:
        """See ``DirNodeOps.rmdir``."""
        if isinstance(node, PinDir) and node._names:  # noqa: SLF001  # one of its own kind
            raise ENOTEMPTY
        del self._names[name]
        self.nlink -= 1
        node.nlink = 0

    def rename(
        self,
        name: bytes,
        node: NodeOps,
        to_dir: DirNodeOps,
        to_name: bytes,
        replaced: NodeOps | None,
        *,
        exchange: bool = False,
    ) -> None:
        """See ``DirNodeOps.rename``."""
        if exchange or not isinstance(to_dir, PinDir):
            raise EINVAL
        if isinstance(replaced, PinDir):
            to_dir.rmdir(to_name, replaced)
        elif replaced is not None:
            to_dir.unlink(to_name, replaced)
        del self._names[name]
        to_dir._enter(to_name, node)  # noqa: SLF001  # one of its own kind
        if isinstance(node, PinDir):
            self.nlink -= 1
            to_dir.nlink += 1

    def drop(self) -> None:
        """Let go of everything below."""
        names, self._names = self._names, {}
        for _, node in names.values():
            if isinstance(node, (PinNode, PinDir)):
                node.drop()


def make(kernel: Kernel, _source: bytes, _flags: int, options: bytes) -> BpfFs:
    """Return a new file system (a `Factory`)."""
    return BpfFs(kernel.clock.realtime, options)
