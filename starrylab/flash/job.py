"""What shall be brought to a board, and what kind of image it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from ..boards import Range
from ..image.elf import is_elf
from ..image.errors import ImageFormatError
from ..image.riscv import is_riscv, read_header
from .errors import FlashError

if TYPE_CHECKING:
    from ..boards import Board
    from ..boards.board import BootLoader
    from ..link.loader import Taken
    from ..link.port import Port

_UIMAGE: Final = bytes.fromhex("27051956")
_TREE: Final = bytes.fromhex("d00dfeed")


class ImageKind(Enum):
    """What boot loaders tell apart; the values of those that start are keys of `loader.start`."""

    RISCV = "riscv"
    UIMAGE = "uimage"
    FIT = "fit"
    RAW = "raw"
    DISK = "disk"


class Greeter(Protocol):
    """Speaks to a monitor; every call is bounded."""

    def hello(self, port: Port, seconds: float) -> str | None:
        """Return what a running monitor says of itself; None: none answers."""

    def reset(self, port: Port) -> None:
        """Make it restart the board."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the boot ROM of a JH7110 needs to start U-Boot."""

    spl: bytes
    uboot: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """One image for one board."""

    board: Board
    image: bytes
    name: str = "image"
    baud: int | None = None  #: None: the fastest that works
    persist: str | None = None  #: name of a medium
    greets: bool = False  #: the image is a monitor, which answers a hello
    recovery: Recovery | None = None
    patience: float = 60.0  #: seconds to wait for a person at a switch


def kind_of(image: bytes) -> ImageKind:
    """Tell what `image` is; raise `FlashError` for what no boot loader takes."""
    if not image:
        raise FlashError("the image is empty")
    if is_elf(image):
        raise FlashError("that is an ELF file: first `starrylab image BOARD --wrap FILE`")
    if is_riscv(image):
        return ImageKind.RISCV
    if image[512:520] == b"EFI PART" or image[510:512] == b"\x55\xaa":
        return ImageKind.DISK
    starts = {_UIMAGE: ImageKind.UIMAGE, _TREE: ImageKind.FIT}
    return starts.get(image[:4], ImageKind.RAW)


def start_command(loader: BootLoader, kind: ImageKind, address: int) -> str:
    """Return what starts an image of that kind; raise `FlashError`."""
    template: str | None = getattr(loader.start, kind.value, None)
    if template is None:
        raise FlashError(f"{loader.kind} on this board starts no {kind.value} image")
    return template.format(address=address)


def places(job: Job, loader: BootLoader) -> list[Range]:
    """Return the memory that the image takes: where it is loaded, and where it is moved."""
    found = [Range(start=loader.load_address, size=len(job.image))]
    if is_riscv(job.image):
        try:
            header = read_header(job.image)
        except ImageFormatError as error:
            raise FlashError(str(error)) from error
        start = job.board.memory[0].start + header.text_offset
        found.append(Range(start=start, size=max(header.image_size, len(job.image))))
    return found


def refuse_overwriting(job: Job, loader: BootLoader, taken: Sequence[Taken] = ()) -> None:
    """Raise `FlashError` if the image would lie on something that is needed until it runs."""
    for place in places(job, loader):
        why = job.board.in_the_way(place)
        if why is not None:
            raise FlashError(f"the image does not fit: {why}")
        for other in taken:
            start, end = (_physical(at, loader) for at in (other.start, other.end))
            if place.start < end and start < place.end:
                raise FlashError(
                    f"the image would overwrite {other.why} ({start:#x}..{end - 1:#x}): "
                    f"it takes {place.start:#x}..{place.end - 1:#x}"
                )


def _physical(address: int, loader: BootLoader) -> int:
    """Return the physical address of one that the boot loader has printed."""
    offset = loader.virtual_offset
    return address - offset if address >= offset else address
