"""The labs on screen, with a course of two labs that the test writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.screens.lab_work import LabProblem, LabWork
from starrylab.screens.widgets.labs import markdown_lines
from tests.screens.test_console_app import console, until
from tests.screens.test_views import pane_text

TOML = """
hours = 1
files = ["answer.py"]

[title]
en = "Count"
zh = "计数"

[learn]
en = "how to count"
zh = "学会数数"
"""
CHECK = '''
from starrylab.labs.api import goal, hint, scenario

@scenario
def count(student, limit):
    return student.get("count")(limit)

@goal(points=3, zh="数到三")
def three(run):
    """Three are counted."""
    assert run(count, 3) == [1, 2, 3], hint("begin with 1", "从一开始")

@goal(points=2, zh="数到零", after="three")
def none(run):
    """None are counted."""
    assert run(count, 0) == [], hint("none", "无")
'''
WRONG = "print('here')\ndef count(limit):\n    return list(range(limit))\n"
RIGHT = "def count(limit):\n    return list(range(1, limit + 1))\n"


@pytest.fixture
def work(tmp_path: Path) -> LabWork:
    lab = tmp_path / "course" / "01-count"
    (lab / "skeleton").mkdir(parents=True)
    (lab / "lab.toml").write_text(TOML)
    (lab / "check.py").write_text(CHECK)
    (lab / "README.md").write_text("# Count\n\nWrite `count`:\n\n    1, 2, 3\n")
    (lab / "README.zh.md").write_text("# 计数\n\n写出 `count`。\n")
    (lab / "skeleton" / "answer.py").write_text(WRONG)
    broken = tmp_path / "course" / "02-broken"
    broken.mkdir()
    (broken / "lab.toml").write_text("pizza = 1\n")
    return LabWork(tmp_path / "course", str(tmp_path / "mine"), "en")


def test_a_lab_is_started_checked_and_solved(work: LabWork) -> None:
    first, second = work.rows()
    assert (first.title, first.started, first.of) == ("Count", False, 0)
    assert "unknown key pizza" in second.problem
    with pytest.raises(LabProblem, match="was not started"):
        work.check(work.open("01-count"), lambda _: None)
    assert work.start("01-count") == ["answer.py"]
    seen: list = []
    for _ in range(2):
        work.check(work.open("01-count"), seen.append)
    three, none = seen[-1].goals
    assert (three.state, three.failures, three.hint) == ("failed", 2, "begin with 1")
    assert three.output == "here\n"
    assert "count(limit=3) -> [0, 1, 2]" in three.seen.events[-1]
    assert work.open("01-count").goals[0].seen == three.seen
    assert not none.seen.events
    assert (none.state, none.detail) == ("skipped", "after: Three are counted.")
    assert [lab.goals[0].state for lab in seen[:2]] == ["trying", "failed"]
    assert not seen[1].goals[0].shown_hint
    assert seen[-1].goals[0].shown_hint
    assert work.open("01-count").goals == seen[-1].goals
    work.switch_language()
    assert [goal.state for goal in work.open("01-count").goals] == ["failed", "skipped"]
    assert work.open("01-count").goals[0].hint == "从一开始"
    work.switch_language()
    opened = work.open("01-count")
    assert not work.changed(opened)
    (opened.folder / "answer.py").write_text(RIGHT)
    assert work.changed(opened)
    work.check(opened, seen.append)
    assert [goal.state for goal in seen[-1].goals] == ["reached", "reached"]
    assert (seen[-1].row.points, seen[-1].row.of) == (5, 5)
    assert work.rows()[0].points == 5


def test_a_course_that_is_not_there_is_said(tmp_path) -> None:
    with pytest.raises(LabProblem, match="no course"):
        LabWork(tmp_path / "nothing").rows()


async def test_the_view_from_the_list_to_green_goals(work: LabWork) -> None:
    async with console() as (app, client, pilot):
        view = next(view for view in app.console_screen.views if view.NAME == "Labs")
        view.work = work
        await pilot.press("alt+8")
        await until(pilot, lambda: "○ 01 Count" in pane_text(view.labs))
        assert "unknown key pizza" in pane_text(view.labs)
        await pilot.press("enter")
        await until(pilot, lambda: view.labs.section == "goals")
        assert "○   3  Three are counted." in pane_text(view.labs)
        assert "1, 2, 3" in pane_text(view.text)
        await pilot.press("c")
        await until(pilot, lambda: any("was not started" in n.message for n in app._notifications))
        await pilot.press("s")
        await until(pilot, lambda: view.labs.open.row.started)
        await pilot.press("b")
        await until(pilot, lambda: client.config.lab == str(view.labs.open.folder))
        await pilot.press("B")
        await until(pilot, lambda: client.config.lab is None)
        await pilot.press("c")
        await until(pilot, lambda: "✗   3" in pane_text(view.labs), 20)
        await until(pilot, lambda: not view._busy, 20)
        await pilot.press("enter")
        await until(pilot, lambda: "hint comes after the next" in pane_text(view.text))
        assert "here" in pane_text(view.text)
        assert "events were recorded: Enter again" in pane_text(view.text)
        await pilot.press("enter")
        await until(pilot, lambda: view.text.section == "events")
        assert "count(limit=3) -> [0, 1, 2]" in pane_text(view.text)
        view.text.choose("state")
        assert "no state recorded" in pane_text(view.text)
        await pilot.press("c")
        await until(pilot, lambda: "begin with 1" in pane_text(view.labs), 20)
        await until(pilot, lambda: not view._busy, 20)
        await pilot.press("w")
        (view.labs.open.folder / "answer.py").write_text(RIGHT)
        await until(pilot, lambda: "✓   2  None" in pane_text(view.labs), 20)
        await until(pilot, lambda: not view._busy, 20)
        await pilot.press("l")
        await until(pilot, lambda: "数到三" in pane_text(view.labs))
        assert view.labs.border_title == "计数"


def test_markdown_keeps_figures_and_fits() -> None:
    figure = "+--+" + "-" * 50
    text = f"# 标题\n\n{'word ' * 30}\n\n```\n{figure}\n|页|\n+--+\n```\n"
    lines = markdown_lines(text, 40)
    plain = [line.plain for line in lines]
    assert max(line.cell_len for line in lines) <= 40
    at = next(index for index, line in enumerate(plain) if "+--+" in line)
    assert "|页|" in plain[at + 1]
