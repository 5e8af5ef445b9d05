"""Memory policies: where pages are to come from (numa(7)), kept as on a machine with one node.

A policy changes nothing where there is one node; but programs set policies, inherit them,
and read them back.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ...abi.errno import EINVAL
from ...abi.mempolicy import (
    MPOL_BIND,
    MPOL_DEFAULT,
    MPOL_F_NUMA_BALANCING,
    MPOL_F_RELATIVE_NODES,
    MPOL_F_STATIC_NODES,
    MPOL_INTERLEAVE,
    MPOL_LOCAL,
    MPOL_PREFERRED,
    MPOL_PREFERRED_MANY,
    MPOL_WEIGHTED_INTERLEAVE,
)

NODES: Final = 1  #: the set of all nodes: node 0
_MODE_FLAGS: Final = MPOL_F_NUMA_BALANCING | MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES
_USER_NODES: Final = MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES

_NAMES: Final = {
    MPOL_DEFAULT: "default",
    MPOL_PREFERRED: "prefer",
    MPOL_BIND: "bind",
    MPOL_INTERLEAVE: "interleave",
    MPOL_LOCAL: "local",
    MPOL_PREFERRED_MANY: "prefer (many)",
    MPOL_WEIGHTED_INTERLEAVE: "weighted interleave",
}


class Policy(NamedTuple):
    """One policy; that nobody set one is ``None``."""

    mode: int  #: MPOL_*
    flags: int  #: MPOL_F_*
    nodes: int  #: a set: those of the machine that it means
    asked: int  #: a set: as the program said it
    home: int = -1  #: the node to begin with, or -1

    def shown_nodes(self) -> int:
        """Return what get_mempolicy(2) tells."""
        return self.asked if self.flags & _USER_NODES else self.nodes

    def __str__(self) -> str:
        """Return what /proc/PID/numa_maps shows (mpol_to_str)."""
        text = _NAMES[self.mode]
        if self.flags & MPOL_F_STATIC_NODES:
            text += "=static"
        elif self.flags & MPOL_F_RELATIVE_NODES:
            text += "=relative"
        return f"{text}:0" if self.nodes else text


def split_mode(mode: int) -> tuple[int, int]:
    """Return mode and flags; raise ``EINVAL`` (sanitize_mpol_flags)."""
    flags, mode = mode & _MODE_FLAGS, mode & ~_MODE_FLAGS
    if mode not in _NAMES or flags & _USER_NODES == _USER_NODES:
        raise EINVAL
    if flags & MPOL_F_NUMA_BALANCING and mode not in (MPOL_BIND, MPOL_PREFERRED_MANY):
        raise EINVAL
    return mode, flags


def new_policy(mode: int, flags: int, asked: int) -> Policy | None:
    """Return a policy, ``None`` for the default; raise ``EINVAL`` (mpol_new)."""
    if mode == MPOL_DEFAULT:
        if asked:
            raise EINVAL
        return None
    if mode == MPOL_PREFERRED and not asked:
        if flags & _USER_NODES:
            raise EINVAL
        mode = MPOL_LOCAL
    elif mode == MPOL_LOCAL:
        if asked or flags & _USER_NODES:
            raise EINVAL
    elif not asked:
        raise EINVAL
    if mode == MPOL_LOCAL:
        return Policy(mode, flags, 0, 0)
    # Nodes that are relative wrap around: each of them is the only one.
    nodes = NODES if flags & MPOL_F_RELATIVE_NODES else asked & NODES
    if not nodes:
        raise EINVAL
    return Policy(mode, flags, nodes, asked)


class Policies:
    """The policies of parts of an address space, by address."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: list[tuple[int, int, Policy]] | None = None) -> None:
        self.ranges = ranges or []  #: start, end, policy; ascending, without overlaps

    def copy(self) -> Policies:
        """Return a copy (fork(2))."""
        return Policies(self.ranges[:])

    def find(self, addr: int) -> Policy | None:
        """Return the policy at ``addr``."""
        for start, end, policy in self.ranges:
            if start <= addr < end:
                return policy
        return None

    def put(self, low: int, high: int, policy: Policy | None) -> None:
        """Replace what holds between two addresses."""
        kept = []
        for start, end, old in self.ranges:
            if start < low:
                kept.append((start, min(end, low), old))
            if end > high:
                kept.append((max(start, high), end, old))
        if policy is not None:
            kept.append((low, high, policy))
        self.ranges = sorted(kept, key=lambda part: part[0])

    def move(self, old: int, new: int, size: int, new_size: int) -> None:
        """Let what holds at ``old`` hold at ``new``, grown if the memory has (mremap(2))."""
        policy = self.find(old + size - 1) if size else None
        moved = [
            (max(start, old) + new - old, min(end, old + size) + new - old, held)
            for start, end, held in self.ranges
            if start < old + size and end > old
        ]
        for start, end, held in moved:
            self.put(start, end, held)
        if new_size > size:
            self.put(new + size, new + new_size, policy)
