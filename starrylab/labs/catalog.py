"""All labs, in the course's order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from .description import Description, DescriptionError, load
from .folders import course_folder

_FOLDER: Final = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")
#: files of a lab that are not the student's and are never copied to one
_OURS: Final = ("solution", "wrong", "check.py")


class LabError(Exception):
    """A lab cannot be found, read, or worked on: one line for the user."""


@dataclass(frozen=True)
class Lab:
    """One lab: ``labs/NN-name/``."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, as "04-page-allocator"."""
        return self.folder.name

    @property
    def number(self) -> int:
        """Its place in the course."""
        return int(self.name[:2])

    @cached_property
    def description(self) -> Description:
        """What `lab.toml` says; `LabError` where it is wrong."""
        try:
            return load(self.folder / "lab.toml")
        except DescriptionError as error:
            raise LabError(str(error)) from None

    @property
    def skeleton(self) -> Path:
        """What the student starts from."""
        return self.folder / "skeleton"

    @property
    def solution(self) -> Path:
        """The reference solution, which students are not shown."""
        return self.folder / "solution"

    def wrong(self) -> list[Path]:
        """Return the wrong solutions that are kept with the lab."""
        folder = self.folder / "wrong"
        return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.exists() else []

    def text(self, language: str) -> str:
        """Return the lab's text in Markdown; `LabError` where it is missing."""
        path = self.folder / ("README.zh.md" if language == "zh" else "README.md")
        try:
            return path.read_text()
        except OSError as error:
            raise LabError(f"{path}: {error.strerror}") from None


def catalog(folder: Path | None = None) -> list[Lab]:
    """Return all labs of the course in ``folder`` (default: the one that came along)."""
    where = course_folder() if folder is None else folder
    if not where.is_dir():
        raise LabError(f"there is no course in {where}")
    return [Lab(path) for path in sorted(where.iterdir()) if _FOLDER.fullmatch(path.name)]


def find(name: str, folder: Path | None = None) -> Lab:
    """Return the lab called ``name``: its number, its folder's name or an unambiguous part.

    Raises `LabError`.
    """
    labs = catalog(folder)
    if name.isdecimal():
        found = [lab for lab in labs if lab.number == int(name)]
    else:
        found = [lab for lab in labs if lab.name == name] or [
            lab for lab in labs if name in lab.name
        ]
    if len(found) == 1:
        return found[0]
    if found:
        raise LabError(f"{name} may be {' or '.join(lab.name for lab in found)}")
    raise LabError(f"there is no lab {name}; see starrylab lab list")
