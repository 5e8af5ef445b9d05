"""Grade a folder of submissions in parallel, each isolated from the others.

A task takes the files' contents along, so any `concurrent.futures.Executor` will do: processes
here, or a cluster's (see `executors`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from . import checking
from .api import Goal
from .catalog import LabError, find
from .checking import GoalFailed, GoalReached, GoalSkipped, Ranked, check
from .handed_in import Submission, contents, printable
from .texts import Text

_HINT: Final = 1000  #: characters kept of a hint
_DETAIL: Final = 8000  #: characters kept of a traceback
_AHEAD: Final = 2  #: tasks handed out for each process, so that memory stays bounded
#: exceptions of clusters: a task's processes were lost again and again
_LOST: Final = ("KilledWorker", "WorkerCrashedError", "OutOfMemoryError", "NodeDiedError")
_KILLED: Final = Text(
    "not judged: the host ended the process that did it (too little memory?)",
    "未能评分：主机终止了评分进程（内存不足？）",
)


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
    judged: bool = True  #: False: something else than the submission failed

    @property
    def points(self) -> int:
        """Points reached."""
        return sum(goal.points for goal in self.goals if goal.reached)

    @property
    def of(self) -> int:
        """Points that there are."""
        return sum(goal.points for goal in self.goals)


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
    """Return a mark with what the student's code said cut to size: reports hold many of them."""
    if hint is not None:
        hint = Text(hint.en[:_HINT], hint.zh[:_HINT])
    return GoalMark(goal.name, goal.text, goal.points, hint is None, hint, detail[-_DETAIL:])


def grade(found: list[Submission], executor: Executor, *, seed: int, width: int) -> Iterator[Mark]:
    """Mark all, a few at a time; yield marks as they come.

    One whose process the host killed is marked again by itself.  What cannot be judged has no
    points, and says why.  Raises `LabError` where a cluster cannot be reached any more.
    """
    waiting = iter(found)
    running: dict[Future[Mark], Submission] = {}
    again: list[Submission] = []
    while True:
        while len(running) < width * _AHEAD and (one := next(waiting, None)) is not None:
            try:
                task = executor.submit(mark, one.student, one.lab, contents(one), seed)
            except BrokenExecutor:
                again.append(one)
            else:
                running[task] = one
        if not running:
            break
        for task in wait(running, return_when=FIRST_COMPLETED).done:
            one = running.pop(task)
            error = CancelledError() if task.cancelled() else task.exception()
            if error is None:
                yield task.result()
            elif isinstance(error, CancelledError):
                raise LabError("the cluster cannot be reached any more")
            elif isinstance(error, BrokenExecutor):
                again.append(one)
            else:
                yield _unmarked(one, error)
    for one in again:
        yield _mark_alone(one, seed)


def _mark_alone(one: Submission, seed: int) -> Mark:
    with ProcessPoolExecutor(1) as executor:
        try:
            return executor.submit(mark, one.student, one.lab, contents(one), seed).result()
        except BrokenExecutor as error:
            return _unmarked(one, error)


def _unmarked(one: Submission, error: BaseException) -> Mark:
    """Return the mark of one that could not be judged: no points, and the reason."""
    why = _KILLED
    if not isinstance(error, BrokenExecutor) and type(error).__name__ not in _LOST:
        said = printable(str(error)) or type(error).__name__
        why = Text(f"not judged: {said}", f"未能评分：{said}")
    goals = tuple(_goal_mark(goal, why, "") for goal in checking.goals(find(one.lab)))
    return Mark(one.student, one.lab, goals, judged=False)
