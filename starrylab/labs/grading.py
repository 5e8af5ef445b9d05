"""Grade a folder of submissions in parallel, each isolated from the others.

A task takes the files' contents along, so any `concurrent.futures.Executor` will do: processes
here, or a cluster's (``dask://HOST:PORT``).
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .api import Goal
from .catalog import Lab, LabError, catalog, find
from .checking import GoalFailed, GoalReached, GoalSkipped, Ranked, check
from .texts import Text

_LARGEST_FILE: Final = 1 << 20  #: bytes of one file of a submission
_AHEAD: Final = 2  #: tasks handed out for each process, so that memory stays bounded


@dataclass(frozen=True, slots=True)
class Submission:
    """One student's files for one lab."""

    student: str
    lab: str
    path: Path  #: a folder or an archive
    inside: str  #: where the files are in it


@dataclass(frozen=True, slots=True)
class GoalMark:
    """One goal of one submission."""

    name: str
    text: Text
    points: int
    reached: bool
    hint: Text | None
    detail: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What one submission got."""

    student: str
    lab: str
    goals: tuple[GoalMark, ...]
    scores: dict[str, int] = field(default_factory=dict)  #: of challenges, the best of each

    @property
    def points(self) -> int:
        """Points reached."""
        return sum(goal.points for goal in self.goals if goal.reached)

    @property
    def of(self) -> int:
        """Points that there are."""
        return sum(goal.points for goal in self.goals)


def submissions(folder: Path, lab: Lab | None = None) -> list[Submission]:
    """Return what is to be graded: every entry of ``folder`` is a student's folder or archive.

    In it ``NN-name/`` holds a lab's files; where ``lab`` is given they may also lie at the top.
    Raises `LabError`.
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise LabError(f"{folder}: {error.strerror}") from None
    wanted = catalog() if lab is None else [lab]
    found = []
    for path in entries:
        student = path.name.removesuffix(".tar.gz")
        names = _names(path)
        inside = [one for one in wanted if any(n.startswith(f"{one.name}/") for n in names)]
        found += [Submission(student, one.name, path, f"{one.name}/") for one in inside]
        if lab is not None and not inside:
            found.append(Submission(student, lab.name, path, ""))
    return found


def _names(path: Path) -> list[str]:
    if path.is_dir():
        return [f"{entry.name}/" if entry.is_dir() else entry.name for entry in path.iterdir()]
    try:
        with tarfile.open(path) as archive:
            return archive.getnames()
    except (OSError, tarfile.TarError):
        return []


def contents(submission: Submission) -> dict[str, bytes]:
    """Return the files that the lab names, of those that are there and not too large."""
    files = find(submission.lab).description.files
    if submission.path.is_dir():
        folder = submission.path / submission.inside
        return {name: data for name in files if (data := _read(folder / name)) is not None}
    found = {}
    try:
        with tarfile.open(submission.path) as archive:
            for member in archive:
                name = member.name.removeprefix(submission.inside)
                if name in files and member.isfile() and member.size <= _LARGEST_FILE:
                    file = archive.extractfile(member)
                    found[name] = file.read() if file is not None else b""
    except (OSError, tarfile.TarError, EOFError):
        pass  # a broken archive is an empty submission
    return found


def _read(path: Path) -> bytes | None:
    """Return a regular file's content; ``None`` for a link, or where it is too large."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(fd, "rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError:
        return None
    return data if len(data) <= _LARGEST_FILE else None


def mark(student: str, lab_name: str, files: dict[str, bytes], seed: int) -> Mark:
    """Check one submission; runs in any process that has StarryLab."""
    lab = find(lab_name)
    with tempfile.TemporaryDirectory(prefix="starrylab-grade-") as scratch:
        folder = Path(scratch)
        for name, data in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        marks = []
        scores: dict[str, int] = {}
        for event in check(lab, folder, seed=seed):
            if isinstance(event, GoalReached):
                marks.append(_goal_mark(event.goal, None, ""))
            elif isinstance(event, GoalFailed):
                marks.append(_goal_mark(event.goal, event.hint, event.detail))
            elif isinstance(event, Ranked):
                ranking = event.ranking
                scores[ranking.what] = max(scores.get(ranking.what, 0), ranking.score)
            elif isinstance(event, GoalSkipped):
                needs = event.needs.text
                text = Text(f"needs: {needs.en}", f"前提：{needs.zh}")
                marks.append(_goal_mark(event.goal, text, ""))
    return Mark(student, lab_name, tuple(marks), scores)


def _goal_mark(goal: Goal, hint: Text | None, detail: str) -> GoalMark:
    return GoalMark(goal.name, goal.text, goal.points, hint is None, hint, detail)


def grade(found: list[Submission], executor: Executor, *, seed: int, width: int) -> Iterator[Mark]:
    """Mark all, a few at a time; yield marks as they come.

    A task whose process died (the host killed it) is reported as a submission without points.
    """
    waiting = iter(found)
    running: dict[Future[Mark], Submission] = {}
    while True:
        while len(running) < width * _AHEAD and (one := next(waiting, None)) is not None:
            task = executor.submit(mark, one.student, one.lab, contents(one), seed)
            running[task] = one
        if not running:
            return
        for task in wait(running, return_when=FIRST_COMPLETED).done:
            one = running.pop(task)
            try:
                yield task.result()
            except BrokenProcessPool:
                raise LabError("a grading process was killed; is there enough memory?") from None


def make_executor(spec: str, width: int) -> Executor:
    """Return what runs the tasks: "processes", or "dask://HOST:PORT"; raise `LabError`."""
    if spec == "processes":
        return ProcessPoolExecutor(width)
    if spec.startswith("dask://"):
        try:
            from distributed import Client
        except ImportError:
            raise LabError("--executor dask:// needs: pip install 'starrylab[dask]'") from None
        try:
            client = Client(spec.replace("dask://", "tcp://"), timeout="10s")
        except OSError as error:
            raise LabError(f"--executor {spec}: {error}") from None
        executor: Executor = client.get_executor()
        return executor
    raise LabError(f"--executor {spec}: give processes, or dask://HOST:PORT")
