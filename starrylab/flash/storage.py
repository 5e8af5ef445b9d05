"""Writing an image to a medium of the board, by the boot loader's own commands.

The image goes piece by piece: to memory, verified; to the medium; from there to another place in
memory, and its checksum once more. A piece of zeros is made on the board.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Final

from ..boards import Board, Range, Storage
from ..boards.board import BootLoader
from ..link.loader import Loader
from .errors import FlashError
from .events import Event, Said
from .job import ImageKind, kind_of
from .transfer import Transfer

PIECE: Final = 256 << 10  #: bytes; a multiple of what every medium erases at once
_SPEED: Final = 1e5  #: bytes a second that the slowest medium writes
_WORD: Final = 4
_COMPLAINT: Final = re.compile(
    r"\berror\b|\bfail|no card|did not respond|not found|\bunknown\b|\bno\b.*\bdevice",
    re.IGNORECASE,
)
_ALIGNED: Final = 64
_MARK: Final = 0x5AFE_C0DE  #: what lies where a piece is read back to, before it is


def medium_for(board: Board, name: str, image: bytes) -> Storage:
    """Return the medium of that name; raise `FlashError` if it cannot take the image."""
    medium = board.storage_named(name)
    if medium is None:
        known = ", ".join(medium.name for medium in board.storage) or "none"
        raise FlashError(f"{board.title} has no medium {name!r} that can be written: {known}")
    if medium.limit and len(image) > medium.limit:
        raise FlashError(f"{len(image)} bytes are too many: {medium.title} takes {medium.limit}")
    if medium.at == 0 and kind_of(image) is not ImageKind.DISK:
        raise FlashError(
            f"{medium.title} wants a whole disk image, with a partition table: "
            f"`starrylab image {board.name} --format sd` makes one"
        )
    return medium


def question(board: Board, medium: Storage, image: bytes) -> str:
    """Return what has to be confirmed."""
    end = medium.at * medium.unit + len(image)
    return (
        f"Write {len(image):,} bytes to the {medium.title} of {board.title}, bytes "
        f"{medium.at * medium.unit:,} to {end - 1:,}? What is there now is lost."
    )


class Writer:
    """Writes one image to one medium."""

    def __init__(
        self, board: Board, dialect: BootLoader, loader: Loader, transfer: Transfer,
        say: Callable[[Event], None],
    ) -> None:  # fmt: skip
        self._dialect = dialect
        self._loader = loader
        self._transfer = transfer
        self._say = say
        self._from = dialect.load_address
        self._back = dialect.load_address + 2 * PIECE
        for start in (self._from, self._back):
            why = board.in_the_way(Range(start=start, size=PIECE))
            if why is not None:
                raise FlashError(f"no room to write from: {why}")

    def write(self, medium: Storage, image: bytes, name: str) -> None:
        """Write all of it and read all of it back; raise `FlashError`, `Deaf`."""
        for command in medium.prepare:
            self._done(medium, command, 30.0)
        pieces = range(0, len(image), PIECE)
        for number, at in enumerate(pieces, 1):
            piece = image[at : at + PIECE]
            piece = piece.ljust(-(-len(piece) // medium.unit) * medium.unit, b"\0")
            self._load(piece, f"{name}, part {number} of {len(pieces)}")
            self._store(medium, medium.at + at // medium.unit, piece)
        self._say(Said(f"{len(image):,} bytes are on the {medium.title}, and were read back"))

    def _load(self, piece: bytes, name: str) -> None:
        """Put a piece into memory; zeros around its data, and there are many, are made there."""
        skipped = len(piece) - len(piece.lstrip(b"\0"))
        skipped -= skipped % _ALIGNED
        used = piece[skipped:].rstrip(b"\0")
        if len(used) < len(piece):
            at = self._dialect.spelled(self._from)
            self._loader.run(f"mw.b {at:#x} 0 {len(piece):#x}", 30.0)
        if used:
            self._transfer.load(self._from + skipped, used, name)
        if len(used) < len(piece) and not self._transfer.verify(self._from, piece):
            raise FlashError("the board's memory does not keep zeros")

    def _store(self, medium: Storage, at: int, piece: bytes) -> None:
        seconds = 30 + len(piece) / _SPEED
        count = len(piece) // medium.unit
        source, back = map(self._dialect.spelled, (self._from, self._back))
        write = medium.write.format(address=source, at=at, count=count)
        self._done(medium, write, seconds)
        self._loader.run(f"mw.l {back:#x} {_MARK:#x} {-(-len(piece) // _WORD):#x}", 30.0)
        said = self._loader.run(medium.read.format(address=back, at=at, count=count), seconds)
        if self._loader.crc32(back, len(piece)) != zlib.crc32(piece):
            raise FlashError(
                f"{medium.title}: what was read back is not what was written: {said.strip()[-120:]}"
            )

    def _done(self, medium: Storage, command: str, seconds: float) -> None:
        """Run a command; raise `FlashError` if what it prints is a complaint."""
        said = self._loader.run(command, seconds)
        if _COMPLAINT.search(said):
            raise FlashError(f"{medium.title}: `{command}` said {' '.join(said.split())[-160:]!r}")
