"""Whole machines under QEMU, as boards: commands that start QEMU's `virt`."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess

from starrylab.base.folders import cache_folder

from . import debian

_OLDEST_LOONGARCH = 9  #: QEMU 7.2 maps 16 KiB at a time for loongarch64


class Unavailable(Exception):
    """There is no such QEMU here; the message says what is missing."""


def riscv64() -> list[str]:
    """Return the command of a riscv64 machine with 256 MiB; raises Unavailable."""
    if shutil.which("qemu-system-riscv64") is None:
        raise Unavailable("qemu-system-riscv64 is missing; install qemu-system-misc")
    return ["qemu-system-riscv64", "-M", "virt", "-m", "256M"]


@functools.cache
def loongarch64() -> tuple[str, ...]:
    """Return the command of a loongarch64 machine with 512 MiB.

    Debian's bookworm is too old: then QEMU of trixie, unpacked in a folder of its own, with its
    own C library. Raises Unavailable.
    """
    machine = ("-M", "virt", "-m", "512M", "-nic", "none")
    installed = shutil.which("qemu-system-loongarch64")
    if installed is not None and _version(installed) >= _OLDEST_LOONGARCH:
        return (installed, *machine)
    try:
        root = debian.tree("qemu-system", ("qemu-system-misc",), arch="amd64", suite="trixie")
    except debian.Unavailable as error:
        raise Unavailable(f"no QEMU for loongarch64: {error}") from error
    command = debian.host_command(root, "qemu-system-loongarch64")
    shared = ("-L", str(root / "usr/share/qemu"), "-L", str(root / "usr/share/seabios"))
    # Modules of another QEMU, that of this host, would be tried in vain.
    empty = cache_folder() / "no-modules"
    empty.mkdir(parents=True, exist_ok=True)
    return ("env", f"QEMU_MODULE_DIR={empty}", *command, *shared, *machine)


def _version(program: str) -> int:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+)", told.stdout)
    return int(found[1]) if found else 0
