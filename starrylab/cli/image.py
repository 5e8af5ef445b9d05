"""`starrylab image`: make what a board's boot loader starts, and explain such files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import UserError

if TYPE_CHECKING:
    import argparse

    from ..boards import Board
    from ..boards.images import Program
    from ..rootfs import Tree

_SUFFIXES: Final = {
    "riscv": "bin", "raw": "bin", "uimage": "uimg", "fit": "itb", "elf": "elf", "sd": "sd.img",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `image`."""
    parser.add_argument("board", metavar="BOARD", nargs="?", help="its name, or its board.toml")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--program",
        metavar="ELF",
        action="append",
        default=[],
        help="pack this program or file behind the monitor (may be repeated)",
    )
    what.add_argument("--wrap", metavar="FILE", help="a bare-metal ELF or binary, not the monitor")
    what.add_argument("--inspect", metavar="FILE", help="explain an image, and check it")
    what.add_argument("--list", action="store_true", help="list the boards")
    parser.add_argument("--address", metavar="ADDR", help="where the binary of --wrap runs")
    parser.add_argument(
        "--format",
        choices=_SUFFIXES,
        help="default: what the board's boot loader likes best; sd: a whole SD card",
    )
    parser.add_argument(
        "--compress", action="store_true", help="by gzip; of the formats uimage and fit"
    )
    parser.add_argument(
        "--rootfs", metavar="ROOT", help="of an SD card: a folder, TAR file or name of a root"
    )
    parser.add_argument("--append", metavar="TEXT", help="of an SD card: the kernel's command line")
    parser.add_argument("-o", "--output", metavar="FILE", help="default: BOARD.bin, .sd.img ...")


def main(args: argparse.Namespace) -> int:
    """Do what was asked for; return the exit status."""
    from ..boards import BoardError
    from ..image.errors import ImageFormatError
    from ..rootfs import RootfsError
    from ..userland import BuildError

    try:
        if args.inspect:
            _inspect(Path(args.inspect))
        elif args.list:
            _list()
        else:
            _make(args)
    except (BoardError, ImageFormatError, RootfsError, BuildError) as error:
        raise UserError(str(error), 1) from None
    return 0


def _list() -> None:
    from ..boards import load, names

    for name in names():
        board = load(name)
        print(f"{name:18} {board.title} ({board.arch})")


def _inspect(path: Path) -> None:
    from ..boards.inspect import explain
    from ..image.errors import ImageFormatError

    try:
        for line in explain(_read(path)):
            print(line)
    except ImageFormatError as error:
        raise UserError(f"{path}: {error}", 1) from None


def _make(args: argparse.Namespace) -> None:
    from ..boards import load
    from ..boards.images import formats, pack

    if not args.board:
        raise UserError("which board? see starrylab image --list")
    if args.address and not args.wrap:
        raise UserError("--address says where the binary of --wrap runs")
    for option, value in (("--rootfs", args.rootfs), ("--append", args.append)):
        if value and args.format not in (None, "sd"):
            raise UserError(
                f"{option} is for an SD card; --format {args.format} has no room for it"
            )
    board = load(args.board)
    program = _program(args, board)
    form = args.format or _form(args, formats(board))
    if args.compress and form == "sd":
        raise UserError("--compress is for the formats uimage and fit, not for an SD card")
    output = Path(args.output or f"{board.name}.{_SUFFIXES[form]}")
    try:
        if form == "sd":
            _card(args, board, program, output)
        else:
            output.write_bytes(pack(program, board, form, _time(), small=args.compress))
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}", 1) from None
    print(f"{output}: {program.title}, {form}, {output.stat().st_size} bytes")


def _form(args: argparse.Namespace, forms: tuple[str, ...]) -> str:
    """Return the format that goes with the other options."""
    from ..boards.images import COMPRESSIBLE

    if args.rootfs or args.append:
        return "sd"
    if args.compress:
        return next((form for form in forms if form in COMPRESSIBLE), forms[0])
    return forms[0]


def _program(args: argparse.Namespace, board: Board) -> Program:
    from ..boards.images import monitor_program, wrapped_program
    from ..boards.monitor_build import monitor_elf

    if args.wrap:
        path = Path(args.wrap)
        return wrapped_program(board, _read(path), path.name, _address(args.address))
    return monitor_program(board, monitor_elf(board.arch), map(_read, map(Path, args.program)))


def _card(args: argparse.Namespace, board: Board, program: Program, output: Path) -> None:
    from ..boards.card import Card, write_card

    root = _root(args.rootfs, board.arch) if args.rootfs else None
    with tempfile.TemporaryDirectory(prefix="starrylab-card-", dir=output.parent) as scratch:
        card = Card(board, program, _time(), root, args.append or "")
        for note in write_card(card, output, Path(scratch)):
            print(f"note: {note}")


def _root(spec: str, arch: str) -> Tree:
    from ..rootfs import HostFolder, open_rootfs
    from ..rootfs.folder import read_folder

    root = open_rootfs(spec, arch)
    return read_folder(root.path) if isinstance(root, HostFolder) else root


def _address(text: str | None) -> int | None:
    try:
        return int(text, 0) if text else None
    except ValueError:
        raise UserError(f"--address {text} is no number, such as 0x80200000") from None


def _time() -> int:
    from ..boards.images import TIME

    text = os.environ.get("SOURCE_DATE_EPOCH", str(TIME))
    if not text.isdecimal() or int(text) >= 1 << 32:
        raise UserError(f"SOURCE_DATE_EPOCH={text} is no number of seconds since 1970")
    return int(text)


def _read(path: Path) -> bytes:
    from ..image.reading import read_image

    try:
        return read_image(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", 1) from None
