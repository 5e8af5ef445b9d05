"""The one stack, threads and breakpoints; locals and registers of the frame looked at."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType

from ...session.debugging.model import FrameInfo
from ..debug_state import DebugState
from .sections import SectionPane

#: kind of a frame -> sign and style; the word behind it carries the meaning
_KINDS: Final = {
    "user": (" ", ""),
    "inlined": ("·", "italic"),
    "signal": ("!", "bold magenta"),
    "syscall": ("»", "bold cyan"),
    "kernel": ("k", "green"),
}


class StackPane(SectionPane):
    """Stack, threads, breakpoints; moving the mark over frames looks at them."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("stack", "threads", "breakpoints")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose_row", "Look", id="debug.look", show=False,
                tooltip="Look at the marked frame or thread"),
        Binding("delete,d", "delete", "Delete", id="debug.delete", show=False,
                tooltip="Delete the marked breakpoint"),
    ]  # fmt: skip
    has_cursor = True

    def __init__(self, state: DebugState, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state
        self.border_title = "Stack"

    def follow(self) -> None:
        """Draw the state."""
        state = self.state
        if self.section == "stack":
            self.row = state.frame
        self.border_subtitle = f"thread {state.tid}" if state.tid else ""
        self.redraw()

    def action_move(self, steps: int) -> None:
        """Move the mark; over frames, look at each."""
        super().action_move(steps)
        if self.section == "stack" and self.row != self.state.frame:
            self.state.look_at_frame(self.row)

    def action_choose_row(self) -> None:
        """Look at what is marked."""
        state = self.state
        if self.section == "threads" and self.row < len(state.threads):
            state.look_at_thread(state.threads[self.row].tid)
            self.choose("stack")
        elif self.section == "stack":
            state.look_at_frame(self.row)

    def action_delete(self) -> None:
        """Delete the marked breakpoint."""
        if self.section == "breakpoints" and self.row < len(self.state.points):
            self.state.delete(self.state.points[self.row].number)

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        if section == "stack":
            return [frame_line(number, f) for number, f in enumerate(self.state.frames)]
        return self._threads() if section == "threads" else self._points()

    def _threads(self) -> list[Text]:
        lines = []
        for thread in self.state.threads:
            here = "*" if thread.tid == self.state.tid else " "
            line = Text(f"{here}{thread.pid:>5} {thread.tid:>5} {thread.state} {thread.name:<15} ",
                        no_wrap=True)  # fmt: skip
            if thread.frame is not None:
                line.append_text(_where(thread.frame))
            lines.append(line)
        return lines

    def _points(self) -> list[Text]:
        lines = []
        for point in self.state.points:
            sign = ("●", "bold red") if point.enabled else ("○", "dim")
            line = Text.assemble(f"{point.number:>3} ", sign, f" {point.what} {point.location}",
                                 no_wrap=True)  # fmt: skip
            if point.condition:
                line.append(f" if {point.condition}", "yellow")
            if point.hits:
                line.append(f"  {point.hits} hit{'s' if point.hits > 1 else ''}", "dim")
            if point.problem:
                line.append(f"  {point.problem}", "red")
            lines.append(line)
        return lines or [Text("no breakpoints; B sets one", "dim")]


def frame_line(number: int, frame: FrameInfo) -> Text:
    """Return one line for a frame."""
    sign, style = _KINDS.get(frame.kind, ("?", ""))
    line = Text.assemble((f"{number:>3} ", "dim"), (f"{sign} ", style), no_wrap=True)
    if frame.kind == "syscall":
        return line.append(frame.text or frame.function, style)
    if frame.kind == "signal":
        return line.append(f"<signal {frame.text}>", style)
    return line.append_text(_where(frame))


def _where(frame: FrameInfo) -> Text:
    name = frame.function or f"{frame.pc:#x}"
    text = Text(name, _KINDS.get(frame.kind, ("", ""))[1], no_wrap=True)
    if frame.arguments:
        values = ", ".join(f"{name}={value}" for name, value in frame.arguments)
        text.append(f"({values})", "not bold")
    if frame.file:
        text.append(f"  {PurePath(frame.file).name}:{frame.line}", "dim not italic")
    elif frame.module:
        text.append(f"  {PurePath(frame.module).name}", "dim not italic")
    if frame.kind == "user" and frame.text:
        text.append(f"  {frame.text}", "red")
    return text


class DataPane(SectionPane):
    """Locals and registers; what changed since the last stop is marked with a star."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("locals", "registers")

    def __init__(self, state: DebugState, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state
        self.border_title = "Data"

    def follow(self) -> None:
        """Draw the state."""
        self.redraw()

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        return self._locals() if section == "locals" else self._registers(width)

    def _locals(self) -> list[Text]:
        lines = []
        for variable in self.state.variables:
            first, *rest = variable.text.split("\n")
            lines.append(
                Text.assemble(
                    (variable.name, "bold"), f" = {first}  ", (variable.type_name, "dim"),
                    no_wrap=True,
                )
            )  # fmt: skip
            lines += [Text("    " + line, no_wrap=True) for line in rest]
        return lines or [Text("no locals here", "dim")]

    def _registers(self, width: int) -> list[Text]:
        cells = []
        for name, value in self.state.registers:
            changed = name in self.state.changed_registers
            shown = "<lost>" if value is None else f"{value:#x}"
            cell = f"{'*' if changed else ' '}{name:<5} {shown:<19}"
            cells.append((cell, "bold yellow" if changed else ""))
        columns = max(1, width // 27)
        rows = -(-len(cells) // columns)
        return [Text.assemble(*cells[row::rows], no_wrap=True) for row in range(rows)]
