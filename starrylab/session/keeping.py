"""Keep what a guest changes of its root: `--keep`.

The root is a file system in RAM, filled from a tree. When the lab ends, and at each sync(2), what
differs from that tree becomes the root's layer, which is replaced as a whole: a lab that is killed
leaves the one before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ..abi.errno import EIO
from ..kernel.fs.host_content import BytesContent
from ..kernel.fs.tmpfs import TmpDir, Tmpfs
from ..kernel.fs.tmpfs_file import TmpFile
from ..kernel.vfs.acl import attributes as lists_of
from ..kernel.vfs.node import NodeOps, SymlinkNodeOps
from ..kernel.vfs.xattr import XattrTable
from ..rootfs import Entry, RootfsError, Tree
from ..rootfs.content import Slice
from ..rootfs.layers import apply_layer, find_changes
from ..rootfs.store import clear_parts, lock_root, read_root, write_layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..kernel.vfs.page_pool import PagePool
    from ..rootfs.content import Content

_CHUNK: Final = 1 << 20


class Keeper:
    """The right to change a root, and its tree as it was made."""

    def __init__(self, name: str) -> None:
        """Read a root, and be the only one that keeps changes of it; raise RootfsError."""
        self._name = name
        self._lock = lock_root(name)
        clear_parts(name)
        self._base, layer = read_root(name)
        self.tree: Tree = apply_layer(self._base, layer)  #: as it is now
        self._fs: KeptTmpfs | None = None

    def mount(self, now: Callable[[], int], pool: PagePool) -> Tmpfs:
        """Return the file system whose changes are kept."""
        self._fs = KeptTmpfs(now, pool)
        self._fs.populate(self.tree)
        self._fs.keeper = self
        return self._fs

    def save(self) -> None:
        """Write the layer; raise RootfsError, and the one before stays."""
        if self._fs is not None:
            changes = list(find_changes(self._base, list(live_entries(self._fs))))
            write_layer(self._name, changes)

    def close(self) -> None:
        """Let others change the root."""
        self._lock.release()


class KeptTmpfs(Tmpfs):
    """A root whose state sync(2) writes to the host."""

    keeper: Keeper | None = None

    def sync(self) -> None:
        """See ``FilesystemOps.sync``."""
        if self.keeper is None:
            return
        try:
            self.keeper.save()
        except RootfsError as error:
            raise EIO(str(error)) from None


class LiveFile:
    """The content of a guest's file that was written to."""

    def __init__(self, node: TmpFile) -> None:
        self._node = node

    @property
    def size(self) -> int:
        """See ``rootfs.content.Part``."""
        return self._node.size

    def chunks(self) -> Iterator[bytes]:
        """See ``rootfs.content.Part``."""
        for at in range(0, self.size, _CHUNK):
            yield self._node.read_at(_CHUNK, at)

    def read(self) -> bytes:
        """See ``rootfs.content.Part``."""
        return b"".join(self.chunks())

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> int:
        """See ``rootfs.content.Part``."""
        done = 0
        for buffer in buffers:
            data = self._node.read_at(len(buffer), offset + done)
            buffer[: len(data)] = data
            done += len(data)
        return done

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Never called: see ``rootfs.content.Part``."""
        raise AssertionError("a root's file is read only")


def live_entries(fs: Tmpfs) -> Iterator[Entry]:
    """Yield all that a file system has, a folder before what it holds."""
    seen: dict[int, str] = {}
    todo: list[tuple[str, TmpDir]] = [("", fs.root)]
    while todo:
        path, directory = todo.pop()
        below = []
        for found in directory.entries(0):
            node = directory.lookup(found.name)
            name = os.fsdecode(found.name)
            where = f"{path}/{name}" if path else name
            first = where
            if isinstance(node, TmpDir):
                below.append((where, node))
            elif node.nlink > 1:
                first = seen.setdefault(node.ino, where)
            if not stat.S_ISSOCK(node.mode):
                yield _entry(where, node, "" if first == where else first)
        todo += reversed(below)


def _entry(path: str, node: NodeOps, hardlink: str) -> Entry:
    is_file = isinstance(node, TmpFile) and not hardlink
    attributes: dict[bytes, bytes] = {**(node.bound(XattrTable) or {}), **dict(lists_of(node))}
    return Entry(
        path,
        node.mode,
        node.uid,
        node.gid,
        node.mtime,
        content=_content(node) if is_file and isinstance(node, TmpFile) else b"",
        target=os.fsdecode(node.readlink()) if isinstance(node, SymlinkNodeOps) else "",
        hardlink=hardlink,
        major=os.major(node.rdev),
        minor=os.minor(node.rdev),
        xattrs=tuple(sorted((os.fsdecode(name), value) for name, value in attributes.items())),
    )


def _content(node: TmpFile) -> Content:
    """Return what the tree had, where that was not written to."""
    pages = node.pages
    if not pages.size:
        return b""
    backing = pages.backing
    if not pages.dirty and pages.backed == pages.size:
        if isinstance(backing, Slice) and backing.size == pages.size:
            return backing
        if isinstance(backing, BytesContent) and len(backing.data) == pages.size:
            return backing.data
    return LiveFile(node)
