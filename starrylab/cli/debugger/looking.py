"""Commands that show: backtrace, frame, list, print, x, disassemble, info ..."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...session.debugging import model
from . import texts
from .link import CommandError
from .state import State
from .words import number, resolve

_LINES = 10  #: lines of one `list`
_LETTERS = "acdfostuxz"


class Looking:
    """See the module."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.infos: dict[str, Callable[[str], None]] = {
            "breakpoints": self._info_points,
            "watchpoints": self._info_points,
            "threads": self._info_threads,
            "processes": self._info_processes,
            "inferiors": self._info_processes,
            "registers": self._info_registers,
            "locals": self._info_locals,
            "args": self._info_args,
            "maps": self._info_maps,
            "proc": self._info_maps,
            "waits": self._info_waits,
            "frame": self._info_frame,
            "signals": self._info_signals,
            "source": self._info_source,
            "stack": lambda text: self.backtrace(text, ""),
        }

    # -- frames

    def backtrace(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.full_stack()
        words = text.split()
        full = "full" in words
        limits = [word for word in words if word != "full"]
        frames = list(enumerate(state.frames))
        if limits:
            most = number(limits[0], "count")
            frames = frames[:most] if most >= 0 else frames[most:]
        for level, frame in frames:
            state.say(texts.frame_line(frame, level, short=level == 0))
            if full:
                self._show_locals(level, "        ")
        if limits and len(frames) < len(state.frames):
            state.say("(More stack frames follow...)")

    def frame(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self.state.need_stop()
        self.state.look(self.state.tid, number(text, "frame number", self.state.frame))
        self.state.show_frame()

    def up(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._move(number(text, "count", 1))

    def down(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._move(-number(text, "count", 1))

    def _move(self, by: int) -> None:
        state = self.state
        state.full_stack()
        wanted = min(max(state.frame + by, 0), len(state.frames) - 1)
        if wanted == state.frame:
            end = "initial" if by > 0 else "bottom (innermost)"
            raise CommandError(f"{end} frame selected; you cannot go further")
        state.look(state.tid, wanted)
        state.show_frame()

    def thread(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.need_stop()
        if text:
            state.look(number(text, "thread id"), 0)
        state.say(f"[Current thread is {state.tid}]")
        state.show_frame()

    # -- values

    def print(self, text: str, form: str) -> None:
        """See `usage.USAGE`."""
        if form and form not in _LETTERS:
            raise CommandError(f"undefined output format '{form}'")
        self.state.need_stop()
        if not text:
            raise CommandError("argument required (expression to compute)")
        self.state.say(self._value(text, form))

    def _value(self, text: str, form: str = "") -> str:
        state = self.state
        return state.ask(model.Evaluate(text, state.tid, state.frame, form), model.Text).text

    def whatis(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self._describe(text, "name")

    def ptype(self, text: str, form: str) -> None:
        """See `usage.USAGE`."""
        if form not in ("", "o"):
            raise CommandError(f"undefined output format '{form}'")
        self._describe(text, "layout" if form else "definition")

    def _describe(self, text: str, form: str) -> None:
        state = self.state
        state.need_stop()
        if not text:
            raise CommandError("argument required (expression or type)")
        found = state.ask(model.Describe(text, state.tid, state.frame, form), model.Lines).lines
        self._say_all((f"type = {found[0]}", *found[1:]))

    def set(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        word, _, rest = text.partition(" ")
        if word in ("var", "variable"):
            self.state.need_stop()
            self._value(rest)
        elif word == "scheduler-locking" and rest in ("off", "step", "on"):
            self.state.alone = rest
        elif word == "detach-on-fork" and rest in ("on", "off"):
            self.state.link.ask(model.Follow(rest == "off"))
        elif word not in ("confirm", "pagination", "height", "width"):
            raise CommandError("set what? var EXPR, scheduler-locking off|step|on, detach-on-fork")

    def x(self, text: str, form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.need_stop()
        form = form or state.examined[0]
        expression = text or f"{state.examined[1]:#x}"
        found = state.ask(model.Examine(expression, form, state.tid, state.frame), model.Lines)
        for line in found.lines:
            state.say(line)
        state.examined = (re.sub(r"^-?\d+", "", form) or "xw", found.following)

    def disassemble(self, text: str, form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        state.need_stop()
        code = state.ask(model.Disassemble(text, state.tid, state.frame), model.Code)
        here = state.here
        for line in texts.code_lines(code.rows, here.pc if here else code.pc, form=form):
            state.say(line)

    def directory(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        self.state.folders = tuple(text.split()) + self.state.folders if text else ()

    def list(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        state = self.state
        file, line = state.file_and_line
        where, start, count = "", max(1, line - 5), _LINES
        first, comma, last = text.partition(",")
        if comma and first.strip().isdigit():
            start = int(first)
            if last.strip():
                count = max(1, number(last.strip(), "last line") - start + 1)
        elif text or not (file or state.listed[0]):
            where, start = text or "main", line
        elif state.listed[0] == file and state.listed[1]:
            start = state.listed[1]
        found = state.source(where, file, start, count)
        for row in texts.source_lines(found):
            state.say(row)
        state.listed = (found.file, found.first + len(found.lines))

    # -- info

    def info(self, text: str, _form: str) -> None:
        """See `usage.USAGE`."""
        word, _, rest = text.partition(" ")
        if not word:
            raise CommandError(f"info what? {', '.join(self.infos)}")
        aliases = {"b": "breakpoints", "s": "stack", "r": "registers", "f": "frame"}
        self.infos[aliases.get(word) or resolve(word, list(self.infos), "info")](rest.strip())

    def _say_all(self, lines: object) -> None:
        for line in lines:  # type: ignore[attr-defined]
            self.state.say(line)

    def _info_points(self, _text: str) -> None:
        points = self.state.ask(model.ListPoints(), model.Points).points
        if not points:
            self.state.say("No breakpoints or watchpoints.")
            return
        self.state.say("Num     Type           Disp Enb Where")
        for point in points:
            self._say_all(texts.point_lines(point))

    def _info_threads(self, _text: str) -> None:
        threads = self.state.ask(model.ListThreads(), model.Threads)
        self._say_all(texts.thread_lines(threads, self.state.tid))

    def _info_processes(self, _text: str) -> None:
        threads = self.state.ask(model.ListThreads(), model.Threads)
        self._say_all(texts.process_lines(threads, self.state.tid))

    def _info_registers(self, text: str) -> None:
        state = self.state
        state.need_stop()
        registers = state.ask(model.GetRegisters(state.tid, state.frame), model.Registers)
        names = {name for name, _ in registers.registers}
        wanted = [word.removeprefix("$") for word in text.split()]
        plain = [word for word in wanted if word in names]
        if plain or not wanted:
            self._say_all(texts.register_lines(registers, plain))
        for word in wanted:
            if word not in names:  # such as fcsr, whose fields tell more than its value
                self._say_all(
                    state.ask(
                        model.ExplainRegister(word, state.tid, state.frame), model.Lines
                    ).lines
                )

    def _show_locals(self, level: int, indent: str = "", *, arguments: bool = False) -> bool:
        state = self.state
        try:
            found = state.ask(model.GetLocals(state.tid, level), model.Locals)
        except CommandError:
            return False
        shown = [
            v for v in found.variables
            if v.is_argument == arguments and (arguments or not v.hidden)
        ]  # fmt: skip
        for v in shown:
            state.say(f"{indent}{v.name} = {v.text}")
        return bool(shown)

    def _info_locals(self, _text: str) -> None:
        self.state.need_stop()
        if not self._show_locals(self.state.frame):
            self.state.say("No locals.")

    def _info_args(self, _text: str) -> None:
        self.state.need_stop()
        if not self._show_locals(self.state.frame, arguments=True):
            self.state.say("No arguments.")

    def _info_maps(self, text: str) -> None:
        pid = text.removeprefix("mappings").strip()
        found = self.state.ask(model.GetMaps(number(pid, "process number", 0)), model.Lines)
        self.state.say("         Start            End Perms Offset File")
        self._say_all(found.lines)

    def _info_waits(self, _text: str) -> None:
        self._say_all(self.state.ask(model.GetWaits(), model.Lines).lines)

    def _info_frame(self, _text: str) -> None:
        self.state.full_stack()
        self.state.show_frame()

    def _info_signals(self, text: str) -> None:
        self._say_all(texts.signal_lines(
            self.state.ask(model.Handle(tuple(text.split())), model.Signals)))  # fmt: skip

    def _info_source(self, _text: str) -> None:
        file, line = self.state.file_and_line
        self.state.say(f"{file}:{line}" if file else "No current source file.")
