"""The terminals of the serial lines, one in sight, and a strip of their names above."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from .terminal import Terminal

_UNREAD = "*"


class LineStrip(Widget):
    """Names of the open lines; the current one stands out, unread output is marked."""

    @dataclass
    class Chosen(Message):
        """The user clicked the name of ``line``."""

        line: int

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[int, str] = {}
        self.current = 0

    def display_lines(self, names: dict[int, str], current: int) -> None:
        """Draw these names; with one alone there is nothing to choose and nothing is drawn."""
        self.names, self.current = names, current
        self.display = len(names) > 1
        self.refresh()

    def render(self) -> Text:
        """Draw the names."""
        text = Text(no_wrap=True)
        for line, name in self.names.items():
            text.append(f" {name} ", "reverse bold" if line == self.current else "")
        return text

    def on_click(self, event: events.Click) -> None:
        """Choose a line."""
        event.stop()
        end = 0
        for line, name in self.names.items():
            end += len(name) + 2
            if event.x < end:
                self.post_message(self.Chosen(line))
                break


class Lines(Vertical):
    """All open lines; line 0 is the console and always open."""

    def __init__(self, console: Terminal) -> None:
        super().__init__(id="lines")
        self.terminals = {0: console}
        self.current = 0
        self.strip = LineStrip()
        self._unread: set[int] = set()

    def compose(self) -> ComposeResult:
        """Lay out the strip and the console."""
        yield self.strip
        yield self.terminals[0]

    @property
    def terminal(self) -> Terminal:
        """The terminal in sight."""
        return self.terminals[self.current]

    def line_of(self, terminal: Terminal) -> int | None:
        """Return the line of ``terminal``; None after it was closed."""
        return next((n for n, found in self.terminals.items() if found is terminal), None)

    def feed(self, line: int, data: bytes) -> bool:
        """Give a line its output; False if it is not open."""
        terminal = self.terminals.get(line)
        if terminal is None:
            return False
        if line and terminal.border_title != _name(line):
            terminal.border_title = _name(line)  # somebody is there after all
        terminal.feed(data)
        if line != self.current and line not in self._unread:
            self._unread.add(line)
            self._draw()
        return True

    async def open(self, line: int, *, listening: bool) -> bool:
        """Open a line, or show one that is open; return whether it is new."""
        is_new = line not in self.terminals
        if is_new:
            terminal = self.terminals[line] = Terminal(id=f"ttyS{line}")
            await self.mount(terminal)
        self.terminals[line].border_title = _name(line) if listening else _deserted(line)
        self.show(line)
        return is_new

    def show(self, line: int) -> None:
        """Bring a line into sight; the focus follows if a terminal has it."""
        had_focus = self.terminal.has_focus
        self.current = line
        self._unread.discard(line)
        for number, terminal in self.terminals.items():
            terminal.display = number == line
        self._draw()
        if had_focus:
            self.screen.set_focus(self.terminal)

    def step(self, steps: int) -> None:
        """Show the next line, or the one before."""
        numbers = sorted(self.terminals)
        self.show(numbers[(numbers.index(self.current) + steps) % len(numbers)])

    def next_closed(self, count: int) -> int | None:
        """Return the first of ``count`` lines that is not open."""
        return next((line for line in range(count) if line not in self.terminals), None)

    async def close_others(self) -> None:
        """Leave only the console: the machine is a new one."""
        self.show(0)
        for line in [line for line in self.terminals if line]:
            await self.terminals.pop(line).remove()
        self._unread.clear()
        self._draw()

    def _draw(self) -> None:
        names = {
            line: f"ttyS{line}{_UNREAD if line in self._unread else ''}"
            for line in sorted(self.terminals)
        }
        self.strip.display_lines(names, self.current)


def _name(line: int) -> str:
    return f"ttyS{line}"


def _deserted(line: int) -> str:
    return f"ttyS{line}: no program of this root listens"
