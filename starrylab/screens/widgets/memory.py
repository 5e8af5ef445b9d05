"""Memory by kind, sizes that add up to the whole, and the load figures of the machine."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from ...session.snapshot import EMPTY, MemoryKind, Snapshot
from .pane import Pane
from .units import count_text, size_text

#: kind -> letter in the picture of all memory, and style; the letter carries the meaning
KINDS: Final = {
    "user": ("U", "green"),
    "kernel heap": ("K", "red"),
    "page cache": ("C", "cyan"),
    "page table": ("T", "yellow"),
    "dma": ("D", "blue"),
    "free": ("·", "dim"),
}
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_NAME, _SIZE = 12, 6  #: columns


class MemoryPane(Pane):
    """Bytes by kind now, and what the machine is busy with."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Memory"
        self._previous: Snapshot = EMPTY
        self._lines: list[Text] = []

    def show(self, snapshot: Snapshot) -> None:
        """Draw ``snapshot``."""
        if snapshot is not self.snapshot:
            self._previous = self.snapshot if snapshot.sequence > self.snapshot.sequence else EMPTY
        self.border_subtitle = f"{size_text(snapshot.memory_total)} RAM"
        super().show(snapshot)

    def line_count(self) -> int:
        """Return how many lines there are."""
        return len(self._lines)

    def line(self, index: int, width: int) -> Text:
        """Return one line."""
        return self._lines[index]

    def lay_out(self, width: int) -> None:
        """See `Pane.lay_out`."""
        self._lines = self._make_lines(width)

    def _make_lines(self, width: int) -> list[Text]:
        """Return the picture, a bar for each kind, and the figures."""
        snapshot = self.snapshot
        if not snapshot.memory_total:
            return [Text("no snapshot yet", "dim")]
        picture = memory_picture(snapshot.memory, snapshot.memory_total, width)
        used = sum(kind.size for kind in snapshot.memory if kind.name != "free")
        bars = [
            _bar(kind, snapshot.memory_total, used, width) for kind in _in_order(snapshot.memory)
        ]
        return [picture, *bars, *self._figures(width), *_calls(snapshot)]

    def _figures(self, width: int) -> list[Text]:
        snapshot, previous = self.snapshot, self._previous
        loads = snapshot.load if width >= _NAME + 15 else snapshot.load[:1]
        load = " ".join(f"{value:.2f}" for value in loads)
        seconds = (snapshot.uptime_ns - previous.uptime_ns) / 1e9 if previous.sequence else 0

        def rate(now: int, before: int) -> str:
            return f"{count_text((now - before) / seconds)}/s" if seconds > 0 else "-"

        pairs = (
            ("load", load),
            ("busy", f"{100 * (1 - snapshot.idle_share):.0f}%"),
            ("system calls", rate(snapshot.syscalls, previous.syscalls)),
            ("switches", rate(snapshot.switches, previous.switches)),
            ("forks", count_text(snapshot.forks)),
        )
        return [
            Text.assemble((f"{name:<{_NAME}} ", "dim"), value, no_wrap=True)
            for name, value in pairs
        ]


def _in_order(memory: tuple[MemoryKind, ...]) -> list[MemoryKind]:
    order = list(KINDS)
    return sorted(memory, key=lambda kind: order.index(kind.name) if kind.name in order else -1)


def memory_picture(memory: tuple[MemoryKind, ...], total: int, width: int) -> Text:
    """Return one line of ``width`` cells; each kind in use has one cell at least."""
    text = Text(no_wrap=True)
    left = width
    for kind in _in_order(memory):
        letter, style = _look(kind)
        if kind.name == "free" or not kind.size:
            continue
        cells = min(left, max(1, round(width * kind.size / total)))
        text.append(letter * cells, style)
        left -= cells
    letter, style = KINDS["free"]
    return text.append(letter * left, style)


def _bar(kind: MemoryKind, total: int, used: int, width: int) -> Text:
    """Return name, size, share of all memory, and a bar for the share of what is in use."""
    letter, style = _look(kind)
    room = max(4, width - _NAME - _SIZE - 10)
    eighths = 0
    if kind.name != "free" and kind.size:
        eighths = max(1, round(room * 8 * kind.size / used))
    bar = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    return Text.assemble(
        (f"{letter} ", style),
        f"{kind.name:<{_NAME - 1}}",
        f"{size_text(kind.size):>{_SIZE}}",
        f"{100 * kind.size / total:>5.1f}% ",
        (bar, style),
        no_wrap=True,
    )


def _look(kind: MemoryKind) -> tuple[str, str]:
    return KINDS.get(kind.name, (kind.name[:1].upper(), "white"))


def _calls(snapshot: Snapshot) -> list[Text]:
    return [
        Text.assemble((f"{call.name:<{_NAME}} ", "dim"), count_text(call.count), no_wrap=True)
        for call in snapshot.top_calls
    ]
