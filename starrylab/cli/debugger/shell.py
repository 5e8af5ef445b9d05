"""Reads commands, from a terminal, scripts and the command line, and does them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from ...session.debugging import model
from .link import CommandError
from .looking import Looking
from .points import Points
from .running import Running
from .state import State
from .usage import USAGE
from .words import number, resolve, split

Rule = Callable[[str, str], None]
_REPEATED: Final = frozenset(
    {"step", "next", "stepi", "nexti", "continue", "list", "x", "up", "down", "until"}
)
_MAX_DEPTH: Final = 20  #: of files that `source` reads, in one another


def _is_text(line: str) -> bool:
    """Tell a line of text from one with bytes that are no UTF-8 (surrogates stand for them)."""
    return not any("\ud800" <= letter <= "\udfff" for letter in line)


class Quit(Exception):
    """The user wants to leave."""


class Shell:
    """The commands, and who types them."""

    def __init__(self, state: State) -> None:
        self.state = state
        running, points, looking = Running(state), Points(state), Looking(state)
        self._points = points
        self._obeying = False  #: such commands are being done
        self.failed = False  #: the last command did
        self._depth = 0  #: of `source` in one another
        self._scripts: dict[int, list[str]] = {}  #: breakpoint -> its `commands`
        self.rules: dict[str, Rule] = {
            "help": self._help, "quit": self._quit, "echo": self._echo, "type": self._type,
            "source": self._source,
        }  # fmt: skip
        for name in USAGE:
            for part in (running, points, looking):
                rule = getattr(part, name, None) or getattr(part, f"{name}_", None)
                if rule is not None:
                    self.rules[name] = rule

    # -- one command

    def do(self, line: str, more: Iterator[str]) -> str:
        """Do one command; ``more`` are the lines behind it.  Returns its name.

        Raises `CommandError` and `Quit`.
        """
        try:
            name = self._do(line.strip(), more)
        except CommandError:
            self.failed = True
            raise
        self.failed = False
        return name

    def _do(self, line: str, more: Iterator[str]) -> str:
        if not line.isascii() and not _is_text(line):
            raise CommandError("a command has to be text in UTF-8")
        if not line or line.startswith("#"):
            return ""
        word, form, rest = split(line)
        name = resolve(word, [*self.rules, "commands"])
        if name == "commands":
            self._commands(rest, more)
            return name
        if name == "thread" and rest.startswith("apply "):
            self._apply(rest.removeprefix("apply "), more)
            return name
        before = self.state.stop
        self.rules[name](rest, form)
        if self.state.stop is not before:
            self._run_scripts()
        return name

    def _run_scripts(self) -> None:
        """Do the `commands` of the breakpoints that were met, and of those that they lead to."""
        if self._obeying:
            return
        self._obeying = True
        try:
            while self._met_again():
                pass
        finally:
            self._obeying = False

    def _met_again(self) -> bool:
        """Do what this stop asks for; tell whether that led to another stop.

        As in gdb, what stands behind a command that lets the program go on is not done.
        """
        stop = self.state.stop
        for found in stop.breakpoints if stop is not None else ():
            more = iter(self._scripts.get(found, ()))
            for line in more:
                self.do(line, more)
                if self.state.stop is not stop:
                    return True
        return False

    def _commands(self, text: str, more: Iterator[str]) -> None:
        """See `usage.USAGE`."""
        which = number(text, "breakpoint number", self._points.last)
        lines = []
        for line in more:
            if line.strip() == "end":
                break
            lines.append(line)
        if lines and lines[0].strip() == "silent":
            self.state.silent.add(which)
            del lines[0]
        self._scripts[which] = lines

    def _apply(self, text: str, more: Iterator[str]) -> None:
        state = self.state
        state.need_stop()
        word, _, command = text.partition(" ")
        threads = state.ask(model.ListThreads(), model.Threads).threads
        wanted = [t.tid for t in threads] if word == "all" else [number(word, "thread id")]
        before = state.tid, state.frame
        for tid in wanted:
            state.say(f"\nThread {tid}:")
            state.look(tid, 0)
            try:
                self.do(command, more)
            finally:
                state.look(*before)

    def script(self, lines: Iterable[str], name: str = "") -> None:
        """Do the lines of a script; the first error ends it: `CommandError` with its line."""
        more = iter(lines)
        for count, line in enumerate(more, 1):
            try:
                self.do(line, more)
            except CommandError as error:
                raise CommandError(f"{name}:{count}: {error}" if name else str(error)) from None

    # -- commands of the shell itself

    def _help(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        names = [resolve(text, list(self.rules))] if text else sorted(self.rules)
        for name in names:
            form, meaning = USAGE[name]
            self.state.say(f"{form} -- {meaning}")

    def _quit(self, _text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        raise Quit

    def _echo(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self.state.write(text.replace("\\n", "\n").replace("\\t", "\t"))

    def _type(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self.state.link.type(text.replace("\\n", "\n").encode())

    def _source(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        if self._depth == _MAX_DEPTH:
            raise CommandError(f"{text}: files in one another are nested too deeply")
        try:
            lines = Path(text).read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise CommandError(f"{text}: {reason}") from None
        self._depth += 1
        try:
            self.script(lines, text)
        finally:
            self._depth -= 1

    # -- who types

    def interact(self, lines: Iterator[str], complain: Callable[[str], object]) -> None:
        """Do what is typed up to the end of input; an empty line repeats a step."""
        last = ""
        for line in lines:
            text = line.strip() or last
            last = ""
            try:
                name = self.do(text, lines)
            except CommandError as error:
                complain(str(error))
                continue
            if name in _REPEATED:
                last = "list" if name == "list" else text


def terminal_lines(prompt: str) -> Iterator[str]:
    """Yield what is typed at a terminal, with line editing and history."""
    import readline

    readline.parse_and_bind("tab: complete")
    while True:
        try:
            yield input(prompt)
        except KeyboardInterrupt:
            sys.stdout.write("\n")
        except EOFError:
            sys.stdout.write("quit\n")
            return
