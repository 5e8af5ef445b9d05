"""The call frame information of one image, with what was computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

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
    start: int  #: of the function, an address of the file
    return_register: int
    signal_frame: bool


class FrameTables:
    """.eh_frame and .debug_frame of an image, searched in this order."""

    def __init__(self, image: Sections, debug: Sections | None = None) -> None:
        self._sections = _sections(image, debug)
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
        problem: CfiError | None = None
        for section in self._sections:
            try:
                fde = section.find(addr)
                if fde is not None:
                    cie = fde.cie
                    row = row_at(fde, addr)
                    return Found(row, fde.start, cie.return_register, cie.signal_frame)
            except CfiError as error:
                problem = error
        if problem is not None:
            raise problem
        return None


def _sections(image: Sections, debug: Sections | None) -> list[FrameSection]:
    found: list[FrameSection] = []
    text = _address(image, ".text")
    frames = image.section(".eh_frame")
    if frames is not None and len(frames):
        header = image.section(".eh_frame_hdr")
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
    for owner in (image, debug):
        frames = owner.section(".debug_frame") if owner is not None else None
        if frames is not None and len(frames):
            found.append(FrameSection(frames, 0, eh=False))
    return found


def _address(image: Sections, name: str) -> int:
    return image.section_address(name) if image.section(name) is not None else 0
