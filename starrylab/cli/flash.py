"""`starrylab flash`: bring an image onto a board over its serial line, and start it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError
from .serial_options import baud, seconds

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.progress import TaskID

    from ..boards import Board
    from ..flash.events import Event, Sent
    from ..flash.job import Job, Recovery
    from ..link.record import Record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `flash`."""
    parser.add_argument("board", metavar="BOARD", nargs="?", help="its name, or its board.toml")
    parser.add_argument("--port", metavar="P", help="serial port, pty, or socket://HOST:PORT")
    parser.add_argument("--ports", action="store_true", help="list the serial ports of this host")
    parser.add_argument("--image", metavar="FILE", help="default: StarryLab's monitor")
    parser.add_argument(
        "--program",
        metavar="ELF",
        action="append",
        default=[],
        help="pack this program behind the monitor (may be repeated)",
    )
    parser.add_argument("--baud", metavar="N", type=baud, help="default: the fastest that works")
    parser.add_argument(
        "--persist", metavar="MEDIUM", help="write it to a medium of the board: sd, emmc, spi ..."
    )
    parser.add_argument("--yes", action="store_true", help="answer the question of --persist")
    parser.add_argument("--log", metavar="FILE", help="record everything on the line")
    parser.add_argument(
        "--recovery",
        metavar=("SPL", "UBOOT"),
        nargs=2,
        help="what a boot ROM is given (default: those of Debian's u-boot-starfive)",
    )
    parser.add_argument(
        "--wait", metavar="S", type=seconds, default=60.0, help="seconds to wait for a reset (60)"
    )


def main(args: argparse.Namespace) -> int:
    """Flash; return the exit status; raise `UserError`."""
    from ..boards import BoardError
    from ..flash.errors import FlashError
    from ..link.errors import LinkError

    try:
        if args.ports:
            _list_ports()
        else:
            _flash(args)
    except (BoardError, FlashError, LinkError) as error:
        raise UserError(str(error), 1) from None
    return 0


def _list_ports() -> None:
    from ..link.ports import find_ports

    ports = find_ports()
    for port in ports:
        print(port)
    if not ports:
        print("no serial port: plug the USB adapter in")


def _flash(args: argparse.Namespace) -> None:
    from ..flash.greeting import MonitorGreeter
    from ..flash.strategy import Flasher, check
    from ..link.port import Port
    from ..link.ports import choose_port

    job = _job(args)
    check(job)  # before anybody is asked for a port
    name = choose_port(args.port)
    with (
        _recorded(args.log) as record,
        Port.open(name, job.board.uart.baud, record=record) as port,
        _View() as view,
    ):

        def confirm(question: str) -> bool:
            return bool(args.yes) or view.ask(question)

        flasher = Flasher(port, job, view.show, confirm=confirm, greeter=MonitorGreeter())
        flasher.run()
    if job.greets and job.persist is None:
        print(
            f"run programs on it: starrylab run --board {job.board.name} --port {name} -- COMMAND"
        )


def _job(args: argparse.Namespace) -> Job:
    from ..boards import load, names
    from ..boards.images import monitor_to_flash
    from ..flash.job import Job

    if args.board is None:
        raise UserError(f"which board? One of {', '.join(names())}, or a board.toml")
    board = load(args.board)
    if args.image is None:
        name, image = "monitor", monitor_to_flash(board, map(_read, args.program))
    elif args.program:
        raise UserError("--program packs behind the monitor; --image is another image")
    else:
        name, image = Path(args.image).name, _read(args.image)
    return Job(
        board, image, name, baud=args.baud, persist=args.persist, greets=args.image is None,
        recovery=_recovery(args.recovery, board), patience=args.wait,
    )  # fmt: skip


def _recovery(named: list[str] | None, board: Board) -> Recovery | None:
    from ..flash.errors import FlashError
    from ..flash.recovery import read_files

    if board.recovery.kind == "none":
        return None
    if named is not None:
        return read_files(*map(Path, named))
    with contextlib.suppress(FlashError):  # it is needed only where a boot ROM answers
        return read_files()
    return None


def _read(path: str) -> bytes:
    from ..image.reading import read_image

    try:
        return read_image(Path(path))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", 1) from None


@contextlib.contextmanager
def _recorded(path: str | None) -> Iterator[Record | None]:
    from ..link.record import Record

    record = None if path is None else Record.to(path)
    try:
        yield record
    finally:
        if record is not None:
            record.close()


class _View:
    """Draws what happens: one line a state, a bar for a transfer."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
            TimeRemainingColumn(), console=self._console, transient=True,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _View:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Draw one event."""
        from ..flash.events import Said, Sent

        if isinstance(event, Sent):
            self._progress(event)
        elif isinstance(event, Said):
            style = "bold yellow" if event.urgent else ""
            self._console.print(event.text, style=style, markup=False, soft_wrap=True)
        else:
            self._end_bars()
            self._console.print(f"* {event.state.value}", markup=False)

    def ask(self, question: str) -> bool:
        """Ask; only `yes` means yes."""
        if not sys.stdin.isatty():
            raise UserError("--persist asks before it writes: answer it beforehand with --yes")
        self._bars.stop()
        answer = self._console.input(f"{question} [yes/no] ", markup=False)
        self._bars.start()
        return answer.strip().lower() in ("y", "yes")

    def _progress(self, event: Sent) -> None:
        name = f"{event.what} at {event.baud} baud"
        sent, total = event.progress.sent, event.progress.total
        if name not in self._tasks:
            self._end_bars()
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=sent)
        if sent == total:
            again = event.progress.resent
            resent = f", {again} block{'s' * (again > 1)} sent again" if again else ""
            self._end_bars()
            rate = f", {event.progress.rate / 1000:.1f} kB/s" if event.progress.rate else ""
            self._console.print(f"  {name}: {total:,} bytes{rate}{resent}", markup=False)

    def _end_bars(self) -> None:
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks.clear()
