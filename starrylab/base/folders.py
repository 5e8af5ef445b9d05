"""Where on this host StarryLab keeps what can be made again."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def cache_folder() -> Path:
    """Return the folder that keeps what was built, below the user's cache folder."""
    from pathlib import Path

    return Path(cache_path())


def cache_path() -> str:
    """Return `cache_folder` without what a path object takes to load.

    On Linux the folder is that of the XDG Base Directory Specification, as platformdirs finds it.
    """
    override = os.environ.get("STARRYLAB_CACHE")
    if override:
        return override
    if sys.platform != "linux":
        from platformdirs import user_cache_dir

        return user_cache_dir("starrylab")
    base = os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache")
    return os.path.join(base, "starrylab")
