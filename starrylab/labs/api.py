"""What a lab's `check.py` is written with: scenarios, goals and hints.

A *scenario* runs in a process of its own together with the student's code, confined, and
returns what it observed as plain data.  A *goal* runs where the student's code never does: it
asks for scenarios and judges what came back.  So a submission can spoil nothing but its own
observations::

    @scenario
    def take(student: Student, count: int) -> list[int]:
        pages = student.get("PageAllocator")(64)
        return [pages.alloc() for _ in range(count)]

    @goal(points=20, zh="...")
    def every_page_once(run: Run) -> None:
        '''Every page is given out once.'''
        got = run(take, 64)
        assert len(set(got)) == 64, hint("some page came twice", "...")

The docstring is the goal's text, the assertion's message its hint.  Arguments and results of
scenarios are what msgpack can carry: numbers, strings, bytes, lists, dicts; tuples become lists.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .texts import Hint as hint  # noqa: N813 - reads as a function in check.py
from .texts import Text

if TYPE_CHECKING:
    from types import ModuleType


Scenario = Callable[..., Any]


class Refused(Exception):
    """A run of the student's code came to no result; the message is for the student."""

    def __init__(self, text: Text, detail: str = "") -> None:
        super().__init__(text.en)
        self.text = text
        self.detail = detail  #: a traceback, or what a program printed


class Run(Protocol):
    """Runs scenarios on one submission."""

    random: random.Random  #: seeded by the check, so that a result cannot be known before
    folder: Path  #: a private copy of the submission: to be read only, never imported

    def __call__(self, scenario: Scenario, /, *args: Any) -> Any:
        """Return what ``scenario`` observed; raise `Refused`."""
        ...

    def rank(self, what: str, score: int, others: Mapping[str, int]) -> None:
        """Tell the submission's score beside others; more is better."""
        ...

    def build(self, *sources: str, flags: tuple[str, ...] = ()) -> bytes:
        """Return the program made of the student's C files; raise `Refused`."""
        ...


GoalFunction = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing to be reached."""

    name: str
    text: Text
    points: int
    after: tuple[str, ...]  #: goals without which this one is not tried
    function: GoalFunction


def scenario(function: Scenario) -> Scenario:
    """Declare what is run with the student's code; its name is how it is called."""
    function.__scenario__ = True  # type: ignore[attr-defined]
    return function


def goal(
    *, points: int, zh: str, after: tuple[str, ...] | str = ()
) -> Callable[[GoalFunction], GoalFunction]:
    """Declare a goal; ``zh`` is the docstring in Chinese.

    Raises ``TypeError`` for a function without a docstring, or without points.
    """
    before = (after,) if isinstance(after, str) else after

    def declare(function: GoalFunction) -> GoalFunction:
        text = (function.__doc__ or "").strip()
        if not text or points <= 0:
            raise TypeError(f"goal {function.__name__} needs a docstring and points")
        name = function.__name__.removeprefix("goal_")
        made = Goal(name, Text(" ".join(text.split()), zh), points, before, function)
        function.__goal__ = made  # type: ignore[attr-defined]
        return function

    return declare


def with_name(result: object) -> str:
    """Return a system call's result for a hint: an error with its name, ``-22 (EINVAL)``."""
    name = errno.errorcode.get(-result) if isinstance(result, int) else None
    return f"{result} ({name})" if name else str(result)


def goals_of(module: ModuleType) -> list[Goal]:
    """Return the goals that ``module`` declares, in its order.

    Raises ``TypeError`` where a goal depends on one that does not come before it.
    """
    found: list[Goal] = []
    for value in vars(module).values():
        made = getattr(value, "__goal__", None)
        if isinstance(made, Goal):
            missing = [name for name in made.after if name not in {g.name for g in found}]
            if missing:
                raise TypeError(f"goal {made.name} comes before {missing[0]}, which it needs")
            found.append(made)
    return found


__all__ = [
    "Goal", "Refused", "Run", "Scenario", "goal", "goals_of", "hint", "scenario", "with_name",
]  # fmt: skip
