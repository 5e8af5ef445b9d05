"""The call frame information of one image, with what was computed from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ..symbols.image import ImageError
from .cfi import FrameSection
from .cursor import CfiError
from .rows import Row, row_at

_CACHED: Final = 8192  #: rows kept for one image


class Sections(Protocol):
    """The part of `debug.symbols.image.ElfImage` that is needed here."""

    def section(self, name: str) -> memoryview | None:
        """Return a section's content."""
        ...

    def section_address(self, name: str) -> int:
        """Return a section's address in the file."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """The rules at an address, and what their entry says besides."""

    row: Row
    into: int  #: bytes from the function's start to the address
    return_register: int
    signal_frame: bool


class FrameTables:
    """.eh_frame and .debug_frame of an image, then .debug_frame of its separate debug file."""

    def __init__(self, image: Sections, find_debug: Callable[[], Sections] | None = None) -> None:
        self._sections = _sections(image)
        self._image = image
        self._find_debug = find_debug
        self._rows: dict[int, Found | None] = {}

    def find(self, addr: int) -> Found | None:
        """Return the rules at ``addr``, an address of the file; raise `CfiError`."""
        rows = self._rows
        if addr in rows:
            return rows[addr]
        found = self._find(addr)
        if len(rows) >= _CACHED:
            rows.clear()
        rows[addr] = found
        return found

    def _find(self, addr: int) -> Found | None:
        found = self._search(addr, self._sections)
        if found is None and self._find_debug is not None:
            debug, self._find_debug = self._find_debug(), None
            added = _debug_frame(debug) if debug is not self._image else []
            self._sections += added
            found = self._search(addr, added)
        return found

    def _search(self, addr: int, sections: Sequence[FrameSection]) -> Found | None:
        problem: CfiError | None = None
        for section in sections:
            try:
                fde = section.find(addr)
                if fde is not None:
                    cie = fde.cie
                    row = row_at(fde, addr)
                    return Found(row, addr - fde.start, cie.return_register, cie.signal_frame)
            except CfiError as error:
                problem = error
        if problem is not None:
            raise problem
        return None


def _sections(image: Sections) -> list[FrameSection]:
    found: list[FrameSection] = []
    text = _address(image, ".text")
    frames = _content(image, ".eh_frame")
    if frames is not None and len(frames):
        header = _content(image, ".eh_frame_hdr")
        found.append(
            FrameSection(
                frames,
                _address(image, ".eh_frame"),
                eh=True,
                header=header,
                header_address=_address(image, ".eh_frame_hdr"),
                text_address=text,
            )
        )
    return found + _debug_frame(image)


def _debug_frame(image: Sections) -> list[FrameSection]:
    frames = _content(image, ".debug_frame")
    return [FrameSection(frames, 0, eh=False)] if frames is not None and len(frames) else []


def _content(image: Sections, name: str) -> memoryview | None:
    """Return a section; a broken one is as good as none."""
    try:
        return image.section(name)
    except ImageError:
        return None


def _address(image: Sections, name: str) -> int:
    return image.section_address(name) if _content(image, name) is not None else 0
