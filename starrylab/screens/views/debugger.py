"""The debugger: code, the one stack, data; keys as gdb and VS Code have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from ...session.debugging.model import DebugCommand, Resumed, Stopped
from ..debug_state import DebugState, Tell
from ..widgets.debug_code import CodePane
from ..widgets.debug_lists import DataPane, StackPane
from ..widgets.split import Split
from .asking import AskingView

#: what the line at the bottom asks for -> its hint
_PROMPTS: Final = {
    "break": "Breakpoint: FUNCTION, FILE:LINE or *ADDRESS (Enter: set, Escape: close)",
    "watch": "Watch: an expression that names memory (Enter: set, Escape: close)",
    "print": "Print: an expression (Enter: evaluate, Escape: close)",
}
#: Actions of the console whose keys VS Code gives to its debugger: F5, F9, F10.
_TAKEN: Final = frozenset(("zoom", "restart", "quit"))


class DebuggerView(AskingView):
    """Drives one `DebugState`."""

    NAME: ClassVar[str] = "Debugger"
    SHARE: ClassVar[tuple[int, int]] = (34, 28)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,f5", "go_on", "Continue", id="debug.continue", key_display="c",
                tooltip="Let the lab run"),
        Binding("p", "pause", "Pause", id="debug.pause", tooltip="Stop the lab"),
        Binding("n,f10", "step('next')", "Next", id="debug.next", key_display="n",
                tooltip="To the next line, over calls"),
        Binding("s,f11", "step('step')", "Step", id="debug.step", key_display="s",
                tooltip="To the next line, into calls"),
        Binding("f,shift+f11", "step('finish')", "Finish", id="debug.finish", key_display="f",
                tooltip="Out of this function"),
        Binding("i", "step('stepi')", "Stepi", id="debug.stepi",
                tooltip="One instruction; a system call shows the kernel's function"),
        Binding("I", "step('nexti')", "Nexti", id="debug.nexti", show=False,
                tooltip="One instruction, over calls"),
        Binding("B", "prompt('break')", "Break at", id="debug.break", show=False,
                tooltip="Set a breakpoint where you say"),
        Binding("w", "prompt('watch')", "Watch", id="debug.watch", show=False,
                tooltip="Stop when memory is written"),
        Binding("x", "prompt('print')", "Print", id="debug.print", show=False,
                tooltip="Evaluate an expression"),
    ]  # fmt: skip

    @dataclass
    class Commanded(Message):
        """A command for the debugger; `tell` takes the reply."""

        command: DebugCommand
        tell: Tell

    def __init__(self) -> None:
        super().__init__()
        self.state = DebugState(
            lambda command, tell: self.post_message(self.Commanded(command, tell)),
            self._draw,
            lambda text: self.notify(text, timeout=6),
        )
        self.code = CodePane(self.state, id="debug-code")
        self.stack = StackPane(self.state, id="debug-stack")
        self.data = DataPane(self.state, id="debug-data")
        self.entry = Input(id="debug-entry")
        self._asked = ""
        self._below = Split(self.stack, self.data, percent=(56, 56), id="debug-below")
        self._root = Split(self.code, self._below, inner=True, percent=(50, 60), id="debug-split")

    @property
    def root(self) -> Split:
        """See `View.root`."""
        return self._root

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.code, self.stack, self.data)

    # -- events -------------------------------------------------------------------------------

    def debug_event(self, event: Stopped | Resumed) -> None:
        """Learn that the lab stands still, or goes on."""
        if isinstance(event, Stopped):
            self.state.stopped(event)
        else:
            self.state.resumed()

    def look_at_process(self, pid: int) -> None:
        """Stop the lab if it runs, and look at a process."""
        self.state.look_at_process(pid)

    def takes(self, action: str, focused: Widget | None) -> bool:
        """Tell whether a pane in here has a use of its own for the key of a console's action."""
        return action in _TAKEN and focused in self.panes

    def forget(self) -> None:
        """Begin anew with another machine."""
        self.state.forget()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        state = self.state
        if state.running:
            self.code.border_title = "Code (running)"
        elif state.stop is not None:
            headline = state.stop.text.strip().splitlines()
            self.code.border_title = headline[0] if headline else f"Stopped: {state.stop.reason}"
        for pane in (self.code, self.stack, self.data):
            pane.set_class(state.running, "-stale")
            pane.follow()

    # -- actions ------------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """Let the lab run."""
        self.state.go_on()

    def action_pause(self) -> None:
        """Stop the lab."""
        self.state.pause()

    def action_step(self, kind: str) -> None:
        """Step in gdb's words."""
        self.state.step(kind)

    def action_prompt(self, what: str) -> None:
        """Ask for words."""
        self._asked = what
        self.open_line(prompt=_PROMPTS[what])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what was asked for."""
        event.stop()
        text = event.value.strip()
        if text:
            {
                "break": self.state.set_breakpoint,
                "watch": self.state.watch,
                "print": self.state.evaluate,
            }[self._asked](text)
        self.close_line()

    def on_code_pane_explained(self, message: CodePane.Explained) -> None:
        """Show the words."""
        message.stop()
        self.notify(message.text, timeout=10)
