"""Time namespaces: monotonic clocks that began at another time (time_namespaces(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.sched import CLONE_NEWTIME
from .base import Namespace, Registry

if TYPE_CHECKING:
    from .user import UserNamespace


class TimeNamespace(Namespace):
    """How far the clocks of its processes are ahead of the initial namespace's, in ns."""

    name = "time"
    flag = CLONE_NEWTIME

    def __init__(self, registry: Registry, user_ns: UserNamespace | None, ino: int = 0) -> None:
        super().__init__(registry, user_ns, ino)
        self.monotonic_ns = 0
        self.boottime_ns = 0
        self.fixed = bool(ino)  #: somebody is in it, so the offsets stay

    def copy(self, user_ns: UserNamespace | None) -> TimeNamespace:
        """Return a namespace with the same offsets, in which nobody is yet."""
        new = TimeNamespace(self.registry, user_ns)
        new.monotonic_ns, new.boottime_ns = self.monotonic_ns, self.boottime_ns
        return new
