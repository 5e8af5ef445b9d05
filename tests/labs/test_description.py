"""lab.toml: what is wrong is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.labs.description import DescriptionError, load
from starrylab.labs.texts import Hint, choose_language

RIGHT = """\
files = ["a.py"]
hours = 2

[title]
en = "A"
zh = "甲"
[learn]
en = "B"
zh = "乙"
[[replaces]]
component = "PageAllocator"
file = "a.py"
[limits]
ram = "16M"
guest_seconds = 1.5
"""


def test_a_description(tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(RIGHT)
    found = load(path)
    assert (found.title.zh, found.hours, found.files) == ("甲", 2.0, ("a.py",))
    assert (found.limits.ram, found.limits.guest_seconds) == (16 << 20, 1.5)
    assert found.replaces[0].name == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hours = 2", "hurs = 2", "lab.toml:2: unknown key hurs; known: arguments, files, hours"),
        ("hours = 2", "hours = -1", "lab.toml:2: hours must be a number above 0"),
        ('zh = "甲"', "", "lab.toml:4: title needs a text in each language"),
        ('file = "a.py"', 'file = "b.py"', "lab.toml:12: b.py is not one of files"),
        ('component = "PageAllocator"', "", 'needs component = "..."'),
        ('ram = "16M"', 'ram = "16 MB"', 'lab.toml:14: ram must be a size such as "64M"'),
        ('files = ["a.py"]', "files = [1]", "lab.toml:1: files must be a list of strings"),
        ("hours = 2", "hours =", "lab.toml: Invalid value"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(RIGHT.replace(old, new, 1))
    with pytest.raises(DescriptionError) as caught:
        load(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "environ", "language"),
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ("zh", {"LANG": "C"}, "zh"),
    ],
)
def test_the_language(wanted: str | None, environ: dict[str, str], language: str) -> None:
    assert choose_language(wanted, environ) == language


def test_a_hint_is_a_string_that_knows_its_chinese() -> None:
    hint = Hint("look", "看")
    assert (hint, hint.text.in_language("zh")) == ("look", "看")
