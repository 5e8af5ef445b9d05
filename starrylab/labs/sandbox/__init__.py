"""Confine the process that runs a student's code: what it may use, read, write and start."""

from __future__ import annotations

import math
import os
import resource
import site
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import audit, capabilities, landlock, seccomp
from .places import Places

_OUTPUT: Final = 16 << 20  #: bytes of the largest file
_FILES: Final = 64  #: open at a time
_TASKS: Final = 64  #: threads; a user of its own makes the number count
#: what Python and the C library read on the side
_ALWAYS: Final = (
    "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache",
    "/etc/localtime", "/dev/urandom", "/dev/null", "/dev/zero",
)  # fmt: skip
_PACKAGE: Final = Path(__file__).resolve().parent.parent.parent
_DATA: Final = _PACKAGE / "_data"  #: the course is in there


@dataclass(frozen=True, slots=True)
class Policy:
    """What the confined process may use."""

    folder: Path  #: its own; it can write to no file at all
    memory: int  #: bytes of address space
    cpu_seconds: float
    uid: int | None  #: a user that nobody else is; None: stay who we are


def confine(policy: Policy) -> None:
    """Give up everything else, for good."""
    allowed = places(policy.folder)
    os.chdir(policy.folder)
    _limit(policy)
    landlock.restrict(allowed)
    if policy.uid is not None:
        os.setgroups([])
        os.setresgid(policy.uid, policy.uid, policy.uid)
        os.setresuid(policy.uid, policy.uid, policy.uid)
    capabilities.drop()
    seccomp.restrict()
    audit.restrict(allowed)


def places(folder: Path) -> Places:
    """Return what code in a lab may use: Python, its packages, StarryLab without the course."""
    packages = [Path(path).resolve() for path in site.getsitepackages()]
    read = {folder, *map(Path, _ALWAYS)}
    read |= {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    # Not a folder as a whole where the course lies in it.
    for parent in (*packages, _PACKAGE):
        if parent.is_dir():
            read |= {path for path in parent.iterdir() if path not in (_PACKAGE, _DATA)}
    listed = (*packages, _PACKAGE, _PACKAGE.parent)
    return Places(tuple(read), listed, (Path("/dev/null"),))


def user_of_its_own(number: int) -> int | None:
    """Return a user id that nobody has, where we may become it and still read Python."""
    if os.geteuid() != 0 or not _readable_by_others():
        return None
    return 0x1000_0000 + number


def _limit(policy: Policy) -> None:
    seconds = math.ceil(policy.cpu_seconds)
    for kind, value in (
        (resource.RLIMIT_AS, policy.memory),
        (resource.RLIMIT_FSIZE, _OUTPUT),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU, then SIGKILL
    if policy.uid is not None:
        resource.setrlimit(resource.RLIMIT_NPROC, (_TASKS, _TASKS))


def _readable_by_others() -> bool:
    for path in (Path(sysconfig.get_path("stdlib")).resolve(), _PACKAGE):
        for place in (path, *path.parents):
            if not place.stat().st_mode & 0o001:
                return False
    return True
