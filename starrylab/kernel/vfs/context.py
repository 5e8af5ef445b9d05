"""``FsContext``: root, working directory, umask, and the resolution of paths.

Design document 7.1.4, path_resolution(7), openat2(2).  The walk is one loop with one dict
lookup a component; what is rare (a name not cached, "..", a link, a mount) leaves the loop's
straight line.  The order of the checks is Linux's: directory, search permission, name.
"""

from __future__ import annotations

from typing import Any, Final, cast

from ...abi.errno import EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV
from ...abi.fcntl import (
    MS_NOSYMFOLLOW,
    PATH_MAX,
    RESOLVE_BENEATH,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)
from .dentry import DirEntry
from .mount import Location, Mountpoint
from .node import DIRECTORY, SYMLINK, Credentials, SymlinkNodeOps
from .permission import MAY_EXEC, allowed
from .protections import Protections

NOFOLLOW: Final = 1 << 8  #: a symbolic link at the end is the answer
EMPTY_PATH: Final = 1 << 9  #: b"" is the starting point itself (AT_EMPTY_PATH)
#: The low bits are openat2's RESOLVE_*.
RESOLVE_MASK: Final = 0x3F
MAX_LINKS: Final = 40


class FsContext:
    """What CLONE_FS shares: root directory, working directory, file creation mask."""

    __slots__ = ("cwd", "protections", "root", "umask")

    def __init__(
        self,
        root: Location,
        cwd: Location | None = None,
        umask: int = 0o022,
        protections: Protections | None = None,
    ) -> None:
        self.root = root
        self.cwd = cwd or root
        self.umask = umask
        self.protections = protections or Protections()  #: for the whole system
        self.root.mount.users += 1
        self.cwd.mount.users += 1

    def copy(self) -> FsContext:
        """Return an independent context that starts out the same."""
        return FsContext(self.root, self.cwd, self.umask, self.protections)

    def close(self) -> None:
        """Let go of both directories, so that their mounts are not busy."""
        self.root.mount.users -= 1
        self.cwd.mount.users -= 1

    def set_cwd(self, place: Location) -> None:
        """Change the working directory (the caller has checked it)."""
        place.mount.users += 1
        self.cwd.mount.users -= 1
        self.cwd = place

    def set_root(self, place: Location) -> None:
        """Change the root directory (the caller has checked it)."""
        place.mount.users += 1
        self.root.mount.users -= 1
        self.root = place

    def walk(
        self, path: bytes, cred: Credentials, start: Location | None = None, flags: int = 0
    ) -> Location:
        """Return the place that ``path`` names, seen from ``start`` (default: `cwd`).

        ``flags``: NOFOLLOW, EMPTY_PATH, RESOLVE_*.  Raises ``ENOENT``, ``ENOTDIR``,
        ``EACCES``, ``ELOOP``, ``ENAMETOOLONG``, ``EXDEV``.
        """
        if flags & RESOLVE_MASK:
            return _Scoped(self, cred, start, flags).walk(path)
        # Longer than functions are here: every component of every path passes this loop, and
        # a call costs as much as the step itself.
        root = self.root
        if path[:1] == b"/":
            start = root
        elif not path:
            if flags & EMPTY_PATH:
                return start or self.cwd
            raise ENOENT
        elif start is None:
            start = self.cwd
        if len(path) >= PATH_MAX:
            raise ENAMETOOLONG
        mount = start.mount
        entry = start.entry
        node: Any = entry.node  # the places that a path can start at exist
        names = iter(path.split(b"/"))
        links = 0
        trailing = path[-1] == 47  # a "/" at the end asks for a directory
        while True:
            for name in names:
                if not name:
                    continue
                if node.kind != DIRECTORY:
                    raise ENOTDIR
                if (node.mode & 0o111 != 0o111 or node.data) and not allowed(node, cred, MAY_EXEC):
                    raise EACCES
                child = entry.fast.get(name)
                if child is None:
                    if name == b".":
                        continue
                    if name == b"..":
                        mount, entry = _parent(mount, entry, root)
                        node = entry.node
                        continue
                    child = entry.lookup(name)
                node = child.node
                if node is None:
                    raise ENOENT
                if child.mounts is not None:
                    mount, child = _cross(mount, child)
                    node = child.node
                elif node.kind == SYMLINK:
                    rest = [n for n in names if n]
                    if not rest and flags & NOFOLLOW and not trailing:
                        return Location(mount, child)
                    links += 1
                    if mount.flags & MS_NOSYMFOLLOW:
                        raise ELOOP
                    if not rest and self.protections.symlinks:
                        self.protections.check_follow(entry.directory, node, cred)
                    target = _target(node, cred, links)
                    if isinstance(target, Location):
                        mount, entry = target.mount, target.entry
                    else:
                        if not rest and target[-1] == 47:
                            trailing = True
                        rest = target.split(b"/") + rest
                        if target[0] == 47:
                            mount, entry = root.mount, root.entry
                    names = iter(rest)
                    node = entry.node
                    break
                entry = child
            else:
                break
        if trailing and node.kind != DIRECTORY:
            raise ENOTDIR
        return Location(mount, entry)

    def walk_parent(
        self, path: bytes, cred: Credentials, start: Location | None = None, flags: int = 0
    ) -> tuple[Location, bytes, bool]:
        """Return the directory of ``path``, its last component, and whether "/" follows it.

        The component is b"" for the root itself, and may be "." or "..".  The directory is
        checked for search permission.
        """
        if not path:
            raise ENOENT
        if len(path) >= PATH_MAX:
            raise ENAMETOOLONG
        bare = path.rstrip(b"/")
        slash = bare.rfind(b"/") + 1
        name = bare[slash:]
        prefix = bare[:slash] if bare else b"/"
        if prefix:
            place = self.walk(prefix, cred, start, flags & ~(NOFOLLOW | EMPTY_PATH))
        else:
            place = start or self.cwd
        node = place.node
        if node.kind != DIRECTORY:
            raise ENOTDIR
        if (node.mode & 0o111 != 0o111 or node.data) and not allowed(node, cred, MAY_EXEC):
            raise EACCES
        return place, name, len(bare) != len(path)

    def follow_link(
        self, parent: Location, link: SymlinkNodeOps, cred: Credentials, links: int
    ) -> bytes | Location:
        """Return where the ``links``-th symbolic link met on a path leads.

        A text is to be resolved from ``parent``.
        """
        if parent.mount.flags & MS_NOSYMFOLLOW:
            raise ELOOP
        self.protections.check_follow(parent.node, link, cred)
        return _target(link, cred, links)

    def resolve(
        self,
        path: bytes,
        cred: Credentials,
        *,
        follow: bool = True,
        start: Location | None = None,
    ) -> Location:
        """Return the place that ``path`` names; see `walk`."""
        return self.walk(path, cred, start, 0 if follow else NOFOLLOW)


def _target(link: SymlinkNodeOps, cred: Credentials, links: int) -> bytes | Location:
    if links > MAX_LINKS:
        raise ELOOP
    place = link.follow(cred)
    if place is not None:
        return place
    text = link.readlink()
    if not text:
        raise ENOENT
    return text


def _cross(mount: Mountpoint, entry: DirEntry) -> tuple[Mountpoint, DirEntry]:
    """Return what is mounted last on ``entry``."""
    while entry.mounts is not None and (above := entry.mounts.get(mount)) is not None:
        mount, entry = above, above.root
        mount.expiring = False
    return mount, entry


def _parent(mount: Mountpoint, entry: DirEntry, root: Location) -> tuple[Mountpoint, DirEntry]:
    """Return "..", which stops at ``root`` and goes through the roots of mounts."""
    while True:
        if entry is root.entry and mount is root.mount:
            return mount, entry
        if entry is not mount.root:
            break
        parent, at = mount.parent, mount.at
        if parent is None or at is None:
            return mount, entry
        mount, entry = parent, at
    return _cross(mount, entry.parent or entry)


class _Scoped:
    """The walk with openat2's RESOLVE_* restrictions: the same steps, each one checked."""

    def __init__(
        self, fs: FsContext, cred: Credentials, start: Location | None, flags: int
    ) -> None:
        self.cred = cred
        self.flags = flags
        self.start = start or fs.cwd
        self.beneath = bool(flags & RESOLVE_BENEATH)
        self.root = fs.root
        self.protections = fs.protections
        if flags & (RESOLVE_IN_ROOT | RESOLVE_BENEATH):
            self.root = self.start

    def _absolute(self) -> Location:
        if self.beneath:
            raise EXDEV
        if self.flags & RESOLVE_NO_XDEV and self.root.mount is not self.start.mount:
            raise EXDEV
        return self.root

    def walk(self, path: bytes) -> Location:
        """See `FsContext.walk`."""
        if not path:
            if self.flags & EMPTY_PATH:
                return self.start
            raise ENOENT
        if len(path) >= PATH_MAX:
            raise ENAMETOOLONG
        here = self._absolute() if path[0] == 47 else self.start
        names = [n for n in path.split(b"/") if n]
        trailing = path[-1] == 47
        links = 0
        while names:
            name = names.pop(0)
            after = self._step(here, name)
            node = after.node
            if node.kind == SYMLINK:
                if not names and self.flags & NOFOLLOW and not trailing:
                    return after
                links += 1
                if after.mount.flags & MS_NOSYMFOLLOW:
                    raise ELOOP
                if not names:
                    self.protections.check_follow(here.node, node, self.cred)
                target = self._link(cast("SymlinkNodeOps", node), links)
                if isinstance(target, Location):
                    after = target
                else:
                    trailing = trailing or (not names and target[-1] == 47)
                    names = [n for n in target.split(b"/") if n] + names
                    after = self._absolute() if target[0] == 47 else here
            here = after
        if trailing and here.node.kind != DIRECTORY:
            raise ENOTDIR
        return here

    def _step(self, here: Location, name: bytes) -> Location:
        node = here.node
        if node.kind != DIRECTORY:
            raise ENOTDIR
        if not allowed(node, self.cred, MAY_EXEC):
            raise EACCES
        if name == b".":
            return here
        if name == b"..":
            if self.beneath and here.same(self.root):
                raise EXDEV
            after = Location(*_parent(here.mount, here.entry, self.root))
        else:
            after = here.lookup(name)
        if self.flags & RESOLVE_NO_XDEV and after.mount is not here.mount:
            raise EXDEV
        return after

    def _link(self, link: SymlinkNodeOps, links: int) -> bytes | Location:
        if self.flags & RESOLVE_NO_SYMLINKS:
            raise ELOOP
        target = _target(link, self.cred, links)
        if isinstance(target, Location):
            if self.flags & RESOLVE_NO_MAGICLINKS:
                raise ELOOP
            if self.flags & (RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_NO_XDEV):
                raise EXDEV
        return target
