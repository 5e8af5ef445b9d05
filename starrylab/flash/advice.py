"""What a person has to do next: which button, which jumper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..link.detect import Kind, Sighting

if TYPE_CHECKING:
    from ..boards import Board

_NEXT: Final = {
    Kind.SILENCE: "switch the board on, or press its reset button",
    Kind.BOOTING: "press the reset button: its countdown was missed",
    Kind.SYSTEM: "restart it, or press the reset button",
    Kind.TEXT: "press the reset button",
    Kind.ECHO: "take a plug off that connects TX with RX; or press the board's reset button",
    Kind.GARBAGE: "press the reset button; a board that was left at another rate starts at its own",
}
CABLE: Final = (
    "check that TX and RX are crossed, that ground is connected, and that no other program "
    "has the port"
)


def next_step(sighting: Sighting) -> str:
    """Say what was seen and what to do."""
    said = f" ({sighting.text})" if sighting.text and sighting.kind is not Kind.GARBAGE else ""
    return f"saw {sighting.kind.value}{said}: {_NEXT.get(sighting.kind, 'press the reset button')}"


def dead_end(board: Board, sighting: Sighting, seconds: float) -> str:
    """Say what to try when nothing came of waiting."""
    if sighting.kind is Kind.SILENCE:
        return f"{board.title} said nothing in {seconds:.0f} s: {CABLE}; {recovery(board)}"
    if sighting.kind is Kind.ECHO:
        return "what is sent comes back: TX and RX are connected with each other"
    if sighting.kind is Kind.GARBAGE:
        return f"{board.title} sends noise at {board.uart.baud} baud: {CABLE}; try another adapter"
    return f"no boot loader in {seconds:.0f} s, but {sighting.kind.value}: {recovery(board)}"


def recovery(board: Board) -> str:
    """Say how a board without a boot loader gets one."""
    return "if it has no boot loader any more: " + "; ".join(board.recovery.steps)
