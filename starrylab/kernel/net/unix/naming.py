"""Names of sockets: paths in the file system, and abstract names (unix(7), "Address format").

A name is kept as ``bytes``: a path without its NUL, an abstract name with the NUL in front,
``b""`` for a socket that has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from ....abi.errno import (
    EADDRINUSE,
    ECONNREFUSED,
    EEXIST,
    EINVAL,
    ENOSPC,
    EPERM,
    EPROTOTYPE,
)
from ....abi.landlock import LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
from ....abi.socket import AF_UNIX
from ....abi.stat import S_IFMT, S_IFSOCK
from ...vfs import operations
from ...vfs.permission import MAY_WRITE, check
from .socket import UnixSocket

if TYPE_CHECKING:
    from ...thread import Thread
    from ...vfs.landlock import Domain

_FAMILY: Final = AF_UNIX.to_bytes(2, "little")
_LONGEST: Final = 110  #: bytes of struct sockaddr_un
_AUTOMATIC: Final = 1 << 20  #: names of five hexadecimal digits


def to_address(name: bytes) -> bytes:
    """Return a name as struct sockaddr_un, as long as Linux makes it."""
    return _FAMILY + (name if name[:1] in (b"", b"\0") else name + b"\0")


def from_address(address: bytes) -> bytes:
    """Return the name in a struct sockaddr_un; raise ``EINVAL``."""
    if not 2 < len(address) <= _LONGEST or address[:2] != _FAMILY:
        raise EINVAL
    name = address[2:]
    return name if name[0] == 0 else name.partition(b"\0")[0]


class AbstractNames:
    """The abstract names of one network namespace.  Kinds of sockets do not see each other's."""

    def __init__(self) -> None:
        self._bound: dict[tuple[int, bytes], UnixSocket] = {}
        self._next = 0
        #: what who named a socket may no longer do, if there is anything (landlock(7))
        self.domains: WeakKeyDictionary[UnixSocket, Domain] = WeakKeyDictionary()

    def take(self, sock: UnixSocket, name: bytes) -> None:
        """Give ``sock`` a name until it is closed; raise ``EADDRINUSE``."""
        if (sock.type, name) in self._bound:
            raise EADDRINUSE
        self._bound[sock.type, name] = sock
        sock.name = name
        sock.unbind = lambda: self._bound.pop((sock.type, name))

    def take_any(self, sock: UnixSocket) -> None:
        """Give ``sock`` a name that is free (unix(7), "Autobind feature")."""
        for _ in range(_AUTOMATIC):
            name = b"\0%05x" % self._next
            self._next = (self._next + 1) % _AUTOMATIC
            if (sock.type, name) not in self._bound:
                return self.take(sock, name)
        raise ENOSPC

    def find(self, type_: int, name: bytes) -> UnixSocket:
        """Return whose name it is; raise ``ECONNREFUSED``."""
        sock = self._bound.get((type_, name))
        if sock is None:
            raise ECONNREFUSED
        return sock


def bind(thread: Thread, sock: UnixSocket, address: bytes) -> None:
    """bind(2): ``EINVAL``, ``EADDRINUSE``, and what making a node raises."""
    names = thread.namespaces.net.unix_names
    if thread.cred.landlock is not None:
        names.domains[sock] = thread.cred.landlock
    if address == _FAMILY:
        if not sock.name:
            names.take_any(sock)
        return
    name = from_address(address)
    if name[:1] == b"\0":
        if sock.name:
            raise EINVAL
        names.take(sock, name)
    else:
        _bind_path(thread, sock, name)


def _bind_path(thread: Thread, sock: UnixSocket, path: bytes) -> None:
    try:
        place, name, trailing = thread.fs.walk_parent(path, thread.cred)
        operations.prepare(place, name, trailing, directory=False)
    except EEXIST:
        raise EADDRINUSE from None
    if sock.name:
        raise EINVAL
    mode = S_IFSOCK | 0o777 & ~thread.fs.umask  # even where the directory has a default list
    made = operations.create(place, name, mode, thread.cred, 0)
    node = made.node
    node.bind(UnixSocket, sock)
    made.mount.users += 1
    sock.name = path

    def unbind() -> None:
        node.bind(UnixSocket, None)
        made.mount.users -= 1

    sock.unbind = unbind


def find(thread: Thread, sock: UnixSocket, address: bytes) -> UnixSocket:
    """Return the socket that an address names, for ``sock`` to speak to.

    Raises ``EINVAL``, ``ECONNREFUSED``, ``EPROTOTYPE``, ``EPERM``, and what path resolution raises.
    """
    name = from_address(address)
    if name[:1] == b"\0":
        return _find_abstract(thread, sock, name)
    node = thread.fs.walk(name, thread.cred).node
    check(node, thread.cred, MAY_WRITE)
    found: UnixSocket | None = node.bound(UnixSocket)
    if node.mode & S_IFMT != S_IFSOCK or found is None:
        raise ECONNREFUSED
    if found.type != sock.type:
        raise EPROTOTYPE
    return found


def _find_abstract(thread: Thread, sock: UnixSocket, name: bytes) -> UnixSocket:
    names = thread.namespaces.net.unix_names
    found = names.find(sock.type, name)
    domain = thread.cred.landlock
    if (
        domain is not None
        and found is not sock.peer
        and (found.listening or not found.is_connected_kind)
        and domain.cuts_off(names.domains.get(found), LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET)
    ):
        raise EPERM
    return found


def bind_automatically(thread: Thread, sock: UnixSocket) -> None:
    """Name a socket that wants credentials before it speaks, as Linux does."""
    if sock.passcred and not sock.name:
        thread.namespaces.net.unix_names.take_any(sock)
