"""Looks on while a scenario runs, in the process of the student's code.

Benches tell it of their kernels (`follow`, `over`); what the student's functions are asked and
answer it sees by itself.  Nothing of this is there unless a goal failed.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...debug.last_stacks import LastStacks
from ...debug.stack import Stacks
from ...debug.stack_text import format_stack
from ...debug.trace import JsonLines, Tracer
from ...machine.api import EXEC, READ, WRITE
from .active import ACTIVE
from .python_calls import PythonCalls, shown
from .record import Record
from .state import state_of

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.thread import Thread

_ACCESS: Final = ((READ, "read"), (WRITE, "write"), (EXEC, "execute"))
_EVENTS: Final = 2000  #: kept; the latest
_KERNELS: Final = 8  #: whose state is kept; the latest
_STACKS: Final = 32 << 10  #: characters


class _Followed:
    """One kernel."""

    def __init__(self, kernel: Kernel, emit: Any) -> None:
        self.kernel = kernel
        self.stacks = Stacks(kernel)
        self.last = LastStacks(self.stacks)
        self.found: tuple[str, dict[str, Any]] | None = None
        self._emit = emit
        Tracer(kernel, [JsonLines(emit)]).trace_all()
        kernel.events.subscribe("page_fault", self._fault)

    def _fault(self, thread: Thread, addr: int, access: int, _before: int, entry: int) -> None:
        wanted = "".join(letter for bit, letter in _ACCESS if access & bit)
        found = {"type": "fault", "tid": thread.tid, "addr": hex(addr), "access": wanted}
        self._emit(json.dumps(found | {"text": "a page" if entry else "refused"}))

    def look(self) -> tuple[str, dict[str, Any]]:
        """Return stacks and state; what they were when the run was over, if it is."""
        return self.found or (self._stacks(), state_of(self.kernel))

    def _stacks(self) -> str:
        kernel = self.kernel
        parts = [f"{kernel.panic_text}"] if kernel.panic_text is not None else []
        parts += [death.text() for death in self.last.deaths.values()]
        for tid, thread in sorted(kernel.threads.items()):
            if not thread.exited:
                comm = thread.comm.decode(errors="replace")
                parts.append(f"thread {tid} ({comm}):\n{format_stack(self.stacks.of(thread))}")
        return "\n".join(parts)


class Recorder:
    """Records until `record` is asked for; made by the process that runs the scenario."""

    def __init__(self, folder: Path, scenario: str, arguments: Sequence[object] = ()) -> None:
        self._events: deque[str | dict[str, Any]] = deque(maxlen=_EVENTS)
        self._seen = 0
        self._kernels: deque[_Followed] = deque(maxlen=_KERNELS)
        self._folder = folder
        self._calls = PythonCalls(folder, self._emit)
        self._scenario = f"{scenario}({', '.join(map(shown, arguments))})"

    def start(self) -> None:
        """Look on from now on."""
        ACTIVE.set(self)
        self._emit(json.dumps({"type": "scenario", "name": self._scenario}))
        self._calls.start()

    def _emit(self, line: str | dict[str, Any]) -> None:
        self._seen += 1
        self._events.append(line)

    def follow(self, kernel: Kernel) -> None:
        """Record what happens in a kernel that was just built."""
        self._kernels.append(_Followed(kernel, self._emit))

    def over(self, kernel: Kernel) -> None:
        """Look at a kernel whose run has ended, while its memory is there."""
        for followed in self._kernels:
            if followed.kernel is kernel:
                followed.found = followed.look()

    def record(self, where: str = "") -> Record:
        """Return what was seen, and stop; ``where`` is a stack of the student's own code."""
        self._calls.stop()
        seen = [followed.look() for followed in self._kernels]
        stack = "\n".join([*filter(None, [where]), *(text for text, _ in seen if text)])
        return Record(
            tuple(map(_text, self._events)),
            self._seen - len(self._events),
            stack.replace(f"{self._folder}/", "")[-_STACKS:],
            json.dumps([state for _, state in seen]),
        )


def _text(event: str | dict[str, Any]) -> str:
    return event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
