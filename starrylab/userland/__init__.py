"""The built-in programs: short C sources, and the builder that compiles them on first use."""

from __future__ import annotations

from ..base.folders import cache_folder
from .build import (
    SOURCE_PREFIX,
    SOURCES,
    BuildError,
    Progress,
    compile_c,
    programs,
)
from .compiler import compiler_cache, compiler_environment, compiler_version

__all__ = [
    "SOURCES",
    "SOURCE_PREFIX",
    "BuildError",
    "Progress",
    "applets",
    "cache_folder",
    "compile_c",
    "compiler_cache",
    "compiler_environment",
    "compiler_version",
    "programs",
]


def applets() -> tuple[str, ...]:
    """Return the names of the built-in programs, as `applets.h` lists them."""
    lines = (SOURCES / "applets.h").read_text().splitlines()
    return tuple(line[2 : line.index(")")] for line in lines if line.startswith("X("))
