"""The C compiler of the ``ziglang`` wheel: where it is, and how it is called to be repeatable.

The compiler builds its C library itself and keeps it for every program to come, and the library's
debug information names sources in the wheel.  The wheel is in a Python environment, which may be
gone, or another one, when somebody steps into ``printf``; so the compiler is told a path that
stays: a link in the cache, which each build points at the wheel that it runs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
from pathlib import Path

from ..base.folders import cache_folder


def compiler_folder() -> Path | None:
    """Return the installed wheel's folder, None when there is none."""
    spec = importlib.util.find_spec("ziglang")
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def compiler_version() -> str:
    """Return the version of the installed ziglang wheel, or "" when there is none."""
    package = compiler_folder()
    if package is None:
        return ""
    # importlib.metadata would cost more than the whole look-up in the cache.
    found = sorted(package.parent.glob("ziglang-*.dist-info"))
    return found[0].name.removesuffix(".dist-info") if found else "ziglang"


def compiler_cache() -> Path:
    """Return the folder where the compiler keeps its own things."""
    return cache_folder() / "compiler"


def compiler_environment() -> dict[str, str]:
    """Return the environment in which the compiler runs; raise OSError if it can keep nothing."""
    own = compiler_cache()
    environment = {
        **os.environ,
        "ZIG_GLOBAL_CACHE_DIR": str(own),
        "ZIG_LOCAL_CACHE_DIR": str(own),
    }
    package = compiler_folder()
    if package is not None:
        environment["ZIG_LIB_DIR"] = str(_link(own, package / "lib"))
    return environment


def _link(own: Path, library: Path) -> Path:
    """Return the path that stays, pointed at `library`."""
    link = own / f"lib-{compiler_version()}"
    with contextlib.suppress(OSError):
        if link.readlink() == library:
            return link
    own.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=own) as scratch:
        new = Path(scratch) / link.name
        new.symlink_to(library)
        new.replace(link)  # at once: another build may be reading through it
    return link
