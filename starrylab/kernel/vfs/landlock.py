"""Landlock: rights to files that a thread gave up for good (landlock(7), security/landlock/fs.c).

A `Domain` is a layer on those of before. Of what a layer handles, a thread may do at a place only
what one of the layer's rules permits there, or for a directory above; all layers must agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ...abi.errno import EACCES, EPERM, EXDEV
from ...abi.fcntl import O_ACCMODE, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY
from ...abi.ioctl import FICLONE, FICLONERANGE, FIFREEZE, FIGETBSZ, FITHAW, FS_IOC_FIEMAP
from ...abi.landlock import (
    ACCESS_FILE,
    LANDLOCK_ACCESS_FS_IOCTL_DEV,
    LANDLOCK_ACCESS_FS_READ_DIR,
    LANDLOCK_ACCESS_FS_READ_FILE,
    LANDLOCK_ACCESS_FS_REFER,
    LANDLOCK_ACCESS_FS_REMOVE_DIR,
    LANDLOCK_ACCESS_FS_REMOVE_FILE,
    LANDLOCK_ACCESS_FS_TRUNCATE,
    LANDLOCK_ACCESS_FS_WRITE_FILE,
    MAKE,
)
from ...abi.stat import S_IFBLK, S_IFCHR, S_IFMT
from .node import DIRECTORY, NodeOps

if TYPE_CHECKING:
    from .dentry import DirEntry
    from .mount import Location

#: requests that no device is asked (is_masked_device_ioctl())
_HARMLESS: Final = frozenset((FIFREEZE, FIGETBSZ, FITHAW, FS_IOC_FIEMAP, FICLONE, FICLONERANGE))
MAX_LAYERS: Final = 16
_OPEN: Final = {
    O_RDONLY: LANDLOCK_ACCESS_FS_READ_FILE,
    O_WRONLY: LANDLOCK_ACCESS_FS_WRITE_FILE,
    O_RDWR: LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
}


class Ruleset:
    """What a layer is to handle, and its rules."""

    def __init__(self, handled: int, network: int, scopes: int) -> None:
        self.handled = handled  #: LANDLOCK_ACCESS_FS_*
        self.network = network  #: LANDLOCK_ACCESS_NET_*
        self.scopes = scopes  #: LANDLOCK_SCOPE_*
        self.nodes: dict[NodeOps, int] = {}  #: rights at a node and below it
        self.ports: dict[int, int] = {}  #: rights by TCP port

    def allow(self, node: NodeOps, access: int) -> None:
        """Add rights to a node's."""
        self.nodes[node] = self.nodes.get(node, 0) | access

    def allow_port(self, port: int, access: int) -> None:
        """Add rights to a port's."""
        self.ports[port] = self.ports.get(port, 0) | access


class Domain:
    """One layer, and with `parent` those of before."""

    __slots__ = ("depth", "handled", "handles_files", "nodes", "parent", "scopes")

    def __init__(self, rules: Ruleset, parent: Domain | None) -> None:
        self.parent = parent
        self.depth: int = 1 if parent is None else parent.depth + 1
        # Moving a file elsewhere is denied whether it is handled or not.
        self.handled = rules.handled | LANDLOCK_ACCESS_FS_REFER if rules.handled else 0
        self.nodes = dict(rules.nodes)
        self.scopes = rules.scopes
        #: whether any layer knows rights to files
        before = parent is not None and parent.handles_files
        self.handles_files: bool = self.handled != 0 or before

    def layers(self) -> Iterator[Domain]:
        """Yield this layer and those of before."""
        layer: Domain | None = self
        while layer is not None:
            yield layer
            layer = layer.parent

    def contains(self, other: Domain | None) -> bool:
        """Tell whether who is in ``other`` is in this one too."""
        return other is not None and any(layer is self for layer in other.layers())

    def cuts_off(self, other: Domain | None, scope: int) -> bool:
        """Tell whether a LANDLOCK_SCOPE_* keeps this one from reaching into ``other``."""
        inmost = next((layer for layer in self.layers() if layer.scopes & scope), None)
        return inmost is not None and not inmost.contains(other)

    def missing(self, place: Location) -> list[int]:
        """Return the rights at ``place`` that each layer denies."""
        masks = [layer.handled for layer in self.layers()]
        if place.mount.fs.is_hidden:
            return [0] * len(masks)
        for node in _upwards(place):
            masks = [mask & ~own for mask, own in zip(masks, self._at(node), strict=True)]
            if not any(masks):
                break
        return masks

    def _at(self, node: NodeOps) -> list[int]:
        return [layer.nodes.get(node, 0) for layer in self.layers()]

    def require(self, place: Location, access: int) -> None:
        """Raise ``EACCES`` unless every layer permits ``access`` at ``place``."""
        if any(mask & access for mask in self.missing(place)):
            raise EACCES

    # -- what is about to be done

    def check_open(self, place: Location, flags: int) -> None:
        """open(2) of what is there."""
        if place.node.kind == DIRECTORY:
            access = LANDLOCK_ACCESS_FS_READ_DIR
        else:
            access = _OPEN.get(flags & O_ACCMODE, 0)
            if flags & O_TRUNC:
                access |= LANDLOCK_ACCESS_FS_TRUNCATE
        self.require(place, access)

    def check_create(self, directory: Location, kind: int) -> None:
        """mkdir(2), mknod(2) and the like: a node of type ``kind`` (S_IF*)."""
        self.require(directory, MAKE[kind])

    def check_remove(self, directory: Location, node: NodeOps) -> None:
        """unlink(2), rmdir(2)."""
        self.require(directory, _remove(node))

    def check_refer(
        self,
        old: DirEntry,
        source: Location,
        target: Location,
        new: DirEntry | None = None,
        *,
        exchange: bool = False,
        moves: bool = True,
    ) -> None:
        """link(2), and rename(2) if it ``moves``: raise ``EACCES``, ``EXDEV``.

        ``new`` has what is at the new name, if anything is.
        """
        node, replaced = old.node, None if new is None else new.node
        assert node is not None
        leaves, enters = 0, MAKE[node.mode & S_IFMT]
        if exchange and replaced is not None:
            leaves |= MAKE[replaced.mode & S_IFMT]
        if moves:
            leaves |= _remove(node)
            enters |= 0 if replaced is None else _remove(replaced)
        if source.entry is target.entry:
            self.require(target, leaves | enters)
            return
        here, there = self.missing(source), self.missing(target)
        # Nothing may be permitted elsewhere that is not permitted where it was.
        kept = self._no_more(here, node, there)
        if exchange and replaced is not None:
            kept = kept and self._no_more(there, replaced, here)
        if any(mask & leaves for mask in here) or any(mask & enters for mask in there):
            raise EACCES
        if not kept or any(mask & LANDLOCK_ACCESS_FS_REFER for mask in (*here, *there)):
            raise EXDEV

    def _no_more(self, here: list[int], node: NodeOps, there: list[int]) -> bool:
        scope = -1 if node.kind == DIRECTORY else ACCESS_FILE
        return not any(
            mask & ~own & scope & ~after
            for mask, own, after in zip(here, self._at(node), there, strict=True)
        )

    def check_control(self, place: Location, request: int) -> None:
        """ioctl(2) on what was opened at ``place``: rights go with the descriptor."""
        if place.node.mode & S_IFMT in (S_IFCHR, S_IFBLK) and request not in _HARMLESS:
            self.require(place, LANDLOCK_ACCESS_FS_IOCTL_DEV)

    def check_topology(self) -> None:
        """mount(2), umount(2) and the like: ``EPERM`` where a layer handles files."""
        if self.handles_files:
            raise EPERM


def _remove(node: NodeOps) -> int:
    if node.kind == DIRECTORY:
        return LANDLOCK_ACCESS_FS_REMOVE_DIR
    return LANDLOCK_ACCESS_FS_REMOVE_FILE


def _upwards(place: Location) -> Iterator[NodeOps]:
    """Yield the node and the directories above it, without those that mounts hide."""
    mount = place.mount
    entry: DirEntry | None = place.entry
    while entry is not None:
        if entry.node is not None:
            yield entry.node
        at = entry
        while at is mount.root:
            parent, below = mount.parent, mount.at
            if parent is None or below is None:
                return
            mount, at = parent, below
        entry = at.parent
