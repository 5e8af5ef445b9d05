"""The process that runs scenarios: it loads `check.py` once and forks for each run.

It never runs a student's code itself.  Each run is a confined child with a pipe for its result;
what it prints is kept, cut to size.  Requests and answers are msgpack after a length, so that
nothing a submission writes can do more than be refused.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from .description import Description, load
from .recording.record import Record
from .sandbox import Policy, confine
from .scenarios import load_scenarios
from .student import KernelPanic, Student, StudentError, explain, stopped_at

if TYPE_CHECKING:
    from .recording.recorder import Recorder

_LENGTH: Final = struct.Struct("<I")
_LARGEST: Final = 16 << 20  #: bytes of one message
_OUTPUT: Final = 16 << 10  #: bytes kept of what a run prints
_LAST_WORDS: Final = 0.5  #: seconds to tell where a run was when its time was over


class Request(msgspec.Struct, frozen=True):
    """Run one scenario."""

    scenario: str
    args: list[Any]
    folder: str
    uid: int | None
    slowness: float
    grace: float  #: seconds of wall-clock beside twice the CPU time
    record: bool = False  #: look on


class Answer(msgspec.Struct, frozen=True):
    """What came of it."""

    kind: str  #: "value", "raised", "panic", "unusable", "died", "late"
    value: Any = None
    detail: str = ""
    detail_zh: str = ""
    output: str = ""  #: what the student's code printed
    record: Record | None = None  #: what was seen, if it was asked for


@dataclass(slots=True)
class _Child:
    pid: int
    result: int  #: descriptors to read from
    output: int


def read_message(fd: int) -> bytes | None:
    """Read one message; ``None`` at the end or for one that is too long."""
    head = _read_exactly(fd, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    return None if length > _LARGEST else _read_exactly(fd, length)


def write_message(fd: int, data: bytes) -> None:
    """Write one message."""
    data = _LENGTH.pack(len(data)) + data
    while data:
        data = data[os.write(fd, data) :]


def _read_exactly(fd: int, size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(fd, size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def load_check(path: Path) -> ModuleType:
    """Execute a lab's `check.py`."""
    spec = importlib.util.spec_from_file_location(f"lab_check_{path.parent.name[:2]}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def serve(lab: Path, requests: int, answers: int) -> None:
    """Answer requests until there are no more."""
    check = load_scenarios(lab / "check.py")
    description = load(lab / "lab.toml")
    sys.path_importer_cache.clear()
    while (data := read_message(requests)) is not None:
        request = msgspec.msgpack.decode(data, type=Request)
        answer = _run(check, description, request, (requests, answers))
        write_message(answers, msgspec.msgpack.encode(answer))


def _run(
    check: ModuleType, description: Description, request: Request, ours: tuple[int, int]
) -> Answer:
    if request.record:
        _recorder()  # here, so that a run does not spend its time on loading it
    child = _fork(check, description, request, ours)
    budget = description.limits.work_seconds * request.slowness
    try:
        result, output, late = _collect(child, time.monotonic() + 2 * budget + request.grace)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        _, status = os.waitpid(child.pid, 0)
        os.close(child.result)
        os.close(child.output)
    shown = output.decode(errors="replace")
    if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return Answer("late", output=shown)
    try:
        answer = msgspec.msgpack.decode(result, type=Answer)
    except msgspec.MsgspecError:
        return Answer("died", detail=_ending(status), output=shown)
    return msgspec.structs.replace(answer, output=shown)


def _recorder() -> type[Recorder]:
    from .recording.recorder import Recorder  # most runs are not looked at

    return Recorder


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit({os.WEXITSTATUS(status)})"


def _fork(
    check: ModuleType, description: Description, request: Request, ours: tuple[int, int]
) -> _Child:
    result, result_end = os.pipe()
    output, output_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(result_end)
        os.close(output_end)
        return _Child(pid, result, output)
    try:
        for fd in (result, output, *ours):
            os.close(fd)
        _become(output_end)
        _answer(check, description, request, lambda answer: _tell(result_end, answer))
    finally:
        os._exit(0)


def _tell(result: int, answer: Answer) -> None:
    sys.stdout.flush()
    data = _encode(answer)
    while data:
        data = data[os.write(result, data) :]


def _become(output: int) -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(fd, target)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


def _answer(
    check: ModuleType, description: Description, request: Request, tell: Callable[[Answer], object]
) -> None:
    """Run the scenario, confined, and tell what came of it; also when it takes too long."""
    folder = Path(request.folder)
    recorder: Recorder | None = None

    def seen(answer: Answer, where: str = "") -> Answer:
        record = recorder.record(where) if recorder is not None else None
        return msgspec.structs.replace(answer, record=record)

    def late(_signal: int, frame: FrameType | None) -> None:
        where = stopped_at(frame, folder)
        tell(seen(Answer("late", detail=where), where))
        os._exit(0)

    if request.record:
        recorder = _recorder()(folder, request.scenario, request.args)
    limits = description.limits
    seconds = limits.work_seconds * request.slowness
    _call_when_late(late, seconds, 2 * seconds + request.grace - _LAST_WORDS)
    answer = Answer("died")
    try:
        used = time.process_time() + _LAST_WORDS
        confine(Policy(folder, limits.memory, seconds + used, request.uid))
        sys.path.insert(0, request.folder)
        answer = _run_scenario(getattr(check, request.scenario), description, request, recorder)
    except BaseException as error:  # whatever it is, it is the submission's
        answer = Answer("raised", detail=explain(error, folder))
    _call_when_late(signal.SIG_IGN, 0, 0)
    tell(seen(answer, answer.detail if answer.kind == "raised" else ""))


def _call_when_late(handler: Any, cpu_seconds: float, seconds: float) -> None:
    """Let ``handler`` be called after so much CPU time, or time; 0: not."""
    for kind, timer, after in (
        (signal.SIGPROF, signal.ITIMER_PROF, cpu_seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, seconds),
    ):
        signal.setitimer(timer, 0)
        signal.signal(kind, handler)
        signal.setitimer(timer, max(after, 0))


def _run_scenario(
    scenario: Any, description: Description, request: Request, recorder: Recorder | None
) -> Answer:
    folder = Path(request.folder)
    if recorder is not None:
        recorder.start()
    try:
        return Answer("value", scenario(Student(folder, description), *request.args))
    except KernelPanic as error:
        return Answer("panic", detail=str(error).replace(f"{folder}/", ""))
    except StudentError as error:
        return Answer("unusable", detail=error.text.en, detail_zh=error.text.zh)


def _encode(answer: Answer) -> bytes:
    try:
        data = msgspec.msgpack.encode(answer)
    except (TypeError, OverflowError, ValueError, RecursionError) as error:
        data = msgspec.msgpack.encode(
            Answer("raised", detail=f"TypeError: not a plain result: {error}")
        )
    if len(data) > _LARGEST:
        data = msgspec.msgpack.encode(
            Answer("raised", detail="ValueError: the result is too large")
        )
    return data


def _collect(child: _Child, deadline: float) -> tuple[bytes, bytes, bool]:
    """Read both pipes to the end of the result; say whether it took too long."""
    parts: dict[int, bytearray] = {child.result: bytearray(), child.output: bytearray()}
    sizes = {child.result: _LARGEST + 1, child.output: _OUTPUT}
    waiting = {child.result, child.output}
    while child.result in waiting:
        left = deadline - time.monotonic()
        if left <= 0:
            return b"", bytes(parts[child.output]), True
        for fd in select.select(list(waiting), [], [], left)[0]:
            data = os.read(fd, 65536)
            if not data:
                waiting.discard(fd)
            room = sizes[fd] - len(parts[fd])
            parts[fd] += data[: max(room, 0)]
    while select.select([child.output], [], [], 0)[0]:
        data = os.read(child.output, 65536)
        if not data:
            break
        parts[child.output] += data[: max(_OUTPUT - len(parts[child.output]), 0)]
    return bytes(parts[child.result]), bytes(parts[child.output]), False


def main() -> None:
    """Serve the lab named on the command line over standard input and output."""
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    serve(Path(sys.argv[1]), requests, answers)


if __name__ == "__main__":
    main()
