"""The student's folder: nothing of the student's is ever lost."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from starrylab.cli import main
from starrylab.labs import Lab, LabError
from starrylab.labs.anchors import resolve
from starrylab.labs.checking import Check, check
from starrylab.labs.template import create
from starrylab.labs.workspace import LabProgress, Workspace


@pytest.fixture(autouse=True)
def small_course(course: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STARRYLAB_COURSE", str(course))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "starrylab-labs")


def test_start_never_overwrites(space: Workspace, small_lab: Lab) -> None:
    assert space.start(small_lab) == ["answer.py"]
    mine = space.folder(small_lab) / "answer.py"
    mine.write_text("mine")
    assert space.start(small_lab) == []
    assert mine.read_text() == "mine"
    mine.unlink()
    assert space.start(small_lab) == ["answer.py"]


def test_reset_moves_aside(space: Workspace, small_lab: Lab) -> None:
    space.start(small_lab)
    for version in ("first", "second"):
        (space.folder(small_lab) / "answer.py").write_text(version)
        aside = space.reset(small_lab)
        assert aside is not None
        assert (aside / "answer.py").read_text() == version
    assert "mine" not in (space.folder(small_lab) / "answer.py").read_text()


def test_progress_is_kept(space: Workspace, small_lab: Lab) -> None:
    space.start(small_lab)
    events: list[Check] = list(check(small_lab, space.folder(small_lab), seed=1))
    space.note(small_lab, events)
    progress = space.note(small_lab, events)
    assert (progress.points, progress.of) == (0, 100)
    assert progress.goals["zero"].failures == 2
    solved = list(check(small_lab, small_lab.solution, seed=1))
    space.note(small_lab, solved)
    again = Workspace(space.root).progress(small_lab)
    assert again.points == 100
    assert all(goal.reached and not goal.failures for goal in again.goals.values())
    space.reset(small_lab)
    assert Workspace(space.root).progress(small_lab) == LabProgress()


def test_a_goal_that_is_not_tried_any_more_is_not_reached(
    space: Workspace, small_lab: Lab, tmp_path: Path
) -> None:
    space.start(small_lab)
    space.note(small_lab, list(check(small_lab, small_lab.solution, seed=1)))
    assert space.progress(small_lab).goals["doubled"].reached
    progress = space.note(small_lab, list(check(small_lab, small_lab.skeleton, seed=1)))
    assert not progress.goals["zero"].reached
    assert not progress.goals["doubled"].reached  # it comes after zero


def test_progress_that_cannot_be_read_is_none(space: Workspace, small_lab: Lab) -> None:
    space.start(small_lab)
    (space.root / ".progress.json").write_text("{")
    assert space.progress(small_lab).points == 0


def test_submit_packs_the_lab_s_files(space: Workspace, small_lab: Lab, tmp_path: Path) -> None:
    space.start(small_lab)
    (space.folder(small_lab) / "notes.txt").write_text("private")
    space.pack(small_lab, tmp_path / "mine.tar.gz")
    with tarfile.open(tmp_path / "mine.tar.gz") as archive:
        assert archive.getnames() == ["01-answers/answer.py"]
    (space.folder(small_lab) / "answer.py").unlink()
    assert space.pack(small_lab, tmp_path / "mine.tar.gz") == ["answer.py"]


def test_the_last_one_worked_on_is_meant(
    space: Workspace, small_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = tmp_path / "course"
    other = course / "02-more"
    for source, target in ((small_lab.folder, course / small_lab.name), (small_lab.folder, other)):
        shutil.copytree(source, target)
    monkeypatch.setenv("STARRYLAB_COURSE", str(course))
    small_lab = Lab(course / small_lab.name)
    with pytest.raises(LabError, match="no lab was started"):
        space.current()
    space.start(small_lab)
    assert space.current() == small_lab
    space.start(Lab(other))
    os.utime(space.folder(Lab(other)) / "answer.py", ns=(1 << 61, 1 << 61))
    assert space.current().name == "02-more"
    monkeypatch.chdir(space.folder(small_lab))
    assert space.current() == small_lab  # where one is comes first


def test_the_commands(capsys: pytest.CaptureFixture[str], tmp_path: Path, course: Path) -> None:
    assert main(["lab", "list"]) == 0
    assert main(["lab", "start", "answers"]) == 0
    assert main(["lab", "check"]) == 1
    first = capsys.readouterr().out
    assert "[    ] Zero. (40)" in first
    assert "[wait] Doubled. (60)" in first
    assert "hint:" not in first
    answer = tmp_path / "starrylab-labs" / "01-answers" / "answer.py"
    skeleton = answer.read_text()
    answer.write_text("def ask(n):\n    return n\n")
    assert main(["lab", "check"]) == 1
    assert "\n       answer.py defines no answer\n" in capsys.readouterr().out  # a fact is told
    assert main(["lab", "reset", "1"]) == 0
    assert answer.read_text() == skeleton
    assert main(["lab", "check"]) == 1
    assert "hint:" not in capsys.readouterr().out
    assert main(["lab", "--language", "zh", "check"]) == 1
    assert "提示：零" in capsys.readouterr().out  # at the second failure
    assert main(["lab", "text", "1", "--language", "zh"]) == 0
    assert capsys.readouterr().out == "# 答案\n\n"
    assert main(["lab", "hint"]) == 0
    assert "hint: zero" in capsys.readouterr().out
    answer.write_text((course / "01-answers" / "solution" / "answer.py").read_text())
    assert main(["lab", "check", "1"]) == 0
    assert capsys.readouterr().out.endswith("100/100\n")
    assert main(["lab", "list"]) == 0
    assert "100/100" in capsys.readouterr().out
    assert main(["lab", "submit", "-o", "mine.tar.gz"]) == 0
    assert main(["lab", "reset", "1"]) == 0
    assert "before-reset" in capsys.readouterr().out


def test_a_new_lab_is_one(tmp_path: Path) -> None:
    create(tmp_path / "labs", "21-my-lab")
    lab = Lab(tmp_path / "labs" / "21-my-lab")
    points = [
        list(check(lab, folder, seed=1))[-1]
        for folder in (lab.skeleton, lab.solution, lab.wrong()[0])
    ]
    assert [getattr(point, "points", None) for point in points] == [0, 100, 0]
    with pytest.raises(LabError, match="is there already"):
        create(tmp_path / "labs", "21-my-lab")


def test_progress_is_plain_json(space: Workspace, small_lab: Lab) -> None:
    space.start(small_lab)
    space.note(small_lab, list(check(small_lab, small_lab.solution, seed=1)))
    found = json.loads((space.root / ".progress.json").read_text())
    assert found["01-answers"]["goals"]["zero"] == [True, 0]


@pytest.mark.parametrize(
    ("anchor", "found"),
    [
        ("starrylab/kernel/mm/frames.py#FrameAllocator.alloc", True),
        ("starrylab/kernel/mm/frames.py#ZERO_PAGE", True),
        ("starrylab/userland/src/cat.c#main_cat", True),
        ("starrylab/kernel/mm/frames.py#FrameAllocator.no_such", False),
        ("starrylab/kernel/mm/no_such.py#x", False),
    ],
)
def test_anchors(anchor: str, found: bool) -> None:
    assert (resolve(anchor) is not None) == found
