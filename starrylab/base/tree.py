"""A name in a tree of files, as makers of file systems want it; `rootfs` has the class."""

from __future__ import annotations

from typing import Protocol


class TreeName(Protocol):
    """A file, folder, link or device, but for what a file contains."""

    @property
    def path(self) -> str:
        """Relative to the root, with surrogate escapes for what is not UTF-8."""
        ...

    @property
    def mode(self) -> int:
        """``st_mode``, with the type."""
        ...

    @property
    def uid(self) -> int:
        """The owner."""
        ...

    @property
    def gid(self) -> int:
        """The group."""
        ...

    @property
    def mtime_ns(self) -> int:
        """When it was changed; 0: now."""
        ...

    @property
    def target(self) -> str:
        """Where a symbolic link leads."""
        ...

    @property
    def hardlink(self) -> str:
        """Not empty: this is another name of the entry with that path."""
        ...

    @property
    def major(self) -> int:
        """A device's first number."""
        ...

    @property
    def minor(self) -> int:
        """A device's second number."""
        ...
