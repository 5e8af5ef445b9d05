"""The title line, and the banner that says what became of a lab that ended."""

from __future__ import annotations

from typing import Final

from rich.text import Text
from textual.widgets import Static

from ...session.front_end import LabState
from ...session.snapshot import Snapshot
from .units import size_text, uptime_text

#: a sign and a style for each state; the word beside it carries the meaning
_SIGNS: Final = {
    LabState.OFF: ("○", "dim"),
    LabState.STARTING: ("◌", "yellow"),
    LabState.RUNNING: ("●", "green"),
    LabState.ENDED: ("■", "yellow"),
    LabState.PANIC: ("✖", "bold red"),
    LabState.CRASHED: ("✖", "bold red"),
}
_PAUSED: Final = ("◆", "bold yellow")


class TitleBar(Static):
    """One line: what runs, in what state, how busy."""

    def __init__(self, ident: str) -> None:
        super().__init__(id=ident)
        self._before = Text()  #: what stands left of the time
        self._behind = ""
        self._shown = ""

    def display_lab(
        self, title: str, state: LabState, snapshot: Snapshot, *, paused: bool = False
    ) -> None:
        """Draw the line."""
        sign, style = _PAUSED if paused else _SIGNS[state]
        used = sum(kind.size for kind in snapshot.memory if kind.name != "free")
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(" StarryLab ", "bold")
        text.append(f" {title}  ")
        text.append(f"{sign} {'paused' if paused else state.value}", style)
        busy = f"  busy {100 * (1 - snapshot.idle_share):.0f}%"
        self._before, self._behind = text, f"{busy}  memory {size_text(used)}"
        self._draw(f"  up {uptime_text(snapshot.uptime_ns)}" if snapshot.sequence else "")

    def pass_time(self, uptime_ns: int) -> None:
        """Draw the line again with a later time: a machine at rest sends no pictures."""
        up = f"  up {uptime_text(uptime_ns)}"
        if self._shown and up != self._shown:
            self._draw(up)

    def _draw(self, up: str) -> None:
        self._shown = up
        self.update(self._before + Text(up + self._behind if up else ""))


class Banner(Static):
    """Hidden until something happened that the user must know."""

    def display_text(self, headline: str, details: str, advice: str) -> None:
        """Show three parts: what happened, its details, what to do."""
        text = Text(f" {headline}\n", "bold")
        for line in details.strip().splitlines()[-6:]:
            text.append(f"   {line}\n", "not bold")
        text.append(f" {advice}", "not bold")
        self.update(text)
        self.display = True

    def hide(self) -> None:
        """Make room again."""
        self.display = False
