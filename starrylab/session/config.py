"""What a lab is made of: the part of a session that the user chooses."""

from __future__ import annotations

from typing import Literal

import msgspec


class Bind(msgspec.Struct, frozen=True):
    """A host folder or file shown in the guest."""

    host: str
    guest: bytes
    mode: str = "cow"  #: "cow": changes stay in the guest; "rw": they reach the host; "ro"


class GdbPort(msgspec.Struct, frozen=True):
    """Where gdb may connect: a TCP port of this host's loopback address."""

    port: int  #: 0: any that is free
    wait: bool = True  #: the first program does not start before gdb lets it


class BoardPort(msgspec.Struct, frozen=True):
    """A board whose own CPU runs user code, and where it is connected."""

    name: str  #: see `boards`; "emulated": a board that is not there
    port: str | None = None  #: serial device, or socket://HOST:PORT


class LabConfig(msgspec.Struct, frozen=True):
    """A machine, its root file system, and the program to start."""

    arch: Literal["riscv64", "loongarch64"] = "riscv64"  #: that of the board, if there is one
    rootfs: str | None = None  #: folder or archive; None: the built-in programs
    keep: bool = False  #: what changes in the root is there again the next time
    binds: tuple[Bind, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    argv: tuple[bytes, ...] = ()  #: empty: the root's init, or its shell
    memory: int = 256 << 20  #: bytes of RAM
    hostname: str = "starry"
    cwd: bytes = b"/"
    user: tuple[int, int] = (0, 0)
    gdb: GdbPort | None = None
    board: BoardPort | None = None  #: None: an emulated CPU
    lab: str | None = None  #: a student's folder, whose files replace the kernel's parts
    time: Literal["host", "skip"] = "host"  #: "skip": the clocks jump over waits
    debug: bool = False  #: a debugger holds the first program before it starts
