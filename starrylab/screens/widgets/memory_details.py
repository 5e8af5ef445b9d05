"""The physical map, memory over time, the page cache, the allocator, and a page-table walk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from ...session.inspection.model import AddressDetails, MemoryDetails
from ...session.snapshot import Snapshot
from .history import FaultRates, History, plot
from .hit_rates import LENGTH as HIT_RATES
from .hit_rates import HitRates
from .memory import KINDS
from .sections import SectionPane, facts, table
from .units import count_text, size_text, uptime_text

_PAGE: Final = 4096  #: bytes
_LEAST_BARS: Final = 6
_BESIDE_BARS: Final = 68  #: columns of the page cache's table beside the hit rate over time
_PLOT_ROWS: Final = 3
_NAME: Final = 12  #: columns


class MemoryDetailsPane(SectionPane):
    """Sections of the machine's memory."""

    SECTIONS: ClassVar[tuple[str, ...]] = (
        "map", "over time", "page cache", "allocator", "faults", "address",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "ask_address", "Address", id="memory.address",
                tooltip="Walk the page table for an address"),
    ]  # fmt: skip

    class AddressWanted(Message):
        """The user wants to name an address."""

    @dataclass
    class Shown(Message):
        """Another section is shown, which may need an answer."""

        section: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Physical memory"
        self.details: MemoryDetails | None = None
        self.address: AddressDetails | None = None
        self.history = History()
        self.rates = HitRates()
        self.faults = FaultRates()

    @property
    def cells(self) -> int:
        """How many cells the map has room for."""
        width, height = self.content_size
        return max(64, width * max(1, height - 4))

    def show(self, snapshot: Snapshot) -> None:
        """Draw ``snapshot``."""
        self.history.add(snapshot)
        super().show(snapshot)

    def show_memory(self, details: MemoryDetails) -> None:
        """Draw an answer."""
        self.details = details
        self.rates.add(details.files)
        self.faults.add(self.snapshot.uptime_ns, details.faults)
        cell = size_text(details.frames * _PAGE // len(details.cells))
        self.border_subtitle = f"a cell of the map is {cell}, small if less than half is used"
        self.redraw()

    def show_address(self, details: AddressDetails) -> None:
        """Draw a walk."""
        self.address = details
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Lay the lines out again, and ask for a map of the new size."""
        super().on_resize(event)
        self.post_message(self.Shown(self.section))

    def section_changed(self) -> None:
        """See `SectionPane.section_changed`."""
        self.post_message(self.Shown(self.section))

    def action_ask_address(self) -> None:
        """Ask the user for an address."""
        self.post_message(self.AddressWanted())

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        if section == "over time":
            return _over_time(self.history, width)
        if section == "address":
            return _walk(self.address)
        if self.details is None:
            return [Text("no answer from the lab yet", "dim")]
        sections: dict[str, Callable[[MemoryDetails, int], list[Text]]] = {
            "map": _map,
            "page cache": partial(_cache, rates=self.rates),
            "allocator": _allocator,
            "faults": partial(_faults, rates=self.faults),
        }
        return sections[section](self.details, width)


def _look(name: str) -> tuple[str, str]:
    return KINDS.get(name, (name[:1].upper(), "white"))


def _map(details: MemoryDetails, width: int) -> list[Text]:
    """Draw the physical map: a cell is a run of frames, its letter the commonest kind there."""
    looks = [_look(name) for name in details.kinds]
    lines = _legend(list(zip(details.kinds, looks, strict=True)), width)
    for start in range(0, len(details.cells), width):
        line = Text(no_wrap=True)
        for kind, used in zip(
            details.cells[start : start + width], details.used[start : start + width], strict=True
        ):
            letter, style = looks[kind]
            line.append(letter if used > 127 else letter.lower(), style)
        lines.append(line)
    return lines


def _legend(kinds: list[tuple[str, tuple[str, str]]], width: int) -> list[Text]:
    """Name the letters, in as many lines as it takes."""
    lines = [Text(no_wrap=True)]
    for name, (letter, style) in kinds:
        if lines[-1].plain and len(lines[-1]) + len(name) + 2 > width:
            lines.append(Text(no_wrap=True))
        lines[-1].append(f"{letter} ", style).append(f"{name}  ")
    return lines


def _over_time(history: History, width: int) -> list[Text]:
    if not history.times:
        return [Text("no snapshot yet", "dim")]
    room = max(10, width - _NAME - 14)
    lines = [Text(f"the last {uptime_text(history.span_ns)}; each kind has its own scale", "dim")]
    for name, sizes in sorted(history.sizes.items(), key=lambda item: -item[1][-1]):
        values = list(sizes)
        letter, style = _look(name)
        least, most = min(values), max(values)
        labels = (f"{size_text(most):>6} most", f"{size_text(values[-1]):>6} now",
                  f"{size_text(least):>6} least")  # fmt: skip
        for row, cells in enumerate(plot(values, room, _PLOT_ROWS)):
            title = f"{letter} {name}" if not row else ""
            lines.append(
                Text.assemble(
                    (f"{title:<{_NAME + 1}}", "bold"), (cells, style), (f" {labels[row]}", "dim"),
                    no_wrap=True,
                )
            )  # fmt: skip
    return lines


def _cache(details: MemoryDetails, width: int, rates: HitRates) -> list[Text]:
    bars = max(_LEAST_BARS, min(HIT_RATES, width - _BESIDE_BARS))
    rows = []
    for file in details.files:
        looked = file.hits + file.misses
        rate = f"{100 * file.hits / looked:.0f}%" if looked else "-"
        rows.append(
            (
                size_text(file.pages * _PAGE),
                size_text(file.size),
                str(file.dirty),
                str(file.mapped),
                rate,
                rates.drawn(file.path, bars),
                count_text(file.misses),
                file.fs,
                file.path,
            )
        )
    summary = (
        f"{details.cache_pages} of at most {details.cache_limit} pages that can be read in again; "
        f"{details.evictions} evicted"
    )
    heading = ("CACHED", "SIZE", "DIRTY", "MAPS", "HITS", "LATELY", "READ", "FS", "FILE")
    lines = table(heading, rows, frozenset(range(7)))
    if details.files_total > len(details.files):
        lines.append(Text(f"... and {details.files_total - len(details.files)} more", "dim"))
    return [Text(summary, "dim"), *lines]


def _allocator(details: MemoryDetails, width: int) -> list[Text]:
    free, largest = details.free_frames, details.largest_run
    scattered = 100 * (1 - largest / free) if free else 0.0
    lines = facts(
        [
            ("frames", f"{details.frames} of {_PAGE} bytes"),
            ("free", f"{free}  ({size_text(free * _PAGE)})"),
            ("longest free run", f"{largest} frames  ({size_text(largest * _PAGE)})"),
            ("fragmentation", f"{scattered:.1f}% of free memory is outside the longest run"),
            ("kernel heap", f"{details.heap_used} bytes in use of {size_text(details.heap_held)}"),
            ("reclaims", f"{details.reclaims} times memory was short and caches were asked"),
        ]
    )
    most = max(details.free_runs, default=0) or 1
    lines.append(Text("free runs by length in frames", "bold"))
    for order, count in enumerate(details.free_runs):
        span = f"{1 << order}" if not order else f"{1 << order}..{(2 << order) - 1}"
        bar = "█" * max(1 if count else 0, round((width - 30) * count / most))
        lines.append(Text.assemble((f"{span:>15} ", "dim"), f"{count:>6} ", (bar, "green")))
    return lines


def _faults(details: MemoryDetails, width: int, rates: FaultRates) -> list[Text]:
    if not details.faults:
        return [Text("no page fault since this section was opened", "dim")]
    most = max(count for _, count in details.faults)
    heading = Text(f"{'CAUSE':<26} {'A SECOND':>8} {'ALL':>6}", "bold")
    return [heading] + [
        Text.assemble(
            (f"{cause:<26} ", "dim"),
            f"{count_text(rates.latest(cause)):>8} {count_text(count):>6} ",
            ("█" * max(1, round((width - 44) * count / most)), "yellow"),
            no_wrap=True,
        )
        for cause, count in details.faults
    ]


def _walk(details: AddressDetails | None) -> list[Text]:
    """Say step by step how an address is translated."""
    if details is None:
        return [Text("press a to name a process and an address", "dim")]
    if not details.found:
        return [Text(f"there is no process {details.pid}", "dim")]
    steps = ", ".join(f"[{index}]" for index in details.indexes)
    pairs = [
        ("address", f"{details.addr:#x} of process {details.pid}"),
        ("page", f"{details.addr >> 12:#x}, byte {details.addr & 4095} of it"),
        ("indexes", f"{steps}  (nine bits of the page number for each level)"),
        ("root table", f"frame at {details.root_frame:#x}"),
        ("leaf table", f"frame at {details.leaf_table:#x}" if details.leaf_table >= 0 else "none"),
    ]
    area = details.area
    pairs.append(
        (
            "area",
            "none: an access is a segmentation fault"
            if area is None
            else f"{area.start:#x}-{area.end:#x} {area.perms} {area.backend} {area.name}",
        )
    )
    page = details.page
    if page is None:
        waits = "absent: the first access is a page fault" if area is not None else "absent"
        return facts([*pairs, ("entry", waits)])
    owner = "this mapping's own" if page.private else "its source's"
    return facts(
        [
            *pairs,
            ("entry", f"{page.entry:#x}  {page.perms}"),
            ("frame", f"{page.frame:#x}, {page.kind}, {page.references} references, {owner}"),
            ("content", details.data.hex(" ")),
        ]
    )
