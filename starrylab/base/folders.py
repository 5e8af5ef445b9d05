"""Where on this host StarryLab keeps what can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder that keeps what was built, below the user's cache folder."""
    override = os.environ.get("STARRYLAB_CACHE")
    if override:
        return Path(override)
    from platformdirs import user_cache_path

    return user_cache_path("starrylab")
