"""Mounts, open files and cached names (design document 7).

Only what is in the caches is shown; a look at a directory reads nothing from its file system.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ...abi.fcntl import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY
from ...kernel.vfs.node import DIRECTORY, NodeOps
from .model import EntryView, FilesDetails, FolderDetails, MountView, OpenFile
from .process import descriptor

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.thread import Thread
    from ...kernel.vfs.dentry import DirEntry
    from ...kernel.vfs.mount import Location, Mountpoint

_MOST_FILES: Final = 2000
_MOST_ENTRIES: Final = 2000
_MOST_NODES: Final = 50_000  #: names walked for the list of cached files
_OPTIONS: Final = (
    (MS_RDONLY, "ro"),
    (MS_NOSUID, "nosuid"),
    (MS_NODEV, "nodev"),
    (MS_NOEXEC, "noexec"),
)
_KINDS: Final = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char device",
    stat.S_IFBLK: "block device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def files_details(kernel: Kernel) -> FilesDetails:
    """Return the mounts, oldest first, and the open files by process."""
    files: list[OpenFile] = []
    total = 0
    for thread in _table_owners(kernel):
        table = thread.fds
        total += len(table)
        comm = thread.process.comm.decode(errors="replace")
        for fd in sorted(table):
            if len(files) < _MOST_FILES:
                view = descriptor(fd, table[fd], cloexec=fd in table.cloexec)
                files.append(OpenFile(thread.process.pid, comm, view))
    return FilesDetails(tuple(_mount(mount) for mount in kernel.mounts), tuple(files), total)


def _table_owners(kernel: Kernel) -> Iterator[Thread]:
    """Yield one thread for each descriptor table, lowest pid first."""
    seen: set[int] = set()
    for _, process in sorted(kernel.processes.items()):
        for thread in process.threads.values():
            if id(thread.fds) not in seen:
                seen.add(id(thread.fds))
                yield thread


def _mount(mount: Mountpoint) -> MountView:
    options = [word for bit, word in _OPTIONS if mount.flags & bit]
    if mount.fs.options:
        options.append(mount.fs.options.decode(errors="replace"))
    return MountView(
        mount.id,
        0 if mount.parent is None else mount.parent.id,
        mount.root_location.path().decode(errors="replace"),
        mount.source.decode(errors="replace"),
        mount.fs.name,
        ",".join(options) or "rw",
        mount.users,
    )


# -- cached names ----------------------------------------------------------------------------


def folder_details(kernel: Kernel, path: bytes) -> FolderDetails:
    """Return the cached names of directory ``path``; symbolic links are not followed."""
    place = _cached_place(kernel, path)
    if place is None:
        return FolderDetails(path)
    children = sorted(place.entry.children.items())
    entries = tuple(_entry(child) for _, child in children[:_MOST_ENTRIES])
    return FolderDetails(path, found=True, entries=entries, entries_total=len(children))


def _cached_place(kernel: Kernel, path: bytes) -> Location | None:
    place = kernel.root.root_location.topmost()
    for name in path.split(b"/"):
        if not name:
            continue
        if place.node.kind != DIRECTORY:
            return None
        child = place.entry.children.get(name)
        if child is None or child.node is None:
            return None
        place = type(place)(place.mount, child).topmost()
    return place if place.node.kind == DIRECTORY else None


def _entry(entry: DirEntry) -> EntryView:
    name = entry.name.decode(errors="replace")
    node = entry.node
    if node is None:
        return EntryView(name, "absent", 0, 0, 0, 0, mounted=False)
    is_directory = node.kind == DIRECTORY
    pages = getattr(node, "pages", None)
    return EntryView(
        name,
        _KINDS.get(stat.S_IFMT(node.mode), "?"),
        node.ino,
        node.size,
        len(entry.children) if is_directory else 0,
        pages.nr_pages if pages is not None else 0,
        entry.is_mountpoint,
    )


def cached_nodes(kernel: Kernel) -> Iterator[tuple[bytes, NodeOps]]:
    """Yield files that the kernel has in memory, with a path: cached, open or mapped.

    A file may come more than once.
    """
    left = _MOST_NODES
    todo: list[tuple[bytes, DirEntry]] = []
    for mount in kernel.mounts:
        place = mount.root_location
        todo.append((place.path().rstrip(b"/"), place.entry))
    while todo and left:
        path, entry = todo.pop()
        left -= 1
        node = entry.node
        if node is None:
            continue
        if node.kind == DIRECTORY:
            todo += [(path + b"/" + name, child) for name, child in entry.children.items()]
        else:
            yield path, node
    for thread in _table_owners(kernel):
        for file in thread.fds.values():
            if file.node is not None:
                yield file.path(), file.node
        for area in thread.mm.maps():
            if area.place is not None and area.place.entry.node is not None:
                yield area.place.path(), area.place.entry.node
