"""Commands about breakpoints: break, watch, catch, condition, ignore, delete ..."""

from __future__ import annotations

from typing import Final

from ...session.debugging import model
from .link import CommandError
from .state import State
from .texts import new_point, signal_lines
from .words import number, numbers, place_and_condition, resolve

_CAUGHT: Final = [
    "syscall", "signal", "fork", "vfork", "clone", "exec", "exit", "throw", "rethrow", "catch",
]  # fmt: skip
_ACTIONS: Final = {
    "stop": ("stop", True), "nostop": ("stop", False), "print": ("show", True),
    "noprint": ("show", False), "pass": ("passed", True), "nopass": ("passed", False),
    "ignore": ("passed", False), "noignore": ("passed", True),
}  # fmt: skip


class Points:
    """See the module."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.last = 0  #: the breakpoint that was set last

    def break_(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._break(text, temporary=False)

    def tbreak(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._break(text, temporary=True)

    def _break(self, text: str, *, temporary: bool) -> None:
        location, thread, condition = place_and_condition(text)
        file, line = self.state.file_and_line
        self._made(model.Break(location, file, line, condition, temporary, tid=thread))

    def _made(self, command: model.DebugCommand) -> None:
        for point in self.state.ask(command, model.Points).points:
            self.last = point.number
            self.state.say(new_point(point))

    def watch(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._watch(text, "write")

    def rwatch(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._watch(text, "read")

    def awatch(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._watch(text, "access")

    def _watch(self, text: str, access: str) -> None:
        expression, _, condition = place_and_condition(text)
        if not expression:
            raise CommandError("argument required (expression to watch)")
        state = self.state
        self._made(model.WatchMemory(expression, access, state.tid, state.frame, condition))

    def catch(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        words, _, condition = place_and_condition(text)
        kind, *names = words.split() or [""]
        kind = resolve(kind, _CAUGHT, "event") if kind else ""
        if not kind:
            raise CommandError(f"catch what? {', '.join(_CAUGHT)}")
        kind = "fork" if kind == "vfork" else kind
        self._made(model.Catch(kind, tuple(names), condition))

    def condition(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        which, _, condition = text.partition(" ")
        found = number(which, "breakpoint number")
        self.state.link.ask(model.Change(found, condition=condition.strip()))
        if not condition:
            self.state.say(f"Breakpoint {found} now unconditional.")

    def ignore(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        which, _, count = text.partition(" ")
        found, left = number(which, "breakpoint number"), number(count.strip(), "count")
        self.state.link.ask(model.Change(found, ignore=left))
        self.state.say(f"Will ignore next {left} crossings of breakpoint {found}.")

    def delete(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        for found in numbers(text.removeprefix("breakpoints").strip()) or [0]:
            self.state.link.ask(model.Delete(found))

    def enable(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._enable(text, on=True)

    def disable(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._enable(text, on=False)

    def _enable(self, text: str, *, on: bool) -> None:
        found = numbers(text)
        if not found:
            found = [p.number for p in self.state.ask(model.ListPoints(), model.Points).points]
        for each in found:
            self.state.link.ask(model.Change(each, enabled=on))

    def clear(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        points = self.state.ask(model.ListPoints(), model.Points).points
        found = [p.number for p in points if p.location == text]
        if not found:
            raise CommandError(f"no breakpoint at {text}")
        for each in found:
            self.state.link.ask(model.Delete(each))
        self.state.say(f"Deleted breakpoint{'s' * (len(found) > 1)} {' '.join(map(str, found))}")

    def handle(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        names: list[str] = []
        changes: dict[str, bool | None] = dict.fromkeys(("stop", "show", "passed"))
        for word in text.split():
            if word in _ACTIONS:
                field, value = _ACTIONS[word]
                changes[field] = value
            else:
                names.append(word)
        if not names:
            raise CommandError("argument required (signal to handle)")
        if changes["stop"]:
            changes["show"] = True
        signals = self.state.ask(model.Handle(tuple(names), **changes), model.Signals)
        for line in signal_lines(signals):
            self.state.say(line)
