"""Mounts: where file systems are shown, in which namespace, and who hears of it.

``point`` is one mount and a place in one, ``namespace`` a tree of mounts, ``tree`` how trees are
copied and put together, ``propagation`` what a change in one place means for its peers and slaves.
"""

from .namespace import MountNamespace
from .point import Location, Mountpoint, PeerGroup

__all__ = ["Location", "MountNamespace", "Mountpoint", "PeerGroup"]
