"""The tree that these tests run in: Debian trixie, made once by `starrylab rootfs create`.

It lies in the cache, in a folder named after its packages. A folder, since a lab and qemu-user's
chroot can both start from one at once; neither changes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from starrylab.userland import cache_folder

SUITE: Final = "trixie"
PACKAGES: Final = (
    *("bash", "gcc", "libc6-dev", "make", "nano", "vim", "less", "perl", "git", "tar", "xz-utils"),
    *("python3", "python3-venv", "zip", "unzip", "sqlite3", "strace", "gdb", "tmux", "cron"),
    "systemd-standalone-sysusers",  # for cron, which would take all of systemd
    *("procps", "psmisc", "htop", "lsof", "file", "time"),
)

_TIMEOUT_S: Final = 1800  #: for a download and some minutes of dpkg on a slow host


class Unavailable(Exception):
    """The tree cannot be made here; the message says why."""


def tree() -> Path:
    """Return the tree's folder; make it if this is the first time. Raises Unavailable."""
    key = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:8]
    base = cache_folder() / "debian"
    base.mkdir(parents=True, exist_ok=True)
    target = base / f"programs-{SUITE}-{key}"
    with (base / ".programs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # pytest's workers come at the same time
        if not target.is_dir():
            for old in base.glob(f"programs-{SUITE}-*"):
                shutil.rmtree(old)
            _make(target)
    return target


def _make(target: Path) -> None:
    scratch = target.with_name(f".{target.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    unpacked = scratch / "tree"
    unpacked.mkdir(parents=True)
    try:
        _run([sys.executable, "-m", "starrylab", "rootfs", "create", "programs",
              "--debian", SUITE, "--include", ",".join(PACKAGES)], scratch)  # fmt: skip
        archive = scratch / "starrylab" / "rootfs" / "programs.tar"
        # Devices need rights that the caller may not have, and a lab brings its own.
        _run(["tar", "-C", str(unpacked), "-xf", str(archive), "--exclude=./dev/*"], scratch)
        unpacked.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run(command: list[str], data: Path) -> None:
    """Run ``command`` with the user's named roots in the folder ``data``."""
    environment = {**os.environ, "XDG_DATA_HOME": str(data)}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} needed more than {_TIMEOUT_S} s") from None
    if done.returncode != 0:
        reason = " ".join(done.stderr.split())[-300:]
        raise Unavailable(f"Debian's packages cannot be had: {reason}")
