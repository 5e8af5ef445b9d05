"""Memory as the kernel manages it: the physical map, the caches, the translation of an address."""

from __future__ import annotations

from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Input

from ...session.inspection.model import (
    AboutAddress,
    AboutMemory,
    AddressDetails,
    Answer,
    MemoryDetails,
)
from ...session.snapshot import Snapshot
from ..widgets.memory import MemoryPane
from ..widgets.memory_details import MemoryDetailsPane
from ..widgets.split import Split
from .asking import AskingView

_HINT = "PID ADDRESS, for example: 1 0x10000 (Enter: walk, Escape: close)"


class MemoryView(AskingView):
    """Memory by kind, and the details in sections."""

    NAME: ClassVar[str] = "Memory"
    SHARE: ClassVar[tuple[int, int]] = (46, 50)

    def __init__(self) -> None:
        super().__init__()
        self.kinds = MemoryPane(id="memory-kinds")
        self.details = MemoryDetailsPane(id="memory-details")
        self.entry = Input(placeholder=_HINT, id="address")
        self._root = Split(
            self.details, self.kinds, inner=True, percent=(66, 60), id="memory-split"
        )
        self._address: AboutAddress | None = None

    @property
    def root(self) -> Split:
        """See `View.root`."""
        return self._root

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.details, self.kinds)

    def show(self, snapshot: Snapshot) -> None:
        """See `View.show`."""
        super().show(snapshot)
        self.kinds.show(snapshot)
        self.details.show(snapshot)
        self._ask_again()

    def answered(self, answer: Answer) -> None:
        """See `View.answered`."""
        if isinstance(answer, MemoryDetails):
            self.details.show_memory(answer)
        elif isinstance(answer, AddressDetails):
            self.details.show_address(answer)

    def on_memory_details_pane_shown(self, message: MemoryDetailsPane.Shown) -> None:
        """Ask at once for what a newly chosen section shows."""
        message.stop()
        self._ask_again()

    def _ask_again(self) -> None:
        if self.details.section == "address":
            if self._address is not None:
                self.ask(self._address)
        elif self.details.section != "over time":
            self.ask(AboutMemory(self.details.cells))

    # -- the address ----------------------------------------------------------------------

    def on_memory_details_pane_address_wanted(
        self, message: MemoryDetailsPane.AddressWanted
    ) -> None:
        """Ask the user for a process and an address."""
        message.stop()
        self.open_line(self.entry.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Walk the table for what was typed."""
        event.stop()
        question = parse_address(event.value)
        if question is None:
            self.notify(f"not a process and an address: {event.value}; {_HINT}", timeout=4)
            return
        self._address = question
        self.close_line()
        self.details.choose("address")


def parse_address(text: str) -> AboutAddress | None:
    """Read "PID ADDRESS" (decimal, or with 0x); ``None`` if that is not what it is."""
    parts = text.split()
    try:
        pid, addr = (int(part, 0) for part in parts)
    except ValueError:
        return None
    return AboutAddress(pid, addr) if pid > 0 and 0 <= addr < 1 << 64 else None
