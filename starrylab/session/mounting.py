"""Put a lab's files in place: its root, and what it shows of the host."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from .. import rootfs
from ..abi.arch import ARCHES
from ..abi.errno import LinuxError
from ..kernel import boot
from ..kernel.fs.hostfs import HostFs
from ..kernel.fs.hostfs_access import HostFolder
from ..kernel.fs.overlay import OverlayFs
from ..kernel.fs.tmpfs import Tmpfs
from ..rootfs import RootfsError, Tree
from ..rootfs.source import named
from .keeping import Keeper

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..kernel.kernel import Kernel
    from ..kernel.vfs.node import FilesystemOps
    from .config import Bind, LabConfig


Root = rootfs.HostFolder | Tree | Keeper  #: where a lab's root comes from


class MountError(Exception):
    """A file system cannot be mounted: one line for the user."""


def open_root(config: LabConfig, progress: Callable[[str], None] | None) -> Root:
    """Return the root that is asked for; raise RootfsError, userland.BuildError."""
    if not config.keep:
        return rootfs.open_rootfs(config.rootfs, config.arch, progress=progress)
    if config.rootfs is None or not named(config.rootfs):
        raise RootfsError(
            "--keep keeps the changes of a root with a name: starrylab rootfs create NAME --from "
            f"{config.rootfs or 'SOURCE'}, then --rootfs NAME --keep"
        )
    return Keeper(config.rootfs)


def mount_all(kernel: Kernel, config: LabConfig, root: Root) -> None:
    """Mount a lab's root and what it shows of the host; raise `MountError`."""
    try:
        boot.mount_root(kernel, _root_filesystem(kernel, root))
    except LinuxError as error:
        raise MountError(f"the root file system is not usable: {error}") from None
    for bind in config.binds:
        try:
            mount_bind(kernel, bind)
        except LinuxError as error:
            at = os.fsdecode(bind.guest)
            raise MountError(f"--bind {bind.host}:{at}: {error}") from None


def _root_filesystem(kernel: Kernel, root: Root) -> FilesystemOps:
    now, pool = kernel.clock.realtime, kernel.pool
    if isinstance(root, Keeper):
        return root.mount(now, pool)
    if isinstance(root, Tree):
        fs = Tmpfs(now, pool)
        fs.populate(root)
        return fs
    return OverlayFs(now, pool, HostFolder(root.path))


def mount_bind(kernel: Kernel, bind: Bind) -> None:
    """Mount a host folder; for a file, the one file of its folder."""
    now, pool = kernel.clock.realtime, kernel.pool
    is_file = not os.path.isdir(bind.host)
    parent, name = os.path.split(bind.host)
    folder = HostFolder(parent if is_file else bind.host)
    if bind.mode == "cow":
        fs: FilesystemOps = OverlayFs(now, pool, folder)
    else:
        fs = HostFs(now, pool, folder, read_only=bind.mode == "ro")
    source = os.fsencode(bind.host)
    boot.mount_at(kernel, bind.guest, fs, source, os.fsencode(name) if is_file else b"")


def only_on_host(config: LabConfig) -> str:
    """Return how the guest gets a program that it lacks and the host has; "" if neither has it."""
    name = config.argv[0] if config.argv else b""
    if b"/" not in name or not os.path.isfile(name):
        return ""
    try:
        with open(name, "rb") as file:
            head = file.read(20)
    except OSError:
        return ""
    machine = int.from_bytes(head[18:], "little")
    if head[:4] != b"\x7fELF" or machine != ARCHES[config.arch].elf_machine:
        return ""
    folder, file_name = os.path.split(os.path.abspath(os.fsdecode(name)))
    bind, program = shlex.quote(f"{folder}:/mnt"), shlex.quote(f"/mnt/{file_name}")
    return f"; the host has it: --bind {bind} -- {program}"
