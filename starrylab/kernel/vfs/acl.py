"""Access control lists (acl(5)): what they grant, and how chmod(2), umask(2) and they meet.

The rules are those of fs/posix_acl.c. A list that says no more than permission bits do is not
kept. A node's lists are bound to it; its permission bits for the group are the mask's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.acl import (
    ACCESS_NAME,
    ACL_GROUP,
    ACL_GROUP_OBJ,
    ACL_MASK,
    ACL_OTHER,
    ACL_UNDEFINED_ID,
    ACL_USER,
    ACL_USER_OBJ,
    ACL_VERSION,
    DEFAULT_NAME,
    ENTRY,
    HEADER,
)
from ...abi.errno import EINVAL, EOPNOTSUPP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .node import Credentials, NodeOps

    Mapping = Callable[[int], int | None]

_RWX: Final = 7
_NAMED: Final = (ACL_USER, ACL_GROUP)
#: which tags may follow which; a list begins with the owner's entry
_NEXT: Final = {
    0: (ACL_USER_OBJ,),
    ACL_USER_OBJ: (ACL_USER, ACL_GROUP_OBJ),
    ACL_USER: (ACL_USER, ACL_GROUP_OBJ),
    ACL_GROUP_OBJ: (ACL_GROUP, ACL_MASK, ACL_OTHER),
    ACL_GROUP: (ACL_GROUP, ACL_MASK),
    ACL_MASK: (ACL_OTHER,),
    ACL_OTHER: (),
}
#: where an entry's permissions are in a file's mode
_SHIFT: Final = {ACL_USER_OBJ: 6, ACL_GROUP_OBJ: 3, ACL_MASK: 3, ACL_OTHER: 0}


class AclEntry(NamedTuple):
    """One line of a list."""

    tag: int  #: ACL_*
    perm: int  #: rwx bits
    id: int = ACL_UNDEFINED_ID  #: the user's or group's, as the kernel has it


class Acl(tuple[AclEntry, ...]):
    """A list whose entries are in order."""

    __slots__ = ()

    @property
    def extended(self) -> bool:
        """Whether it says more than permission bits can."""
        return any(entry.tag in (ACL_USER, ACL_GROUP, ACL_MASK) for entry in self)

    @property
    def masked(self) -> bool:
        """Whether it has a mask, which then is what the bits of the group are."""
        return any(entry.tag == ACL_MASK for entry in self)

    def check(self) -> None:
        """Raise ``EINVAL`` unless it is a list as acl(5) has it (posix_acl_valid())."""
        last = 0
        named = masked = False
        for entry in self:
            if entry.perm & ~_RWX or entry.id < 0 or entry.tag not in _NEXT[last]:
                raise EINVAL
            last = entry.tag
            named = named or last in _NAMED
            masked = masked or last == ACL_MASK
        if last != ACL_OTHER or (named and not masked):
            raise EINVAL

    def mode(self) -> int:
        """Return the nine permission bits that say the same, as far as they can."""
        bits = 0
        masked = self.masked
        for entry in self:
            if entry.tag in _SHIFT and not (masked and entry.tag == ACL_GROUP_OBJ):
                bits |= entry.perm << _SHIFT[entry.tag]
        return bits

    def changed(self, mode: int) -> Acl:
        """Return the list after chmod(2) to ``mode``."""
        return self._with(lambda _, bits: bits, mode)

    def inherited(self, mode: int) -> tuple[Acl | None, int]:
        """Return list and mode of what is created with ``mode`` where this is the default."""
        made = self._with(lambda perm, bits: perm & bits, mode)
        mode = mode & ~0o777 | made.mode()
        return (made if made.extended else None), mode

    def _with(self, change: Callable[[int, int], int], mode: int) -> Acl:
        """Change what ``mode`` has bits for."""
        masked = self.masked
        return Acl(
            entry._replace(perm=change(entry.perm, mode >> _SHIFT[entry.tag] & _RWX))
            if entry.tag in _SHIFT and not (masked and entry.tag == ACL_GROUP_OBJ)
            else entry
            for entry in self
        )

    def granted(self, node: NodeOps, cred: Credentials, mask: int) -> int:
        """Return rwx bits for somebody who does not own ``node`` (posix_acl_permission()).

        Of several groups that one counts which grants all of ``mask``.
        """
        limit = _RWX
        groups: list[int] = []
        other = 0
        for tag, perm, ident in self:
            if tag == ACL_MASK:
                limit = perm
            elif tag == ACL_OTHER:
                other = perm
            elif tag == ACL_USER:
                if ident == cred.fsuid:
                    return perm & self._mask()
            elif tag in (ACL_GROUP_OBJ, ACL_GROUP):
                group = node.gid if tag == ACL_GROUP_OBJ else ident
                if group == cred.fsgid or group in cred.groups:
                    groups.append(perm)
        if not groups:
            return other
        return next((perm & limit for perm in groups if not mask & ~perm & _RWX), 0)

    def _mask(self) -> int:
        return next((entry.perm for entry in self if entry.tag == ACL_MASK), _RWX)


class AccessAcl(Acl):
    """The list that decides who may access a node; bound to it."""

    __slots__ = ()


class DefaultAcl(Acl):
    """The list that what is created in a directory begins with; bound to that."""

    __slots__ = ()


KINDS: Final[dict[bytes, type[Acl]]] = {ACCESS_NAME: AccessAcl, DEFAULT_NAME: DefaultAcl}


def _same(ident: int) -> int:
    return ident


def parse(data: bytes, uid: Mapping = _same, gid: Mapping = _same) -> Acl | None:
    """Return the list in an attribute's value; ``None`` for one without entries.

    ``uid`` and ``gid`` return the kernel's ids. Raises ``EINVAL``, ``EOPNOTSUPP``.
    """
    if not data:
        return None
    if len(data) < HEADER.size:
        raise EINVAL
    if HEADER.unpack_from(data)[0] != ACL_VERSION:
        raise EOPNOTSUPP
    if (len(data) - HEADER.size) % ENTRY.size:
        raise EINVAL
    entries = []
    for tag, perm, given in ENTRY.iter_unpack(data[HEADER.size :]):
        ident: int | None = ACL_UNDEFINED_ID
        if tag in _NAMED:
            ident = (uid if tag == ACL_USER else gid)(given)
        elif tag not in _SHIFT:
            raise EINVAL
        entries.append(AclEntry(tag, perm, -1 if ident is None else ident))
    return Acl(entries) if entries else None


def pack(acl: Iterable[AclEntry], uid: Mapping = _same, gid: Mapping = _same) -> bytes:
    """Return a list as an attribute's value; ``uid`` and ``gid`` return what is shown."""
    data = [HEADER.pack(ACL_VERSION)]
    for tag, perm, ident in acl:
        shown: int | None = ident
        if tag in _NAMED:
            shown = (uid if tag == ACL_USER else gid)(ident)
        data.append(ENTRY.pack(tag, perm, ACL_UNDEFINED_ID if shown is None else shown))
    return b"".join(data)


def bind(node: NodeOps, kind: type[Acl], acl: Acl | None) -> None:
    """Make ``acl`` the node's list of that kind; ``None`` takes it away."""
    node.bind(kind, None if acl is None else kind(acl))


def adopt(node: NodeOps, name: bytes, data: bytes) -> None:
    """Give a node the list of an image or archive; raise ``EINVAL``, ``EOPNOTSUPP``."""
    acl = parse(data)
    if acl is not None:
        acl.check()
        bind(node, KINDS[name], acl)


def attributes(node: NodeOps) -> list[tuple[bytes, bytes]]:
    """Return a node's lists as extended attributes, names and values."""
    if node.data is None:
        return []
    data = node.data
    return [(name, pack(data[kind])) for name, kind in KINDS.items() if kind in data]
