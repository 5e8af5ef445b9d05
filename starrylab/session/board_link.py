"""Connect to the board that a configuration names, and to the monitor that runs there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from ..boards import Board, BoardError, load
from ..link.detect import Kind, Watcher
from ..link.errors import BaudError, LinkError
from ..link.monitor.client import MonitorClient
from ..link.monitor.emulated import EmulatedLine, WireBoard
from ..link.monitor.speed import raise_baud
from ..link.port import Port
from ..machine.api import HartLost
from ..machine.board.emulated import EmulatedBoard
from ..machine.board.monitor import MonitorError
from .config import BoardPort

_NO_MONITOR: Final = frozenset(
    {Kind.PROMPT, Kind.BOOTING, Kind.ROM, Kind.SPL, Kind.SYSTEM, Kind.ECHO}
)
EMULATED = "emulated"  #: the board that is always there


class Session(MonitorClient):
    """A monitor that is left at the rate at which it was found."""

    home: int | None = None  #: baud

    def close(self) -> None:
        """See `Monitor.close`."""
        with contextlib.suppress(HartLost, LinkError):
            if self.home not in (None, self.exchange.port.baud):
                self.exchange.attempts(1, lambda: self.ask("BAUD", self.home))
        super().close()


class BoardLinkError(Exception):
    """There is no board to run on: one line for the user."""


def connect(chosen: BoardPort, on_text: Callable[[bytes], object] | None = None) -> MonitorClient:
    """Return the monitor of the board; raises `BoardLinkError`.

    ``on_text`` takes what the board prints beside the protocol.
    """
    if chosen.name == EMULATED:
        return MonitorClient(emulated_line(), on_text=on_text)
    board = describe(chosen.name)
    if chosen.port is None:
        raise BoardLinkError(
            f"--board {chosen.name}: say where it is connected, for example --port /dev/ttyUSB0"
        )
    try:
        port = Port.open(chosen.port, board.uart.baud)
    except LinkError as error:
        raise BoardLinkError(str(error)) from None
    try:
        return _greeted(port, board, chosen, on_text)
    except BaseException:
        port.close()
        raise


def emulated_line() -> EmulatedLine:
    """Return a line with a mock-up of a board at its end."""
    return EmulatedLine(WireBoard(EmulatedBoard()))


def describe(name: str) -> Board:
    """Return the description of a board; raises `BoardLinkError`."""
    try:
        return load(name)
    except BoardError as error:
        raise BoardLinkError(str(error)) from None


def _greeted(
    port: Port, board: Board, chosen: BoardPort, on_text: Callable[[bytes], object] | None
) -> Session:
    try:
        client = _found(port, board, on_text)
        client.home = board.uart.baud
        if client.arch != board.arch:
            raise BoardLinkError(
                f"the board on {chosen.port} is a {client.arch}, but {board.name} is a {board.arch}"
            )
        raise_baud(client, board.uart.bauds)
    except (MonitorError, LinkError) as error:
        raise BoardLinkError(
            f"no monitor answers on {chosen.port} ({error}); "
            f"start it with: starrylab flash {board.name} --port {chosen.port}"
        ) from None
    return client


def _found(port: Port, board: Board, on_text: Callable[[bytes], object] | None) -> Session:
    """Greet the monitor, at other rates as well, unless something else is seen to be there."""
    others = [baud for baud in board.uart.bauds if baud != board.uart.baud]
    try:
        return _greet(port, (board.uart.baud,), on_text)
    except MonitorError:
        seen = _seen(port, board)
        if seen in _NO_MONITOR:
            raise MonitorError(f"but {seen.value}") from None
        if not others:
            raise
    return _greet(port, others, on_text)


def _seen(port: Port, board: Board) -> Kind:
    loaders = [loader for loader in board.loader if loader.prompts]
    return Watcher(port, loaders).detect().kind if loaders else Kind.SILENCE


def _greet(port: Port, bauds: Sequence[int], on_text: Callable[[bytes], object] | None) -> Session:
    """Find the monitor at one of ``bauds``, as a session before may have left it at any."""
    failure = MonitorError("it has no rate")
    for baud in bauds:
        try:
            port.baud = baud
            return Session(port, on_text=on_text)
        except BaudError:  # at which it cannot be then
            continue
        except MonitorError as error:
            failure = error
    raise failure
