"""Commands that run the program: run, continue, the steps, kill, detach."""

from __future__ import annotations

from ...session.debugging import model
from .link import CommandError
from .state import State
from .words import number


class Running:
    """See the module."""

    def __init__(self, state: State) -> None:
        self.state = state

    def run(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        if self.state.started:
            raise CommandError("the program runs already; a new one is a new `starrylab debug`")
        self.continue_(text, "")

    def start(self, text: str, form: str) -> None:
        """See `usage.USAGE`."""
        self.state.link.ask(model.Break("main", temporary=True))
        self.run(text, form)

    def continue_(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.need_stop()
        if text and state.stop is not None and state.stop.breakpoints:
            passes = number(text, "count") - 1
            state.link.ask(model.Change(state.stop.breakpoints[0], ignore=passes))
        self._go(model.Continue(state.stop.tid if state.stop else 0))

    def signal(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.need_stop()
        if text == "0":
            signo = 0
        else:
            signals = state.ask(model.Handle((text,)), model.Signals).signals
            signo = signals[0].number
        self._go(model.Continue(state.stop.tid if state.stop else 0, signo))

    def step(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._step("step", text)

    def next(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._step("next", text)

    def stepi(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._step("stepi", text)

    def nexti(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._step("nexti", text)

    def stepcall(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._step("call", text)

    def finish(self, _text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.full_stack()
        here = state.here
        if here is not None:
            state.say(f"Run till exit from {_frame(here, state.frame)}")
        self._step("finish", "")

    def until(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._step("until", "", text)

    def advance(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        if not text:
            raise CommandError("advance needs a location")
        self._step("until", "", text)

    def _step(self, kind: str, count: str, location: str = "") -> None:
        state = self.state
        state.need_stop()
        times = number(count, "count", 1)
        if times < 1:
            raise CommandError("count: must be 1 or more")
        file, line = state.file_and_line
        command = model.Step(
            kind, state.tid, times, state.alone != "off", state.frame,
            location, file, line,
        )  # fmt: skip
        self._go(command)

    def _go(self, command: model.DebugCommand) -> None:
        started, self.state.started = self.state.started, True
        try:
            self.state.link.ask(command)
        except CommandError:
            self.state.started = started
            raise
        self.state.wait()

    def kill(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.need_stop()
        state.link.ask(model.Kill(number(text, "process number", 0)))
        state.wait()

    def detach(self, _text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.need_stop()
        state.link.ask(model.Detach())
        state.started = True
        state.wait()


def _frame(frame: model.FrameInfo, level: int) -> str:
    from .texts import frame_line

    return frame_line(frame, level)
