"""Where the course is: in the wheel inside the package, in a checkout beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent
COURSE: Final = "STARRYLAB_COURSE"  #: environment variable: another folder of labs


def course_folder() -> Path:
    """Return the folder that holds ``NN-name/``."""
    other = os.environ.get(COURSE)
    if other:
        return Path(other)
    shipped = _PACKAGE / "_data" / "labs"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "labs"
