"""UTS namespaces: the names of a system (uts_namespaces(7), uname(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.sched import CLONE_NEWUTS
from .base import Namespace, Registry

if TYPE_CHECKING:
    from .user import UserNamespace


class UtsNamespace(Namespace):
    """uname(2); release as Starry Mix reports it."""

    name = "uts"
    flag = CLONE_NEWUTS
    sysname = b"Linux"
    release = b"10.0.0"
    version = b"#1 StarryLab"

    def __init__(
        self, registry: Registry, user_ns: UserNamespace | None, machine: bytes, ino: int = 0
    ) -> None:
        super().__init__(registry, user_ns, ino)
        self.machine = machine
        self.nodename = b"starry"
        self.domainname = b"(none)"

    def copy(self, user_ns: UserNamespace | None) -> UtsNamespace:
        """Return a namespace that begins with the same names."""
        new = UtsNamespace(self.registry, user_ns, self.machine)
        new.nodename, new.domainname = self.nodename, self.domainname
        return new
