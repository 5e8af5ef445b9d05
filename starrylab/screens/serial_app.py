"""What the application does for the terminals of the serial lines."""

from __future__ import annotations

from functools import partial

from textual.app import App
from textual.notifications import SeverityLevel

from ..session import protocol
from ..session.front_end import FrontEnd
from ..session.relay import Relay
from . import colours
from .console import ConsoleScreen
from .wide_svg import aligned
from .widgets.terminal import Terminal


class SerialApp(App[None], inherit_bindings=False):
    """Carries bytes, sizes and credit between the lab's lines and their terminals."""

    client: FrontEnd
    relay: Relay | None
    console_screen: ConsoleScreen
    _literal: bool  #: the next key goes to the guest

    def __init__(self) -> None:
        super().__init__()
        self.ansi_theme_dark = colours.DARK
        self.ansi_theme_light = colours.LIGHT

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show words as they are: brackets of the guest's values and names are not markup."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    def export_screenshot(self, *, title: str | None = None, simplify: bool = True) -> str:
        """Return a picture of the window; wide characters have their room.

        ``simplify`` makes one text of neighbours of one style: an underline does not stop early.
        """
        return aligned(super().export_screenshot(title=title, simplify=simplify))

    async def first_sized(self) -> None:
        """React to the console's size; called at each change."""
        raise NotImplementedError

    async def _line_opened(self, event: protocol.LineOpened) -> None:
        lines = self.console_screen.lines
        is_new = await lines.open(event.line, listening=event.listening)
        if is_new and self.relay is not None:
            terminal = lines.terminals[event.line]
            self.relay.add_line(event.line, terminal)
            terminal.tap = partial(self.relay.output, line=event.line)

    async def _forget_lines(self) -> None:
        if self.relay is not None:
            self.relay.forget_lines()
        await self.console_screen.lines.close_others()

    def _line_of(self, message: Terminal.Typed | Terminal.Drawn | Terminal.Resized) -> int | None:
        terminal = message._sender  # noqa: SLF001  # the terminal sets it
        assert isinstance(terminal, Terminal)
        return self.console_screen.lines.line_of(terminal)

    def on_terminal_typed(self, message: Terminal.Typed) -> None:
        """Type into the guest's serial line."""
        self._literal = False
        if (line := self._line_of(message)) is not None:
            self.client.send_input(message.data, line)

    def on_terminal_drawn(self, message: Terminal.Drawn) -> None:
        """Give the lab credit for more output."""
        if (line := self._line_of(message)) is not None:
            self.client.consumed(message.size, line)

    async def on_terminal_resized(self, message: Terminal.Resized) -> None:
        """Tell the guest; the first size is what it boots with."""
        if (line := self._line_of(message)) is None:
            return
        self.client.resize(message.rows, message.columns, line)
        if self.relay is not None:
            self.relay.resized(message.rows, message.columns, line)
        if line == 0:
            await self.first_sized()

    def action_open_line(self) -> None:
        """Open the next serial line."""
        line = self.console_screen.lines.next_closed(protocol.LINES)
        if line is None:
            self.notify(f"all {protocol.LINES} serial lines are open", timeout=2)
        else:
            self.client.open_line(line)

    def action_step_line(self, steps: int) -> None:
        """See `Lines.step`."""
        self.console_screen.lines.step(steps)
