"""`starrylab symbolize`: a filter that explains the addresses in a kernel's log.

What comes in goes out at once and unchanged, a prompt without a newline included; below a line
that names code stands which function and line that is.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ..base.folders import cache_path
from ..debug.logs import LogReader
from ..debug.symbols import ElfImage, ImageError, Symbols
from ..debug.symbols.cache import IndexCache
from ..debug.symbols.debug_files import SYSTEM_FOLDERS, has_debug_info
from .errors import UserError

if TYPE_CHECKING:
    import argparse

_CHUNK: Final = 1 << 16
_LONGEST: Final = 1 << 16  #: bytes of a line that is looked at; a longer one is no log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `symbolize`."""
    parser.add_argument("elf", metavar="ELF", help="the program or kernel that the log is of")
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the log (-: input)")
    parser.add_argument(
        "--base", metavar="ADDR", help="where the file was loaded, if not where it says itself"
    )
    parser.add_argument(
        "--debug-dir",
        metavar="DIR",
        action="append",
        default=[],
        help="look for separate debug files here, too",
    )
    parser.add_argument("--no-cache", action="store_true", help="keep no index on disk")


def main(args: argparse.Namespace) -> int:
    """Filter until the input ends; raise `UserError`."""
    symbols = _symbols(args.elf, args.debug_dir, keep=not args.no_cache)
    return _filter(LogReader(symbols, _bias(args.base, symbols.image)), symbols, args.file)


def quick(words: list[str]) -> int | None:
    """As `main`, for ``ELF [FILE]`` without options; None for anything else."""
    if len(words) not in (1, 2) or any(word.startswith("-") for word in words):
        return None
    symbols = _symbols(words[0], [], keep=True)
    return _filter(LogReader(symbols), symbols, words[1] if len(words) == 2 else "-")


def _filter(reader: LogReader, symbols: Symbols, name: str) -> int:
    if name == "-":
        source = 0
    else:
        try:
            source = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UserError(f"{name}: {error.strerror}", 1) from error
    try:
        for piece in explained(_chunks(source, name), reader):
            _write(piece)
    finally:
        symbols.settle()
    return 0


def explained(chunks: Iterator[bytes], reader: LogReader) -> Iterator[bytes]:
    """Yield the input as it comes, and below its lines what the reader has to say of them."""
    pending = b""
    for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield line + b"\n"
            ending = b"\r\n" if line.endswith(b"\r") else b"\n"
            yield _below(pending + line, reader, ending)
            pending = b""
        if rest:
            yield rest
            pending = (pending + rest)[: _LONGEST + 1]
    below = _below(pending, reader, b"\n")
    if below:
        yield b"\n" + below


def _below(line: bytes, reader: LogReader, ending: bytes) -> bytes:
    if len(line) > _LONGEST:
        return b""
    found = reader.explain(line.decode("utf-8", "replace"))
    return b"".join(text.encode("utf-8", "replace") + ending for text in found)


def open_reader(elf: str, base: str | None = None) -> LogReader:
    """Return what explains the log of `elf`; raise `UserError`."""
    symbols = _symbols(elf, [], keep=True)
    return LogReader(symbols, _bias(base, symbols.image))


def _symbols(elf: str, folders: list[str], *, keep: bool) -> Symbols:
    try:
        image = ElfImage.open(elf)
        folders = [*folders, *SYSTEM_FOLDERS]
        cache = IndexCache(os.path.join(cache_path(), "symbols")) if keep else None
        symbols = Symbols.of(image, folders, cache)
        known = has_debug_info(symbols.debug_image) or len(symbols.table)
        image.segments()  # every address is looked for in them
    except ImageError as error:
        raise UserError(str(error), 1) from error
    if not known:
        raise UserError(f"{elf}: has neither symbols nor debug information", 1)
    return symbols


def _bias(text: str | None, image: ElfImage) -> int:
    if text is None:
        return 0
    try:
        base = int(text, 16)
    except ValueError:
        raise UserError(f"--base {text}: give a hexadecimal address") from None
    try:
        lowest = min((segment.vaddr for segment in image.segments()), default=0)
    except ImageError as error:
        raise UserError(str(error), 1) from error
    return base - (lowest & ~0xFFF)


def _chunks(source: int, name: str) -> Iterator[bytes]:
    """Yield what is there, as soon as it is there."""
    answered = False
    while True:
        try:
            chunk = os.read(source, _CHUNK)
        except OSError as error:
            raise UserError(f"{name}: {error.strerror}", 1) from error
        if not chunk:
            return
        if answered:
            gc.enable()  # what a long log leaves behind is to go
        yield chunk
        answered = True


def _write(piece: bytes) -> None:
    if piece:
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
