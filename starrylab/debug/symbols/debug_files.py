"""Where a file's debug information is, when it is not in the file itself.

The order is gdb's ("Debugging Information in Separate Files"): by build-id below the debug folders,
then by the name in ``.gnu_debuglink`` beside the file, in ``.debug`` beside it, and below the debug
folders. A file that does not belong to the image is passed over.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from .image import ElfImage, ImageError

if TYPE_CHECKING:
    from _typeshed import StrPath

#: where distributions put debug files
SYSTEM_FOLDERS: Final = ("/usr/lib/debug",)


def has_debug_info(image: ElfImage) -> bool:
    """Tell whether the file itself has entries (``.debug_info``)."""
    table = image.section_table
    return any(name in table and table[name].size for name in (".debug_info", ".zdebug_info"))


def find_debug_file(image: ElfImage, folders: Sequence[StrPath]) -> ElfImage | None:
    """Return the separate debug file of ``image``; None when there is none."""
    for path, checksum in _candidates(image, folders):
        try:
            found = ElfImage.open(path)
            if _belongs(image, found, checksum):
                return found
        except ImageError:
            continue
    return None


def find_alternate(image: ElfImage, folders: Sequence[StrPath]) -> ElfImage | None:
    """Return the file of shared debug information that dwz made; None when it is not there."""
    if image.alternate is None:
        return None
    name, build_id = image.alternate
    paths = [os.path.join(os.path.dirname(image.path), name)]
    for folder in folders:
        paths.append(_by_build_id(folder, build_id))
        paths.append(os.path.join(folder, ".dwz", os.path.basename(name)))
    for path in paths:
        try:
            found = ElfImage.open(path)
            if found.build_id == build_id:
                return found
        except ImageError:
            continue
    return None


def _candidates(image: ElfImage, folders: Sequence[StrPath]) -> Iterator[tuple[str, int | None]]:
    """Yield paths, each with the checksum that its file must have, if nothing else names it."""
    if len(image.build_id) > 1:
        for folder in folders:
            yield _by_build_id(folder, image.build_id), None
    if image.debug_link is None:
        return
    name, checksum = image.debug_link
    name = os.path.basename(name)
    here = os.path.dirname(os.path.abspath(image.path))
    yield os.path.join(here, name), checksum
    yield os.path.join(here, ".debug", name), checksum
    for folder in folders:
        yield os.path.join(folder, here.lstrip("/"), name), checksum
        yield os.path.join(folder, name), checksum


def _by_build_id(folder: StrPath, build_id: bytes) -> str:
    text = build_id.hex()
    return os.path.join(folder, ".build-id", text[:2], f"{text[2:]}.debug")


def _belongs(image: ElfImage, found: ElfImage, checksum: int | None) -> bool:
    if not has_debug_info(found) and ".symtab" not in found.section_table:
        return False
    if image.build_id and found.build_id:
        return image.build_id == found.build_id
    return checksum is not None and zlib.crc32(found.data) == checksum
