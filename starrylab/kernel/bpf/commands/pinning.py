"""Where pins are made and found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....abi import bpf as b
from ....abi.errno import EACCES, EBADF, ENOTDIR, EPERM
from ....abi.fcntl import AT_FDCWD
from ....abi.inotify import IN_CREATE
from ...vfs.notify import tell_name
from ...vfs.operations import prepare
from ...vfs.permission import MAY_EXEC, MAY_READ, MAY_WRITE, check
from ..pins import PinDir, PinNode

if TYPE_CHECKING:
    from ...vfs.mount import Location
    from ..objects import BpfObject
    from .request import Request


def _start(request: Request, path: bytes, dirfd: int) -> Location | None:
    if dirfd == AT_FDCWD or path[:1] == b"/":
        return None
    if dirfd < 0:
        raise EBADF
    place = request.thread.fds[dirfd].place
    if place is None:
        raise ENOTDIR
    return place


def make_pin(request: Request, path: bytes, dirfd: int, thing: BpfObject) -> None:
    """Give an object a name; raise ``EPERM`` outside a bpf file system, ``EEXIST``."""
    thread = request.thread
    place, name, trailing = thread.fs.walk_parent(path, thread.cred, _start(request, path, dirfd))
    prepare(place, name, trailing, directory=False)
    directory = place.node
    check(directory, thread.cred, MAY_WRITE | MAY_EXEC)
    if not isinstance(directory, PinDir):
        raise EPERM
    cred = thread.cred
    node = directory.pin(name, 0o600 & ~thread.fs.umask, cred.fsuid, cred.fsgid, thing)
    tell_name(directory, IN_CREATE, name, node)
    place.entry.attach(name, node)


def find_pin(request: Request, path: bytes, dirfd: int, flags: int) -> BpfObject:
    """Return what has a name; ``EACCES`` for what is no pin."""
    thread = request.thread
    place = thread.fs.walk(path, thread.cred, _start(request, path, dirfd))
    node = place.node
    if not isinstance(node, PinNode):
        raise EACCES
    rights = {b.BPF_F_RDONLY: MAY_READ, b.BPF_F_WRONLY: MAY_WRITE}
    check(node, thread.cred, rights.get(flags, MAY_READ | MAY_WRITE))
    return node.thing
