"""A small course of one lab, whose runs may take a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.labs import Lab

DESCRIPTION = """\
files = ["answer.py"]
[title]
en = "Answers"
zh = "答案"
[learn]
en = "Nothing."
zh = "无。"
[limits]
work_seconds = 1
memory = "400M"
"""
CHECK = '''\
from starrylab.labs.api import goal, scenario, hint

@scenario
def ask(student, number):
    return student.get("answer")(number)

@goal(points=40, zh="零")
def zero(run):
    """Zero."""
    assert run(ask, 0) == 0, hint("zero", "零")

@goal(points=60, zh="加倍", after="zero")
def doubled(run):
    """Doubled."""
    number = run.random.randrange(1000, 1 << 40)
    assert run(ask, number) == 2 * number, hint("twice", "两倍")
'''
RIGHT = "def answer(n):\n    return 2 * n\n"


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = tmp_path_factory.mktemp("course")
    folder = course / "01-answers"
    for part in ("solution", "skeleton"):
        (folder / part).mkdir(parents=True)
    (folder / "lab.toml").write_text(DESCRIPTION)
    (folder / "check.py").write_text(CHECK)
    (folder / "README.md").write_text("# Answers\n")
    (folder / "README.zh.md").write_text("# 答案\n")
    (folder / "skeleton" / "answer.py").write_text("def answer(n):\n    pass\n")
    (folder / "solution" / "answer.py").write_text(RIGHT)
    return course


@pytest.fixture(scope="session")
def small_lab(course: Path) -> Lab:
    return Lab(course / "01-answers")
