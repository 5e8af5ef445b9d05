"""What to run: the description of a lab that a front end hands to the lab process."""

from __future__ import annotations

from typing import Final

import msgspec

DEFAULT_MEMORY: Final = 256 << 20  #: bytes


class Bind(msgspec.Struct, frozen=True):
    """One ``--bind HOST:GUEST[:rw]``."""

    host: str
    guest: str
    writable: bool = False


class LabConfig(msgspec.Struct, frozen=True):
    """One machine, its root file system and its first program."""

    arch: str = "riscv64"
    rootfs: str | None = None  #: a folder or an archive; None: the built-in tree
    binds: tuple[Bind, ...] = ()
    argv: tuple[str, ...] = ()  #: () means the root's own init
    env: dict[str, str] = {}
    cwd: str = "/"
    user: str = "root"
    memory: int = DEFAULT_MEMORY  #: bytes
    rows: int = 24
    columns: int = 80
    strace: str | None = None  #: filter; "" traces every call; None: off
    stats: bool = False  #: count system calls by name
    interval: float = 0.25  #: seconds between snapshots; 0: none

    @property
    def title(self) -> str:
        """What a front end calls this lab."""
        program = " ".join(self.argv) if self.argv else "init"
        return f"{self.arch} {program}"
