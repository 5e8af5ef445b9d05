"""Making and changing file systems for mount(2) and fsconfig(2): flags, options, the last mount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EBUSY
from ...abi.fcntl import MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_RDONLY, MS_SYNCHRONOUS
from ..vfs.dentry import DirEntry
from ..vfs.node import FilesystemOps
from .system import make_filesystem

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..task.cred import Credentials

#: what a file system shows of its flags, beside "ro" and "rw" (proc_pid_mountinfo(5))
_SHOWN: Final = {
    MS_SYNCHRONOUS: "sync",
    MS_DIRSYNC: "dirsync",
    MS_MANDLOCK: "mand",
    MS_LAZYTIME: "lazytime",
}


def make(kernel: Kernel, kind: bytes, source: bytes, flags: int, options: bytes) -> FilesystemOps:
    """Make, or find, a file system; raise ``ENODEV``, ``EPERM`` and what its kind raises.

    ``flags`` are the MS_* bits of the whole file system.  One that is mounted keeps its own.
    """
    fs = make_filesystem(kernel, kind, source, flags, options)
    if not fs.mounts:
        fs.sb_flags = flags & ~MS_RDONLY
        if flags & MS_RDONLY:
            fs.set_read_only(True)
    return fs


def throw_away(fs: FilesystemOps) -> None:
    """Let a file system go that was made and not mounted."""
    if not fs.mounts:
        fs.unmounted()


def flags_of(fs: FilesystemOps) -> int:
    """Return the MS_* bits of a file system, as statmount(2) tells them."""
    return fs.sb_flags | (MS_RDONLY if fs.read_only else 0)


def reconfigure(
    kernel: Kernel, cred: Credentials, fs: FilesystemOps, flags: int, mask: int, options: bytes
) -> None:
    """Change flags and options of a whole file system.

    Raises ``EPERM`` for who has no rights over it, ``EBUSY`` if it would become read-only under
    files that are open for writing, ``EINVAL`` for options that it does not know, ``EROFS`` if it
    cannot be writable.
    """
    cred.require_in(fs.user_ns, CAP_SYS_ADMIN)
    read_only = fs.read_only if not mask & MS_RDONLY else bool(flags & MS_RDONLY)
    if read_only and not fs.read_only:
        shown = kernel.mounts.table.shown.get(fs, {})
        if any(mount.writers for mount in shown):
            raise EBUSY
    if options:
        fs.remount(options)
    if read_only != fs.read_only:
        fs.set_read_only(read_only)
    fs.sb_flags = (fs.sb_flags & ~mask | flags & mask) & ~MS_RDONLY


def shown_flags(fs: FilesystemOps) -> list[str]:
    """Return the words for a file system's flags in /proc/mounts, without "ro"."""
    return [word for bit, word in _SHOWN.items() if fs.sb_flags & bit]


def path_inside(entry: DirEntry) -> bytes:
    """Return the path of an entry in its file system; what has no place there has only a name."""
    if entry.parent is None and entry.name:
        return entry.name
    names: list[bytes] = []
    while entry.parent is not None:
        names.append(entry.name)
        entry = entry.parent
    return b"/" + b"/".join(reversed(names))
