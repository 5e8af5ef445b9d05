"""Network namespaces (network_namespaces(7)).

This system's only network is AF_UNIX; what belongs to the namespace are abstract names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.sched import CLONE_NEWNET
from ..namespaces.base import Namespace, Registry
from .unix.naming import AbstractNames

if TYPE_CHECKING:
    from ..namespaces.user import UserNamespace


class NetNamespace(Namespace):
    """One network namespace."""

    name = "net"
    flag = CLONE_NEWNET

    def __init__(self, registry: Registry, user_ns: UserNamespace | None, ino: int = 0) -> None:
        super().__init__(registry, user_ns, ino)
        self.unix_names = AbstractNames()

    def copy(self, user_ns: UserNamespace | None) -> NetNamespace:
        """Return a namespace in which no name is taken."""
        return NetNamespace(self.registry, user_ns)
