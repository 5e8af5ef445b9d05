"""`starrylab lab new`: the files of a new lab, which say what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .catalog import LabError

_NAME: Final = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")

_FILES: Final[Mapping[str, str]] = {
    "lab.toml": """\
hours = 1.5
requires = []
files = ["answer.py"]
reading = []

[title]
en = "{title}"
zh = "{title}"

[learn]
en = "What is learned, in one sentence."
zh = "用一句话说明学到什么。"
""",
    "README.md": "# {title}\n\nSay what is there, what to do, and how to look at it.\n",
    "README.zh.md": "# {title}\n\n说明已有的内容、要完成的任务，以及如何观察。\n",
    "skeleton/answer.py": '''\
"""{title}."""

from __future__ import annotations


def answer(number: int) -> int:
    """Return twice the number."""
    raise NotImplementedError("answer")
''',
    "solution/answer.py": '''\
"""{title}."""

from __future__ import annotations


def answer(number: int) -> int:
    """Return twice the number."""
    return 2 * number
''',
    "wrong/01/answer.py": '''\
"""{title}."""

from __future__ import annotations


def answer(number: int) -> int:
    """Return twice the number."""
    return number + 2
''',
    "check.py": '''\
"""Goals of {name}."""

from __future__ import annotations

from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.student import Student


@scenario
def ask(student: Student, numbers: list[int]) -> list[int]:
    """Return the student's answer to each number."""
    answer = student.get("answer")
    return [answer(number) for number in numbers]


@goal(points=100, zh="每个数都加倍。")
def every_number_is_doubled(run: Run) -> None:
    """Each number is doubled."""
    numbers = [run.random.randrange(3, 1000) for _ in range(5)]
    for number, got in zip(numbers, run(ask, numbers), strict=True):
        assert got == 2 * number, hint(
            f"answer({{number}}) is {{got}}: what is twice {{number}}?",
            f"answer({{number}}) 返回 {{got}}：{{number}} 的两倍是多少？",
        )
''',
}


def create(course: Path, name: str) -> list[Path]:
    """Make a lab that passes every meta-test; return its files.  Raises `LabError`."""
    if not _NAME.fullmatch(name):
        raise LabError(f"{name}: a lab is called NN-name, for example 21-my-lab")
    folder = course / name
    if folder.exists():
        raise LabError(f"{folder} is there already")
    title = name[3:].replace("-", " ").capitalize()
    made = []
    try:
        for file, text in _FILES.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(title=title, name=name))
            made.append(path)
    except OSError as error:
        raise LabError(f"{error.filename}: {error.strerror}") from None
    return made
