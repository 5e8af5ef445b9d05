"""Everything that the marked process has, in sections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from ...session.inspection.model import AreaView, LimitView, ProcessDetails
from .sections import SectionPane, facts, table
from .units import count_text, end_of, size_text, time_text

_PAGE: Final = 4096  #: bytes
_POLICIES: Final = {0: "other", 1: "fifo", 2: "rr", 3: "batch", 5: "idle"}
#: letter, style and field of each state of a page; the letter carries the meaning
_STATES: Final = (
    ("·", "dim", "lazy"),
    ("0", "blue", "zero"),
    ("P", "green", "copied"),
    ("S", "yellow", "shared"),
    ("C", "cyan", "cached"),
)
_SCALES: Final = {"K": 10, "M": 20, "G": 30}  #: suffix -> bits
_BAR: Final = 16  #: cells for the states of an area's pages
_WHOLE, _MEDIUM = 92, 56  #: columns from which on areas have both addresses, and what is resident


class ProcessDetailsPane(SectionPane):
    """Sections of one process."""

    SECTIONS: ClassVar[tuple[str, ...]] = (
        "general", "threads", "descriptors", "areas", "signals", "limits",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "change_limit", "Change", id="processes.limit",
                tooltip="Give the process another limit than the marked one"),
    ]  # fmt: skip

    @dataclass
    class LimitWanted(Message):
        """The user wants to change a limit."""

        pid: int
        limit: LimitView

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Process"
        self.details: ProcessDetails | None = None

    def show_process(self, details: ProcessDetails | None) -> None:
        """Draw ``details``; ``None``: nothing is known yet."""
        if details is not None and self.details is not None and details.pid != self.details.pid:
            self.row = 0
        self.details = details
        self.border_title = "Process" if details is None else f"Process {details.pid}"
        self.border_subtitle = details.comm if details is not None else ""
        self.redraw()

    def section_changed(self) -> None:
        """See `SectionPane.section_changed`; only limits can be marked."""
        self.has_cursor = self.section == "limits"
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to change a limit where limits are."""
        return action != "change_limit" or self.section == "limits"

    def action_change_limit(self) -> None:
        """Ask for the marked limit to be changed."""
        details = self.details
        row = self.row - 1  # below the names of the columns
        if details is not None and 0 <= row < len(details.limits):
            self.post_message(self.LimitWanted(details.pid, details.limits[row]))

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        details = self.details
        if details is None:
            return [Text("mark a process to see what it has", "dim")]
        if not details.found:
            return [Text(f"process {details.pid} is gone", "dim")]
        sections: dict[str, Callable[[ProcessDetails], list[Text]]] = {
            "general": _general,
            "threads": _threads,
            "descriptors": _descriptors,
            "areas": partial(_areas, width=width),
            "signals": _signals,
            "limits": _limits,
        }
        return sections[section](details)


def _general(details: ProcessDetails) -> list[Text]:
    pairs = [("program", details.exe), ("arguments", " ".join(details.arguments))]
    if details.exit_status is not None:
        pairs = [("zombie", _ending(details.exit_status) + "; its parent has not waited for it")]
    pairs += [
        ("children", " ".join(map(str, details.children)) or "none"),
        ("directory", details.cwd),
        ("root", details.root),
        ("umask", f"{details.umask:04o}"),
        ("oom score", f"{details.oom_score_adj:+d}"),
    ]
    cred = details.credentials
    if cred is not None:
        pairs += [
            ("user ids", _ids(cred.uids)),
            ("group ids", _ids(cred.gids)),
            ("groups", " ".join(map(str, cred.groups)) or "none"),
            ("capabilities", f"{cred.effective:#x} effective, {cred.permitted:#x} permitted"),
        ]
        if cred.no_new_privs:
            pairs.append(("no_new_privs", "set"))
    return facts([(name, value) for name, value in pairs if value])


def _ending(status: int) -> str:
    """Say a wait(2) status in words."""
    signo = status & 0x7F
    return f"killed by signal {signo}" if signo else f"exited with {status >> 8 & 0xFF}"


def _ids(ids: tuple[int, int, int, int]) -> str:
    if len(set(ids)) == 1:
        return str(ids[0])
    names = ("real", "effective", "saved", "fs")
    return ", ".join(f"{name} {number}" for name, number in zip(names, ids, strict=True))


def _threads(details: ProcessDetails) -> list[Text]:
    rows = [
        (
            str(thread.tid),
            thread.state,
            time_text(thread.utime_ns + thread.stime_ns),
            count_text(thread.syscalls),
            f"{thread.nice} {_POLICIES.get(thread.policy, '?')}",
            f"{thread.pc:x}",
            thread.comm,
            f"{thread.waiting}  {thread.where}".strip(),
        )
        for thread in details.threads
    ]
    heading = ("TID", "S", "TIME", "CALLS", "NICE", "PC", "NAME", "WAITS IN")
    return table(heading, rows, frozenset((0, 2, 3, 5)))


def _descriptors(details: ProcessDetails) -> list[Text]:
    rows = [
        (
            str(view.fd),
            view.kind,
            view.mode + (" cloexec" if view.cloexec else ""),
            str(view.offset) if view.offset else "",
            str(view.holders),
            view.path,
        )
        for view in details.descriptors
    ]
    return table(("FD", "KIND", "MODE", "OFFSET", "REFS", "PATH"), rows, frozenset((0, 3, 4)))


def _areas(details: ProcessDetails, width: int) -> list[Text]:
    """Draw the areas; where there is less room, what their names do not need is left out first."""
    legend = Text("pages: ", "dim", no_wrap=True)
    for letter, style, name in _STATES:
        legend.append(letter, style)
        legend.append(f" {name}  ", "dim")
    whole, medium = width >= _WHOLE, width >= _MEDIUM
    bar = _BAR if whole else 8 if medium else 5
    heading = f"{'ADDRESS':<{25 if whole else 12}} PERM  SIZE "
    heading += f"{' RSS ' if medium else ''}{'PAGES':<{bar}} BACKEND NAME"
    lines = [Text(heading, "bold", no_wrap=True)]
    room = max(4, width - len(heading) + len("NAME"))
    for area in details.areas:
        line = Text(f"{area.start:012x}", no_wrap=True)
        line.append(f"-{area.end:012x}" if whole else "")
        line.append(f" {area.perms} {size_text(area.end - area.start):>5} ")
        if medium:
            resident = (area.copied + area.shared + area.cached) * _PAGE
            line.append(f"{size_text(resident):>4} ")
        line.append_text(page_bar(area, bar))
        line.append(f" {area.backend:<7} {end_of(area.name, room)}")
        lines.append(line)
    return [legend, *lines]


def page_bar(area: AreaView, width: int) -> Text:
    """Return ``width`` cells that show the states of an area's pages by their share."""
    counts = [getattr(area, field) for _, _, field in _STATES]
    total = sum(counts) or 1
    text = Text(no_wrap=True)
    left = width
    # Those that are there first, each with one cell at least; what was never touched fills up.
    for (letter, style, _), count in list(zip(_STATES, counts, strict=True))[1:]:
        cells = min(left, max(1, round(width * count / total))) if count else 0
        text.append(letter * cells, style)
        left -= cells
    letter, style, _ = _STATES[0]
    return text.append(letter * left, style)


def _signals(details: ProcessDetails) -> list[Text]:
    rows = [
        (
            str(signal.signo),
            signal.name,
            signal.action,
            "pending" if signal.pending else "",
            "blocked" if signal.blocked else "",
        )
        for signal in details.signals
    ]
    if not rows:
        return [Text("every signal is at its default", "dim")]
    return table(("NO", "SIGNAL", "ACTION", "", ""), rows, frozenset((0,)))


def limit_text(value: int) -> str:
    """Return a limit as the shell's ulimit shows it."""
    return "unlimited" if value < 0 else str(value)


def parse_limit(text: str) -> int | None:
    """Read what `limit_text` returns, also with K, M or G behind it; ``None`` if it is neither."""
    if text == "unlimited":
        return -1
    scale = _SCALES.get(text[-1:].upper(), 0)
    digits = text[:-1] if scale else text
    if not digits.isascii() or not digits.isdigit():
        return None
    value = int(digits) << scale
    return value if value < 1 << 64 else None


def _limits(details: ProcessDetails) -> list[Text]:
    rows = [(each.name, limit_text(each.soft), limit_text(each.hard)) for each in details.limits]
    return table(("LIMIT", "SOFT", "HARD"), rows, frozenset((1, 2)))
