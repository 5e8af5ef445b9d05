"""The source and the instructions of the frame that is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from ..debug_state import DebugState, Place, addresses_of, places_of
from .sections import SectionPane
from .source import highlighted
from .units import end_of

_LANGUAGES: Final = {
    ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".rs": "rust",
    ".go": "go", ".py": "python", ".s": "gas", ".S": "gas", ".zig": "zig",
}  # fmt: skip


class CodePane(SectionPane):
    """Source and disassembly; the mark follows the program, and moves freely in between."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("source", "disassembly")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b,f9", "breakpoint", "Breakpoint", id="debug.toggle", key_display="b",
                tooltip="Set or delete a breakpoint at the marked line"),
        Binding("u", "run_to", "To line", id="debug.run-to", tooltip="Run to the marked line"),
        Binding("enter", "explain", "Explain", id="debug.explain", show=False,
                tooltip="Say what the marked instruction does"),
    ]  # fmt: skip
    has_cursor = True

    @dataclass
    class Explained(Message):
        """Words about the marked instruction."""

        text: str

    def __init__(self, state: DebugState, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state = state
        self.border_title = "Code"
        self._followed: tuple[object, ...] = ()
        self._styled: tuple[str, list[Text]] = ("", [])

    def follow(self) -> None:
        """Draw the state; put the mark where the frame is, if that changed."""
        frame = self.state.current
        here: tuple[object, ...] = (
            self.section,
            frame.pc if frame is not None else 0,
            frame.line if frame is not None else 0,
            self.state.source.file if self.state.source is not None else "",
            self.state.code.rows[:1] if self.state.code is not None else (),
        )
        if here != self._followed:
            self._followed = here
            self._mark_current()
        self.redraw()

    def lay_out(self, width: int) -> None:
        """See `Pane.lay_out`."""
        super().lay_out(width)
        frame = self.state.current
        place = f"{frame.file}:{frame.line}" if frame and frame.file else ""
        if (place := end_of(place, width - 4)) != self.border_subtitle:
            self.border_subtitle = place

    def section_changed(self) -> None:
        """See `SectionPane.section_changed`."""
        self._mark_current()

    def _mark_current(self) -> None:
        frame, source, code = self.state.current, self.state.source, self.state.code
        if frame is None:
            return
        if self.section == "source" and source is not None:
            self.row = max(0, frame.line - source.first)
        elif self.section == "disassembly" and code is not None:
            rows = [row.address for row in code.rows]
            self.row = rows.index(frame.pc) if frame.pc in rows else 0
        self.centre()

    # -- actions --------------------------------------------------------------------------------

    @property
    def place(self) -> Place | None:
        """The marked source line."""
        source = self.state.source
        if self.section == "source":
            return Place(source.file, source.first + self.row) if source is not None else None
        code = self.state.code
        if code is None or self.row >= len(code.rows):
            return None
        row = code.rows[self.row]
        return Place(row.file, row.line) if row.file else None

    def action_breakpoint(self) -> None:
        """Set or delete a breakpoint."""
        code = self.state.code
        if self.section == "disassembly" and code is not None and self.row < len(code.rows):
            self.state.toggle_address(code.rows[self.row].address)
        elif self.section == "source" and self.place is not None:
            self.state.toggle_line(self.place)

    def action_run_to(self) -> None:
        """Run to the marked line."""
        if self.place is not None:
            self.state.run_to(self.place)

    def action_explain(self) -> None:
        """Say what the marked instruction does."""
        if words := self.hint(self.row):
            self.post_message(self.Explained(words))

    def hint(self, row: int) -> str:
        """See `Pane.hint`: an instruction in words."""
        code = self.state.code
        if self.section != "disassembly" or code is None or row >= len(code.rows):
            return ""
        return f"{code.rows[row].text}: {code.rows[row].explanation}"

    # -- lines ------------------------------------------------------------------------------------

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        if self.state.current is None:
            return [Text("p pauses the lab; B sets a breakpoint (function, file:line, *address)",
                         "dim")]  # fmt: skip
        return self._source() if section == "source" else self._code()

    def _source(self) -> list[Text]:
        source, frame = self.state.source, self.state.current
        if frame is None or source is None:
            where = f" for {frame.function}" if frame is not None and frame.function else ""
            return [Text(f"no source{where}; → shows the instructions", "dim")]
        text = "\n".join(source.lines)
        if self._styled[0] != text:
            language = _LANGUAGES.get(PurePath(source.file).suffix, "text")
            self._styled = (text, highlighted(text, language))
        set_at = {
            place.line
            for point in self.state.points
            for place in places_of(point)
            if place.file == source.file
        }
        here = frame.line if frame.file == source.file else 0
        return [
            _numbered(line, str(number), current=number == here, point=number in set_at)
            for number, line in enumerate(self._styled[1], source.first)
        ]

    def _code(self) -> list[Text]:
        code, frame = self.state.code, self.state.current
        if code is None or frame is None:
            return [Text("no instructions here", "dim")]
        set_at = {addr for point in self.state.points for addr in addresses_of(point)}
        lines = []
        for row in code.rows:
            text = Text(f"{row.data.hex():<9} {row.text}", no_wrap=True)
            if row.target:
                text.append(f"  → {row.target}", "cyan")
            if row.starts_line:
                text.append(f"   {PurePath(row.file).name}:{row.line}", "dim")
            lines.append(
                _numbered(
                    text,
                    f"{row.address:x}",
                    current=row.address == frame.pc,
                    point=row.address in set_at,
                )
            )
        return lines


def _numbered(line: Text, number: str, *, current: bool, point: bool) -> Text:
    """Return a line with its number, an arrow at the current one and a dot at a breakpoint."""
    style = "bold" if current else "dim"
    head = Text.assemble(
        ("●" if point else " ", "bold red"), ("▶" if current else " ", "bold yellow"),
        (f"{number:>5} ", style), no_wrap=True,
    )  # fmt: skip
    head.append_text(line)
    if current:
        head.stylize("bold")
    return head
