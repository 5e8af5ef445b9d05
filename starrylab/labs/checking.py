"""Check a submission: try the goals in turn and tell of each, as typed events."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from .api import Goal, Refused, goals_of
from .catalog import Lab, LabError
from .recording.record import Record
from .running import LATE, Ranking, Runner, SubmissionRun, private_copy
from .texts import Hint, Text
from .worker import load_check


@dataclass(frozen=True, slots=True)
class GoalStarted:
    """A goal is being tried."""

    goal: Goal


@dataclass(frozen=True, slots=True)
class GoalReached:
    """A goal holds."""

    goal: Goal


@dataclass(frozen=True, slots=True)
class GoalFailed:
    """A goal does not hold."""

    goal: Goal
    hint: Text
    detail: str = ""  #: a traceback or a compiler's words
    output: str = ""  #: what the student's code printed
    record: Record | None = None  #: what was seen when it was tried again, if that was wanted
    told: bool = False  #: the hint gives nothing away: it says why the code came to no result


@dataclass(frozen=True, slots=True)
class GoalSkipped:
    """A goal was not tried, since another one does not hold."""

    goal: Goal
    needs: Goal


@dataclass(frozen=True, slots=True)
class Checked:
    """The end: points reached, out of how many."""

    points: int
    of: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """The submission's score at a goal, beside others."""

    goal: Goal
    ranking: Ranking


Check = Ranked | GoalStarted | GoalReached | GoalFailed | GoalSkipped | Checked


def goals(lab: Lab) -> list[Goal]:
    """Return a lab's goals; `LabError` where `check.py` is wrong."""
    return goals_of(_module(lab))


def _module(lab: Lab) -> ModuleType:
    try:
        module = load_check(lab.folder / "check.py")
        if not goals_of(module):
            raise LabError(f"{lab.folder / 'check.py'}: no goals")
        return module
    except LabError:
        raise
    except Exception as error:
        where = lab.folder / "check.py"
        raise LabError(f"{where}: {type(error).__name__}: {error}") from None


def check(
    lab: Lab, folder: Path, *, seed: int | None = None, runner: Runner | None = None,
    record: bool = False,
) -> Iterator[Check]:  # fmt: skip
    """Try the goals of ``lab`` on the files in ``folder``.

    ``seed`` fixes what scenarios are given at random.  A ``runner`` may be used for many
    checks of its lab; without one a worker process is started for this check.  With ``record``
    each goal that fails is tried again while somebody looks on.
    """
    if runner is None:
        with closing(Runner(lab)) as own:
            yield from check(lab, folder, seed=seed, runner=own, record=record)
        return
    seed = secrets.randbits(63) if seed is None else seed
    tried = goals(lab)
    failed: dict[str, Goal] = {}
    points = 0
    with private_copy(lab, folder) as (copy, uid):
        for index, goal in enumerate(tried):
            needs = next((failed[name] for name in goal.after if name in failed), None)
            if needs is not None:
                failed[goal.name] = needs
                yield GoalSkipped(goal, needs)
                continue
            yield GoalStarted(goal)
            run = SubmissionRun(runner, copy, uid, seed + index)
            outcome = _try(goal, run)
            if isinstance(outcome, GoalFailed):
                if record:
                    again = SubmissionRun(
                        runner, copy, uid, seed + index, record=True, hurry=outcome.hint is LATE
                    )
                    _try(goal, again)
                    outcome = replace(outcome, record=again.record)
                failed[goal.name] = goal
            else:
                points += goal.points
            if run.ranking is not None:
                yield Ranked(goal, run.ranking)
            yield outcome
    yield Checked(points, sum(goal.points for goal in tried))


def _try(goal: Goal, run: SubmissionRun) -> GoalReached | GoalFailed:
    try:
        goal.function(run)
    except Refused as error:
        told = error.text is LATE or not error.detail
        return GoalFailed(goal, error.text, error.detail, run.output, told=told)
    except AssertionError as error:
        said = error.args[0] if error.args else "this does not hold yet"
        text = said.text if isinstance(said, Hint) else Text(str(said), str(said))
        return GoalFailed(goal, text, run.seen, run.output)
    except LabError:
        raise
    except Exception as error:  # an observation that no honest submission makes
        text = Text(
            f"what your code returned is not usable: {error}", f"你的代码返回的内容不可用：{error}"
        )
        return GoalFailed(goal, text, output=run.output)
    return GoalReached(goal)
