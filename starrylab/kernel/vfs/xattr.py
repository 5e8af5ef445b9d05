"""Extended attributes kept in memory (xattr(7))."""

from __future__ import annotations

from typing import Any, Final

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EACCES, EEXIST, ENODATA, ENOSPC, EOPNOTSUPP, EPERM
from ...abi.fcntl import XATTR_CREATE, XATTR_REPLACE
from ...abi.stat import S_IFDIR, S_IFMT, S_IFREG, S_ISVTX
from . import acl as acls
from .acl import Acl
from .file_flags import FIXED, refuse
from .node import DIRECTORY, SYMLINK, Credentials, NodeOps
from .permission import MAY_READ, MAY_WRITE, change_mode, check, is_owner, require_owner

_TOTAL_MAX: Final = 1 << 17  #: bytes of attributes that one node may hold


class XattrTable(dict[bytes, bytes]):
    """The attributes of one node, bound to it."""

    __slots__ = ()


class XattrStore(NodeOps):
    """A node whose attributes live in RAM; user., trusted. and security. are stored."""

    __slots__ = ()

    def get_xattr(self, name: bytes) -> bytes:
        """See ``NodeOps.get_xattr``."""
        _namespace(name)
        table: XattrTable | None = self.bound(XattrTable)
        if table is None or name not in table:
            raise ENODATA
        return table[name]

    def set_xattr(self, name: bytes, value: bytes, flags: int) -> None:
        """See ``NodeOps.set_xattr``; raises ``EEXIST``, ``ENODATA``, ``ENOSPC``."""
        _namespace(name)
        table: Any = self.bound(XattrTable)
        if table is None:
            table = XattrTable()
        if flags & XATTR_CREATE and name in table:
            raise EEXIST
        if flags & XATTR_REPLACE and name not in table:
            raise ENODATA
        if sum(len(n) + len(v) for n, v in table.items()) + len(name) + len(value) > _TOTAL_MAX:
            raise ENOSPC
        table[name] = value
        self.bind(XattrTable, table)
        self.ctime = self.fs.now()

    def list_xattrs(self) -> list[bytes]:
        """See ``NodeOps.list_xattrs``."""
        return list(self.bound(XattrTable) or ())

    def remove_xattr(self, name: bytes) -> None:
        """See ``NodeOps.remove_xattr``."""
        _namespace(name)
        table: XattrTable | None = self.bound(XattrTable)
        if table is None or name not in table:
            raise ENODATA
        del table[name]
        self.ctime = self.fs.now()


def _namespace(name: bytes) -> None:
    if not name.startswith((b"user.", b"trusted.", b"security.")):
        raise EOPNOTSUPP


def set_acl(node: NodeOps, name: bytes, acl: Acl | None, cred: Credentials) -> None:
    """Set or remove a node's list (set_posix_acl() of fs/posix_acl.c).

    Raises ``EPERM``, ``EOPNOTSUPP``, ``EACCES``, ``EINVAL``.
    """
    kind = acls.KINDS[name]
    refuse(node, FIXED)
    if not node.fs.has_acls or node.kind == SYMLINK:
        raise EOPNOTSUPP
    if kind is acls.DefaultAcl and node.kind != DIRECTORY:
        if acl is not None:
            raise EACCES
        return
    require_owner(node, cred)
    if acl is not None:
        acl.check()
    if kind is acls.AccessAcl:
        if acl is not None:
            change_mode(node, node.mode & 0o7000 | acl.mode(), cred)
        else:
            change_mode(node, node.mode & 0o7777, cred)
        acl = acl if acl is not None and acl.extended else None
    acls.bind(node, kind, acl)
    node.ctime = node.fs.now()


def get_acl(node: NodeOps, name: bytes) -> Acl:
    """Return a node's list; raise ``EOPNOTSUPP``, ``ENODATA``."""
    if not node.fs.has_acls or node.kind == SYMLINK:
        raise EOPNOTSUPP
    acl: Acl | None = node.bound(acls.KINDS[name])
    if acl is None:
        raise ENODATA
    return acl


def check_access(node: NodeOps, name: bytes, cred: Credentials, *, write: bool) -> None:
    """Raise ``EPERM``, ``EACCES`` or ``ENODATA`` unless ``cred`` may use attribute ``name``."""
    if write:
        refuse(node, FIXED)
    if name.startswith(b"trusted."):
        if not cred.capable(CAP_SYS_ADMIN):
            raise (EPERM if write else ENODATA)
        return
    if name.startswith(b"security."):
        if write and not cred.capable_in(node.fs.user_ns, CAP_SYS_ADMIN):
            raise EPERM
        return
    if name.startswith(b"user."):
        kind = node.mode & S_IFMT
        if kind not in (S_IFREG, S_IFDIR):
            raise (EPERM if write else ENODATA)
        if kind == S_IFDIR and node.mode & S_ISVTX and write and not is_owner(node, cred):
            raise EPERM
    elif not name.startswith(b"system."):
        raise EOPNOTSUPP
    check(node, cred, MAY_WRITE if write else MAY_READ)
