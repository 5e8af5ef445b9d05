"""What all namespaces have in common, and the numbers that tell them apart (namespaces(7))."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, ClassVar, Final
from weakref import WeakSet

from ...abi.errno import ENOSPC

if TYPE_CHECKING:
    from ..vfs.mount import Mountpoint
    from .user import UserNamespace

#: inode number of the first that is made after boot (PROC_DYNAMIC_FIRST of <linux/proc_fs.h>)
_FIRST_MADE: Final = 0xF0000000
#: inode numbers of the first ones (<linux/nsfs.h>)
INITIAL: Final = {
    "ipc": 0xEFFFFFFF,
    "uts": 0xEFFFFFFE,
    "user": 0xEFFFFFFD,
    "pid": 0xEFFFFFFC,
    "time": 0xEFFFFFFA,
    "net": 0xEFFFFFF9,
    "mnt": 0xEFFFFFF8,
}
#: namespaces of one kind that one system may have (/proc/sys/user/max_*_namespaces)
_MAX_NAMESPACES: Final = 4096


class Registry:
    """Gives namespaces their numbers, and knows which there are."""

    def __init__(self) -> None:
        self._numbers = count(_FIRST_MADE)
        self.living: WeakSet[Namespace] = WeakSet()
        self.limits: dict[str, int] = {}  #: by name, what an administrator wrote
        self.mount: Mountpoint | None = None  #: of nsfs, which nobody sees

    def enrol(self, namespace: Namespace, number: int) -> int:
        """Count a namespace, and return its inode number: ``number``, or a new one for 0."""
        if not number:
            limit = self.limit(namespace.name)
            if sum(1 for other in self.living if other.name == namespace.name) > limit:
                raise ENOSPC
        self.living.add(namespace)
        return number or next(self._numbers)

    def limit(self, name: str) -> int:
        """Return how many of one kind may be made."""
        return self.limits.get(name, _MAX_NAMESPACES)


class Namespace:
    """One namespace; ``user_ns`` owns it, ``None`` is the initial user namespace."""

    name: ClassVar[str] = ""  #: as below /proc/PID/ns
    flag: ClassVar[int] = 0  #: CLONE_NEW*

    def __init__(self, registry: Registry, user_ns: UserNamespace | None, ino: int = 0) -> None:
        """Make one; ``ENOSPC`` when there are too many of its kind."""
        self.registry = registry
        self.user_ns = user_ns
        self.ino = registry.enrol(self, ino)

    @property
    def label(self) -> bytes:
        """Text of its link in /proc/PID/ns."""
        return b"%s:[%d]" % (self.name.encode(), self.ino)

    def __repr__(self) -> str:
        return f"<{self.label.decode()}>"
