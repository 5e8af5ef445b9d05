"""What holds for every lab of the course."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from starrylab.labs import Lab, catalog
from starrylab.labs.anchors import anchors, resolve
from starrylab.labs.checking import Check, GoalFailed, GoalReached, check, goals
from starrylab.labs.components import SEAMS
from starrylab.labs.running import Runner
from starrylab.labs.texts import LANGUAGES

LABS = catalog()
SEED = 7


@pytest.fixture(params=LABS, ids=lambda lab: lab.name)
def lab(request: pytest.FixtureRequest) -> Lab:
    return request.param


@pytest.fixture
def runner(lab: Lab) -> Iterator[Runner]:
    with closing(Runner(lab)) as made:
        yield made


def failed(events: list[Check]) -> set[str]:
    return {event.goal.name for event in events if isinstance(event, GoalFailed)}


def test_goals_hold_for_the_solution_alone(lab: Lab, runner: Runner) -> None:
    """None at the start, all with the solution, and each has a wrong solution that fails it."""
    every = {goal.name for goal in goals(lab)}
    start = list(check(lab, lab.skeleton, seed=SEED, runner=runner))
    assert [event.goal.name for event in start if isinstance(event, GoalReached)] == []
    solved = list(check(lab, lab.solution, seed=SEED, runner=runner))
    assert [event for event in solved if isinstance(event, GoalFailed)] == []
    missed = [failed(list(check(lab, path, seed=SEED, runner=runner))) for path in lab.wrong()]
    assert [path.name for path, goals in zip(lab.wrong(), missed, strict=True) if not goals] == []
    assert every - set().union(*missed) == set()


def test_points_add_up(lab: Lab) -> None:
    assert sum(goal.points for goal in goals(lab)) == 100


def test_files_are_where_the_description_says(lab: Lab) -> None:
    description = lab.description
    assert description.files
    for name in description.files:
        assert (lab.skeleton / name).is_file()
        assert (lab.solution / name).is_file()
    for replacement in description.replaces:
        assert replacement.component in SEAMS
    known = {other.name for other in LABS}
    # What comes before in the course may be required, and nothing else.
    assert all(name in known and name < lab.name for name in description.requires)


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_exist_in_both_languages(lab: Lab, language: str) -> None:
    text = lab.text(language)
    assert len(text) > 1500, "say what is there, what to do, how to see it, and ask questions"
    chinese = re.findall(r"[一-鿿]", text)
    assert bool(chinese) == (language == "zh")
    assert lab.description.title.in_language(language) in text.splitlines()[0]
    for goal in goals(lab):
        assert bool(re.findall(r"[一-鿿]", goal.text.in_language(language))) == (language == "zh")


def test_chinese_is_set_as_chinese(lab: Lab) -> None:
    """Full-width punctuation, and a space between Chinese and Latin words."""
    lines = [line for line in lab.text("zh").splitlines() if not line.startswith("    ")]
    texts = lines + [goal.text.zh for goal in goals(lab)]
    texts += [lab.description.title.zh, lab.description.learn.zh]
    prose = [re.sub(r"`[^`]*`", "`x`", text) for text in texts]
    wrong = re.compile(r"[一-鿿][A-Za-z0-9`,;:!?.()]|[A-Za-z0-9`%,;:!?()][一-鿿]")
    assert [text for text in prose if wrong.search(text)] == []


def test_both_texts_name_the_same_anchors(lab: Lab) -> None:
    assert set(anchors(lab.text("en"))) == set(anchors(lab.text("zh")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_anchors_resolve(lab: Lab, language: str) -> None:
    found = anchors(lab.text(language))
    assert found, "lead to the source that is explained: `starrylab/FILE.py#NAME`"
    for anchor in found:
        assert resolve(anchor) is not None, anchor


def test_the_solution_is_not_given_away(lab: Lab) -> None:
    """No line of the solution beyond the skeleton's is in the texts that a student gets."""
    for name in lab.description.files:
        if not name.endswith(".py"):
            continue
        ast.parse((lab.skeleton / name).read_text())
        given = (lab.skeleton / name).read_text()
        hidden = [
            line.strip()
            for line in (lab.solution / name).read_text().splitlines()
            if len(line.strip()) > 40 and line not in given
        ]
        assert [line for line in hidden if line in lab.text("en")] == []


def test_the_course_is_in_order() -> None:
    assert [lab.number for lab in LABS] == list(range(1, len(LABS) + 1)) or len(LABS) < 20


def test_no_lab_leaves_byproducts() -> None:
    folder = LABS[0].folder.parent
    assert not [path for path in Path(folder).rglob("*.py") if path.parent.name == "__pycache__"]
