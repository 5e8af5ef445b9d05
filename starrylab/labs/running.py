"""Run a lab's scenarios on one submission, from the judging side.

`Submission` is a private copy of the student's files; `Runner` a worker process for one lab,
which serves any number of submissions in turn.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from .api import Refused, Scenario, with_name
from .catalog import Lab, LabError
from .compiling import compile_program
from .pace import slowness
from .recording.record import Record
from .sandbox import user_of_its_own
from .texts import Text
from .worker import Answer, Request, read_message, write_message

_LARGEST_FILE: Final = 1 << 20  #: bytes of one file of a submission
_TRACED: Final = ("raised", "panic", "late")
#: environment variables that a submission may see; others may hold secrets of who grades
_PASSED: Final = re.compile(r"(HOME|LANG|PATH|TMPDIR|TZ)$|LC_|PYTHON|STARRYLAB_|XDG_")
_CALLS_SHOWN: Final = 8
_STUCK: Final = 0.25  #: of the time, for a recorded run of what was late before
_SLOWER: Final = 3.0  #: a run that is looked at

_DIED: Final = Text(
    "your code ended the process without a result ({})", "你的代码没有给出结果就结束了进程（{}）"
)
LATE: Final = Text(
    "your code took more time than this lab permits: does a loop never end?",
    "你的代码超过了本实验的时间限制：是否有循环永不结束？",
)


class Runner:
    """The worker process of one lab."""

    def __init__(self, lab: Lab, *, grace: float = 5.0) -> None:
        self.lab = lab
        self.grace = grace  #: seconds that a run may do nothing
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Request) -> Answer:
        """Run a scenario; `LabError` where the worker itself fails."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            write_message(process.stdin.fileno(), msgspec.msgpack.encode(request))
            data = read_message(process.stdout.fileno())
        except BrokenPipeError:
            data = None
        if data is None:
            self.close()
            raise LabError(f"{self.lab.name}: check.py cannot be loaded; see the message above")
        return msgspec.msgpack.decode(data, type=Answer)

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: a submission's folder is never on the path of the process that judges it.
        command = [sys.executable, "-P", "-m", "starrylab.labs.worker", str(self.lab.folder)]
        environment = {name: os.environ[name] for name in os.environ if _PASSED.match(name)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment
        )
        return self._process

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            with self._process:  # closes its pipes, which ends it, and waits
                pass
            self._process = None


@contextmanager
def private_copy(lab: Lab, source: Path) -> Iterator[tuple[Path, int | None]]:
    """Yield a folder with the submission's files, and the user who owns it, for one check."""
    uid = user_of_its_own(secrets.randbits(28))
    folder = Path(tempfile.mkdtemp(prefix="starrylab-lab-")).resolve()
    try:
        for name in lab.description.files:
            _copy_file(source, folder, name)
        if uid is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, uid, uid)
        yield folder, uid
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_file(source: Path, folder: Path, name: str) -> None:
    """Copy a regular file of bearable size; a link could name anything."""
    path = source / name
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(fd, "rb") as file:
            data = file.read(_LARGEST_FILE + 1)
        if len(data) <= _LARGEST_FILE:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


@dataclass(frozen=True, slots=True)
class Ranking:
    """A score among others; more is better."""

    what: str
    score: int
    others: dict[str, int]


class SubmissionRun:
    """See `api.Run`: one goal's view of a submission."""

    def __init__(
        self,
        runner: Runner,
        folder: Path,
        uid: int | None,
        seed: int,
        *,
        record: bool = False,
        hurry: bool = False,
    ) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.ranking: Ranking | None = None
        self.seen = ""  #: the last calls of the last program that was run
        self.output = ""  #: what the last scenario's code printed
        self._runner = runner
        self._uid = uid
        self._share = 1.0 if not record else _STUCK if hurry else _SLOWER
        self.record: Record | None = Record() if record else None  #: what was seen until now

    def __call__(self, scenario: Scenario, /, *args: Any) -> Any:
        """See `api.Run`."""
        request = Request(
            scenario.__name__,
            list(args),
            str(self.folder),
            self._uid,
            slowness() * self._share,
            self._runner.grace,
            self.record is not None,
        )
        answer = self._runner.ask(request)
        self.output = answer.output
        if self.record is not None and answer.record is not None:
            self.record = self.record.joined(answer.record)
        if answer.kind == "value":
            self.seen = _last_calls(answer.value)
            return answer.value
        raise Refused(_reason(answer), answer.detail if answer.kind in _TRACED else "")

    def rank(self, what: str, score: int, others: Mapping[str, int]) -> None:
        """See `api.Run`."""
        self.ranking = Ranking(what, score, dict(others))

    def build(self, *sources: str, flags: tuple[str, ...] = ()) -> bytes:
        """See `api.Run`."""
        return compile_program(self.folder, sources, flags)


def _last_calls(value: Any) -> str:
    """Return what a program did last, where ``value`` is an outcome of `benches`."""
    calls = value.get("calls") if isinstance(value, dict) else None
    if not isinstance(calls, list) or not calls:
        return ""
    lines = []
    for name, arguments, result in calls[-_CALLS_SHOWN:]:
        shown = ", ".join(f"{word:#x}" for word in arguments)
        lines.append(f"  {name}({shown}) = {with_name(result)}")
    return "\n".join(["the program's last system calls:", *lines])


def _reason(answer: Answer) -> Text:
    if answer.kind == "panic":
        first = answer.detail.partition("\n")[0]
        return Text(first, first.replace("Kernel panic in ", "内核 panic："))
    if answer.kind == "late":
        return LATE
    if answer.kind == "died":
        return Text(_DIED.en.format(answer.detail), _DIED.zh.format(answer.detail))
    if answer.kind == "unusable":
        return Text(answer.detail, answer.detail_zh)
    last = answer.detail.rpartition("\n")[2]
    return Text(f"your code raised {last}", f"你的代码抛出了异常 {last}")
