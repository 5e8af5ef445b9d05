"""Where the course is: in the wheel beside the package, in a checkout beside its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def course_folder() -> Path:
    """Return the folder that holds ``NN-name/``."""
    shipped = _PACKAGE / "_data" / "labs"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "labs"


def design_document() -> Path | None:
    """Return the table of sections of the design document, where it was shipped."""
    path = course_folder() / "sections.toml"
    return path if path.is_file() else None
