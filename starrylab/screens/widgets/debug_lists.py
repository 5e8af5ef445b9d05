"""The one stack, threads and breakpoints; locals and registers of the frame looked at."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType

from ...session.debugging.model import FrameInfo, LocalInfo
from ..debug_state import WITH_FIELDS, DebugState
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

    def __init__(self, state: DebugState, *, id: str | None = None) -> None:
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
            frames = [frame_line(number, f) for number, f in enumerate(self.state.frames)]
            return frames or [Text("the stack of what stopped; p stops the lab", "dim")]
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
        return lines or [Text("the threads of a lab that is stopped", "dim")]

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
    """Locals as a tree, and registers; what changed since the last stop is marked with a star."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("locals", "registers")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "look", "Open", id="debug.value", show=False,
                tooltip="Open the marked variable, or explain the marked register"),
    ]  # fmt: skip
    has_cursor = True

    def __init__(self, state: DebugState, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state = state
        self.border_title = "Data"
        self._paths: list[tuple[int, ...]] = []  #: of the lines of locals; () is no variable

    def follow(self) -> None:
        """Draw the state."""
        self.redraw()

    def hint(self, row: int) -> str:
        """See `Pane.hint`: a register's purpose and fields, as soon as the lab has answered."""
        if self.section != "registers" or row >= len(self.state.registers):
            return ""
        return self.state.purpose_of(self.state.registers[row][0])

    def action_look(self) -> None:
        """Look closer at what is marked."""
        state = self.state
        if self.section == "registers":
            if self.row < len(state.registers):
                state.explain_register(state.registers[self.row][0])
        elif self.row < len(self._paths) and self._paths[self.row]:
            state.toggle_variable(self._paths[self.row])

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        if section == "registers":
            return self._registers()
        self._paths = []
        lines: list[Text] = []
        self._branch((), self.state.variables, lines)
        return lines or [Text("no locals here", "dim")]

    def _branch(
        self, path: tuple[int, ...], variables: tuple[LocalInfo, ...], lines: list[Text]
    ) -> None:
        indent = "  " * len(path)
        for index, variable in enumerate(variables):
            here = (*path, index)
            parts = self.state.opened.get(here)
            mark = "  "
            if variable.expandable:
                mark = "▸ " if parts is None else "▾ "
            first, *rest = variable.text.split("\n")
            self._paths += [here if variable.expandable else (), *[()] * len(rest)]
            style = "dim" if variable.hidden else "bold"
            lines.append(
                Text.assemble(
                    indent, mark, (variable.name, style), f" = {first}  ",
                    (variable.type_name, "dim"), no_wrap=True,
                )
            )  # fmt: skip
            lines += [Text(f"{indent}      {line}", no_wrap=True) for line in rest]
            if parts is not None:
                self._branch(here, parts, lines)

    def _registers(self) -> list[Text]:
        lines = []
        for name, value in self.state.registers:
            changed = name in self.state.changed_registers
            shown = "<lost>" if value is None else f"{value:#x}"
            line = f"{'*' if changed else ' '}{name:<8} {shown}"
            lines.append(Text(line, "bold yellow" if changed else "", no_wrap=True))
        for name in WITH_FIELDS if lines else ():
            first, *fields = self.state.purposes.get(name, "").splitlines() or [""]
            lines += [Text(f" {first}", "bold", no_wrap=True)] if first else []
            lines += [Text(f"   {each}", no_wrap=True) for each in fields]
        return lines or [Text("no registers here", "dim")]
