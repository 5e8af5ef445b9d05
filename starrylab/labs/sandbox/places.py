"""The files that a confined process may use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Files, and folders with all that is in them."""

    readable: tuple[Path, ...]
    listable: tuple[Path, ...]  #: folders whose names may be read, but not what they hold
    writable: tuple[Path, ...]
