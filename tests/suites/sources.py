"""The unpacked sources of Debian packages, for the test suites that are in them.

apt fetches them (apt-get(8), "source") into a folder of its own, and checks their hashes against
the signed index; the host's own apt is not touched.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from starrylab.userland import cache_folder
from tests.oracle.debian import KEYRING, Unavailable, mirror

SUITE: Final = "trixie"
_LIMIT_S: Final = 600


def source(package: str) -> Path:
    """Return the folder of a package's upstream source, fetched once and kept.

    Raises `Unavailable`.
    """
    base = cache_folder() / "debian" / f"sources-{SUITE}"
    base.mkdir(parents=True, exist_ok=True)
    target = base / package
    with (base / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _unpack(_fetch(base, package), target)
    return target


def packaging(package: str) -> Path:
    """Return the folder ``debian`` of a package's source; see `source`."""
    upstream = source(package)
    target = upstream.with_name(f"{package}-debian")
    with (upstream.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            found = list((upstream.parent / "files").glob(f"{package}_*.debian.tar.*"))
            if not found:
                raise Unavailable(f"the packaging of {package} cannot be had")
            _unpack(found[0], target)
    return target


def _fetch(base: Path, package: str) -> Path:
    """Return the path of the upstream TAR file."""
    if shutil.which("apt-get") is None:
        raise Unavailable("apt-get is missing: Debian's sources need a Debian-like host")
    files = base / "files"
    for folder in ("files", "lists/partial", "cache", "state"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "state" / "status").write_text("")
    line = f"deb-src [signed-by={KEYRING}] {mirror()} {SUITE} main\n"
    (base / "sources.list").write_text(line)
    settings = {
        "Dir::Etc::SourceList": base / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": base / "state",
        "Dir::State::Lists": base / "lists",
        "Dir::State::Status": base / "state" / "status",
        "Dir::Cache": base / "cache",
        "APT::Sandbox::User": "",
    }
    (base / "apt.conf").write_text(
        "".join(f'{key} "{value}";\n' for key, value in settings.items())
    )
    if not list((base / "lists").glob("*Sources*")):
        _apt(base, "update")
    errors = _apt(base, "source", "--download-only", "--only-source", package)
    # apt gives a file its name once its hash is right: one that is here can be trusted, even if
    # another file of the package could not be had.
    found = [path for path in files.glob(f"{package}_*.orig.tar.*") if path.suffix != ".asc"]
    if not found:
        raise Unavailable(f"the source of {package} cannot be had: {errors[-200:]}")
    return found[0]


def _apt(base: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["apt-get", "-q", *arguments], cwd=base / "files", capture_output=True, text=True,
        timeout=_LIMIT_S, check=False, env={**os.environ, "APT_CONFIG": str(base / "apt.conf")},
    )  # fmt: skip
    return " ".join(done.stderr.split())


def _unpack(archive: Path, target: Path) -> None:
    """Unpack without the folder that everything in the archive is in."""
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="tar")
    (top,) = scratch.iterdir()
    top.rename(target)
    scratch.rmdir()
