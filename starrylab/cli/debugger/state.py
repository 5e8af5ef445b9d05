"""What the debugger's commands share: the link, the selected thread and frame, where to print."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...session.debugging import model
from ...session.protocol import Crashed, Exited, Failed
from .link import CommandError, Ending, Link
from .texts import frame_line, source_lines

A = TypeVar("A")


class State:
    """One debugging session as its user sees it."""

    def __init__(self, link: Link, write: Callable[[str], object], program: str) -> None:
        self.link = link
        self.write = write
        self.program = program
        self.stop: model.Stopped | None = None
        self.tid = 0
        self.frame = 0
        self.frames: tuple[model.FrameInfo, ...] = ()
        self.started = False
        self.folders: tuple[str, ...] = ()  #: where else source files may be
        self.status: int | None = None  #: what a shell would say of the program's end
        self.listed: tuple[str, int] = ("", 0)  #: file, and the line behind what `list` showed
        self.alone = "off"  #: scheduler-locking: "off", "step" or "on"
        self.silent: set[int] = set()  #: breakpoints whose commands begin with "silent"
        self.examined = ("xw", 0)  #: format of the last `x`, and where the next goes on

    def say(self, text: str) -> None:
        """Print a line."""
        self.write(text + "\n")

    def ask(self, command: model.DebugCommand, kind: type[A]) -> A:
        """Send a command; return its answer, which is a ``kind``."""
        answer = self.link.ask(command)
        assert isinstance(answer, kind)
        return answer

    # -- where the user looks

    def need_stop(self) -> None:
        """Raise `CommandError` unless there is a stopped program."""
        if self.stop is None or self.link.ending is not None:
            raise CommandError("the program is not being run")

    def look(self, tid: int, frame: int) -> model.FrameInfo:
        """Select a thread and one of its frames."""
        frames = self.ask(model.GetStack(tid), model.Stack).frames
        if not 0 <= frame < len(frames):
            raise CommandError(f"no frame at level {frame}")
        self.tid, self.frame, self.frames = tid, frame, frames
        found = frames[frame]
        self.listed = (found.file, 0) if found.line else self.listed
        return found

    @property
    def here(self) -> model.FrameInfo | None:
        """The selected frame."""
        return self.frames[self.frame] if self.frame < len(self.frames) else None

    @property
    def file_and_line(self) -> tuple[str, int]:
        """Where LINE and +N count from."""
        here = self.here
        if here is not None and here.line:
            return here.file, here.line
        return self.listed[0], 0

    def show_frame(self, *, with_number: bool = True) -> None:
        """Print the selected frame and its source line."""
        here = self.here
        if here is None:
            return
        at_start = self.frame == 0
        self.say(frame_line(here, self.frame if with_number else -1, short=at_start))
        self.show_line(here)

    def show_line(self, frame: model.FrameInfo) -> None:
        """Print a frame's source line, if it is at hand."""
        if not frame.line:
            return
        self.listed = (frame.file, 0)
        try:
            found = self.source("", frame.file, frame.line, 1)
        except CommandError:
            self.say(f"{frame.line}\tin {frame.file}")
            return
        for line in source_lines(found):
            self.say(line)

    def source(self, location: str, file: str, first: int, count: int) -> model.Source:
        """Return source lines."""
        command = model.GetSource(location, file, first, count, self.tid, self.folders)
        return self.ask(command, model.Source)

    # -- running

    def wait(self) -> model.Stopped | Ending:
        """Wait for a stop and tell of it."""
        before = self.here
        self.stop = None
        event = self.link.wait()
        if isinstance(event, model.Stopped):
            self.stop = event
            self._tell(event, before)
        else:
            self._tell_end(event)
        return event

    def _tell(self, stop: model.Stopped, before: model.FrameInfo | None) -> None:
        self.tid, self.frame, self.frames = stop.tid, stop.number, ()
        if not self.started:
            return  # before its first instruction
        if self.silent.intersection(stop.breakpoints):
            self.frames = (stop.frame,) * (stop.number + 1) if stop.frame is not None else ()
            return
        if stop.text:
            self.say(("" if stop.text.startswith("[") else "\n") + stop.text)
        if stop.reason == "process exit":
            self.status = _shell_status(stop.status)
        if stop.frame is None:
            return
        self.frames = (*(stop.frame,) * (stop.number + 1),)
        same = (
            before is not None
            and stop.reason == "step"
            and before.kind == stop.frame.kind
            and before.function == stop.frame.function
            and stop.frame.line
            and not stop.text
        )
        if not same:
            self.say(frame_line(stop.frame, -1, short=bool(stop.frame.line)))
        self.show_line(stop.frame)

    def _tell_end(self, event: Ending) -> None:
        if isinstance(event, Exited):
            self.status = _shell_status(event.status)
            return
        self.status = 125
        if isinstance(event, Failed):
            return  # the command line tells
        self.say(event.reason if isinstance(event, Crashed) else event.text)

    def full_stack(self) -> None:
        """Read the whole stack of the selected thread, once a stop."""
        self.need_stop()
        self.frames = self.ask(model.GetStack(self.tid), model.Stack).frames


def _shell_status(status: int) -> int:
    """Return a wait(2) status as a shell's ``$?``."""
    return 128 + (status & 0x7F) if status & 0x7F else status >> 8 & 0xFF
