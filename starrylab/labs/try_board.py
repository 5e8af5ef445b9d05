"""What lab 20's file does as a program: flash a board, or an emulated one when none is named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ..boards import BoardError, load
from ..boards.images import formats, monitor_program
from ..boards.monitor_build import monitor_elf
from ..link.errors import LinkError
from ..link.port import Port
from ..machine.board.monitor import MonitorError
from ..userland.build import BuildError, compile_c
from .benches.board import run_on_board
from .emulated_loader import EmulatedLoader, Places, places_of, start_of

_HEADER: Final = 64
_USAGE: Final = "usage: python board.py [BOARD PORT]"

MakeImage = Callable[[Any, bytes, int, int], bytes]
Flash = Callable[[Any, Any, bytes], object]


def main(argv: Sequence[str], make_image: MakeImage, flash: Flash) -> None:
    """Bring the monitor onto a board by the student's functions; exit with one line on errors."""
    try:
        match list(argv[1:]):
            case []:
                _emulated(Path(argv[0]).parent, make_image, flash)
            case [name, port]:
                _real(name, port, make_image, flash)
            case _:
                raise SystemExit(_USAGE)
    except NotImplementedError as error:
        raise SystemExit(f"board.py: {error} is still to be written") from None
    except (BoardError, BuildError, LinkError, MonitorError, OSError, ValueError) as error:
        raise SystemExit(f"board.py: {error}") from None


def _image(name: str, make_image: MakeImage) -> tuple[Places, bytes]:
    board = load(name)
    if "riscv" not in formats(board):
        raise BoardError(f"{board.title} starts no RISC-V image")
    program = monitor_program(board, monitor_elf(board.arch))
    places, code = places_of(board), program.data[_HEADER:]
    entry, size = start_of(program.data) - _HEADER, program.memory_size - _HEADER
    return places, make_image(places, code, entry, size)


def _emulated(folder: Path, make_image: MakeImage, flash: Flash) -> None:
    places, image = _image("virt-riscv64", make_image)
    port = EmulatedLoader(places, image[_HEADER:])
    try:
        flash(port, places, image)
        _say("".join(f"=> {line}\n" for line in port.entered))
        if port.problem:
            raise MonitorError(f"the board says nothing any more: {port.problem}")
        program = compile_c([folder / "hello.c"], "riscv64").read_bytes()
        outcome = run_on_board(port, program, ["one", "two"], environment=("HOME=/root",))
        _say(outcome.output.decode(errors="replace").replace("\r\n", "\n"))
        _say(f"exit status {outcome.status}, {port.now():.1f} s of a line at 115200 baud\n")
    finally:
        port.close()


def _real(name: str, where: str, make_image: MakeImage, flash: Flash) -> None:
    places, image = _image(name, make_image)
    with Port.open(where) as port:
        flash(port, places, image)
    _say(f"started; now: starrylab run --board {name} --port {where} -- sh\n")


def _say(text: str) -> None:
    sys.stdout.write(text)
