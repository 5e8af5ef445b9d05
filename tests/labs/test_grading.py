"""Sixty submissions get the marks that they deserve, whatever they try."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from starrylab.cli import main
from starrylab.labs import Lab, LabError
from starrylab.labs.api import Goal
from starrylab.labs.grading import GoalMark, Mark, grade
from starrylab.labs.handed_in import Submission, contents, submissions, without_work
from starrylab.labs.reports import as_json, as_junit, as_text
from starrylab.labs.texts import Text

RIGHT = "def answer(n):\n    return 2 * n\n"
LARGEST_CHILD = 400 << 10  #: KiB resident
#: a process of its own, whose children are those of the grading only
GRADE_AND_WEIGH = """
import resource, sys
from starrylab.cli import main
status = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""

#: kind -> (source, points); SOLUTION and COURSE are paths
KINDS = {
    "right": (RIGHT, 100),
    "also-right": ("answer = lambda n: n + n\n", 100),
    "half": ("def answer(n):\n    return 0\n", 40),
    "wrong": ("def answer(n):\n    return n + 1\n", 0),
    "syntax": ("def answer(n:\n", 0),
    "raising": ("def answer(n):\n    raise OSError(n)\n", 0),
    "exiting": ("import os\ndef answer(n):\n    os._exit(0)\n", 0),
    "crashing": ("import ctypes\ndef answer(n):\n    ctypes.string_at(0)\n", 0),
    "forking": ("import os\ndef answer(n):\n    while True: os.fork()\n", 0),
    "hungry": ("def answer(n):\n    return bytearray(1 << 30)\n", 0),
    "reading": (f"g = {{}}\nexec(open(SOLUTION).read(), g)\n{RIGHT}", 0),
    "importing": ("import sys\nsys.path.insert(0, FOLDER)\nfrom answer import answer\n", 0),
    "writing": ("def answer(n):\n    open(CHECK, 'w').write('')\n    return 2 * n\n", 0),
    "patching": (f"import __main__ as w\nw._encode = lambda answer: b''\n{RIGHT}", 0),
    "deceiving": (f"import starrylab.labs.checking as c\nc.check = print\n{RIGHT}", 100),
    "answering": ("import os\nfor f in range(3, 20):\n    os.write(f, b'\\x81')\n", 0),
    "stopping": (f"import os\nos.kill(os.getppid(), 9)\n{RIGHT}", 0),
}


@pytest.fixture(autouse=True)
def small_course(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARRYLAB_COURSE", str(course))


def fill(folder: Path, course: Path) -> dict[str, int]:
    """Make sixty submissions; return student -> points."""
    lab = course / "01-answers"
    names = {"SOLUTION": lab / "solution" / "answer.py", "FOLDER": lab / "solution"}
    names["CHECK"] = lab / "check.py"
    expected = {}
    kinds = sorted(KINDS)
    for number in range(57):
        kind = kinds[number % len(kinds)]
        source, points = KINDS[kind]
        for name, path in names.items():
            source = source.replace(name, repr(str(path)))
        student = f"{number:02}-{kind}"
        (folder / student / "01-answers").mkdir(parents=True)
        (folder / student / "01-answers" / "answer.py").write_text(source)
        expected[student] = points
    (folder / "60-looping" / "01-answers").mkdir(parents=True)
    (folder / "60-looping" / "01-answers" / "answer.py").write_text("while True: pass\n")
    (folder / "61-empty").mkdir()
    with tarfile.open(folder / "62-archive.tar.gz", "w:gz") as archive:
        archive.add(lab / "solution" / "answer.py", "01-answers/answer.py")
    return expected | {"60-looping": 0, "61-empty": 0, "62-archive": 100}


def test_sixty_submissions(tmp_path: Path, course: Path) -> None:
    folder, report = tmp_path / "handed-in", tmp_path / "marks.json"
    folder.mkdir()
    expected = fill(folder, course)
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    arguments = ["--lab", "1", "--format", "json", "-o", str(report), "-j", "2", "--seed", "5"]
    done = subprocess.run(
        [sys.executable, "-c", GRADE_AND_WEIGH, "lab", "grade", str(folder), *arguments],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    marks = {entry["student"]: entry["points"] for entry in json.loads(report.read_text())}
    assert marks == expected
    assert {path: path.read_bytes() for path in before} == before
    assert int(done.stdout.split()[-1]) < LARGEST_CHILD


class Counting(Executor):
    """Does nothing until it is asked for; counts what is on its hands."""

    def __init__(self) -> None:
        self.tasks: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.most = 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.tasks.append((future, function, args))
        self.most = max(self.most, sum(not task.done() for task, _, _ in self.tasks))
        if len(self.tasks) >= 4 or self.most >= 4:
            for task, _function, arguments in self.tasks:
                if not task.done():
                    task.set_result(Mark(arguments[0], arguments[1], ()))
        return future


def test_a_few_are_on_the_way_at_a_time(tmp_path: Path) -> None:
    found = []
    for number in range(20):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "answer.py").write_text(RIGHT)
        found.append(Submission(str(number), "01-answers", tmp_path / f"{number}", ""))
    executor = Counting()
    assert len(list(grade(found, executor, seed=1, width=2))) == 20
    assert 2 <= executor.most <= 4


def test_links_and_large_files_are_not_read(tmp_path: Path, course: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "answer.py").symlink_to(course / "01-answers" / "solution" / "answer.py")
    one = submissions(tmp_path)
    assert one == []  # without the lab's folder, and no lab was asked for
    submission = Submission("s", "01-answers", tmp_path / "s", "")
    assert contents(submission) == {}
    (tmp_path / "s" / "answer.py").unlink()
    (tmp_path / "s" / "answer.py").write_bytes(b"#" * (2 << 20))
    assert contents(submission) == {}


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    submission = Submission("s", "01-answers", tmp_path, "")
    os.mkfifo(tmp_path / "answer.py")  # nobody writes: a read would wait for ever
    assert contents(submission) in ({}, {"answer.py": b""})
    (tmp_path / "answer.py").unlink()
    (tmp_path / "answer.py").mkdir()
    assert contents(submission) == {}
    (tmp_path / "answer.py").rmdir()
    with (tmp_path / "answer.py").open("wb") as file:
        file.truncate(1 << 40)
    assert contents(submission) == {}


def test_a_broken_archive_is_an_empty_submission(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8b broken")
    assert contents(Submission("x", "01-answers", tmp_path / "x.tar.gz", "")) == {}


def marks() -> list[Mark]:
    text = Text("Doubled.", "加倍")
    reached = GoalMark("doubled", text, 60, True, None, "")
    hint = Text("zero \x1b[31m", "零")
    missed = GoalMark("zero", text, 40, False, hint, "Trace\x00back")
    return [Mark("li", "01-answers", (reached, missed), {"rounds": 7})]


def test_reports() -> None:
    assert as_text(marks(), "en").splitlines()[0] == "li  01-answers   60/100"
    assert "零" in as_text(marks(), "zh")
    assert as_text(marks(), "en").splitlines()[-1].split() == ["7", "li"]
    assert json.loads(as_json(marks(), "zh"))[0]["goals"][1]["hint"] == "零"
    suite = ET.fromstring(as_junit(marks(), "en"))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite[1][0].get("message") == "zero [31m"


def test_goals_are_values() -> None:
    assert Goal("a", Text("a", "b"), 1, (), print) == Goal("a", Text("a", "b"), 1, (), print)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grade", "nowhere"], "nowhere: No such file or directory"),
        (["grade", "."], "no submissions"),
        (["check", "9"], "there is no lab 9"),
        (["check", "1"], "was not started"),
        (["check"], "no lab was started"),
        (["new", "mine"], "a lab is called NN-name"),
    ],
)
def test_mistakes_are_told_in_one_line(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["lab", *arguments]) == 1 or "no submissions" in said
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_executor_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s").mkdir()
    arguments = ["lab", "grade", str(tmp_path), "--lab", "1", "--executor"]
    assert main([*arguments, "slurm"]) == 1
    assert "give processes, dask://HOST:PORT or ray://HOST:PORT" in capsys.readouterr().err


def test_a_linked_folder_is_not_entered(tmp_path: Path, course: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "01-answers").symlink_to(course / "01-answers" / "solution")
    found = submissions(tmp_path)
    assert [one.student for one in found] == ["s"]
    assert contents(found[0]) == {}


def test_an_entry_that_is_no_submission_is_named(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is waited for, no link is followed, and no student is forgotten in silence."""
    handed_in = tmp_path / "in"
    (handed_in / "good" / "01-answers").mkdir(parents=True)
    (tmp_path / "other" / "01-answers").mkdir(parents=True)
    os.mkfifo(handed_in / "pipe")  # nobody writes: a read would wait for ever
    (handed_in / "link").symlink_to(tmp_path / "other")
    (handed_in / "upload.tar.gz").write_bytes(b"\x1f\x8b broken")
    found = submissions(handed_in)
    assert [one.student for one in found] == ["good"]
    assert without_work(handed_in, found) == ["link", "pipe", "upload.tar.gz"]
    assert [contents(one) for one in submissions(handed_in, Lab(course / "01-answers"))] == [{}] * 4
    assert main(["lab", "grade", str(handed_in), "--seed", "1"]) == 0
    said = "starrylab: not graded, no lab's files are in: link, pipe, upload.tar.gz\n"
    assert capsys.readouterr().err == said


def packed(path: Path, *entries: tuple[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_an_archive_that_unpacks_without_end_is_read_up_to_a_bound(tmp_path: Path) -> None:
    filler = bytes(40 << 20)
    packed(tmp_path / "a.tar.gz", ("01-answers/answer.py", b"1"), ("x", filler), ("y", b""))
    packed(tmp_path / "b.tar.gz", ("x", filler), ("01-answers/answer.py", b"1"))
    assert (tmp_path / "a.tar.gz").stat().st_size < 1 << 20
    found = submissions(tmp_path)
    assert [one.student for one in found] == ["a"]
    assert contents(found[0]) == {"answer.py": b"1"}


def test_an_archive_of_many_entries_is_read_up_to_a_bound(tmp_path: Path) -> None:
    many = [(f"{number}", b"") for number in range(2500)]
    packed(tmp_path / "a.tar.gz", *many, ("01-answers/answer.py", b"1"))
    assert submissions(tmp_path) == []


def test_an_archive_whose_names_begin_with_a_dot(tmp_path: Path) -> None:
    packed(tmp_path / "a.tar.gz", ("./01-answers/answer.py", b"1"))
    assert [contents(one) for one in submissions(tmp_path)] == [{"answer.py": b"1"}]


def test_names_cannot_spoil_a_report(tmp_path: Path) -> None:
    (tmp_path / "eve\n100\x1b[2J" / "01-answers").mkdir(parents=True)
    (tmp_path / os.fsdecode(b"\xff") / "01-answers").mkdir(parents=True)
    assert {one.student for one in submissions(tmp_path)} == {"eve 100\ufffd[2J", "\ufffd"}


def test_hints_cannot_forge_a_line_of_the_report() -> None:
    hint = Text("x\nmallory  01-answers  100/100\r\x1b[1A", "x")
    missed = GoalMark("zero", Text("Zero.", "零。"), 100, False, hint, "\ud800\ufffe")
    forged = Mark("mallory", "01-answers", (missed,))
    lines = as_text([forged], "en").splitlines()
    assert len(lines) == 2
    assert lines[0].split() == ["mallory", "01-answers", "0/100"]
    assert lines[1].isprintable()
    ET.fromstring(as_junit([forged], "en"))


class Dying(Executor):
    """Loses its processes at the second task."""

    def __init__(self) -> None:
        self.tasks = 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        self.tasks += 1
        if self.tasks > 2:
            raise BrokenProcessPool
        future: Future[Any] = Future()
        if self.tasks == 1:
            future.set_result(function(*args))
        else:
            future.set_exception(BrokenProcessPool())
        return future


def test_who_was_judged_by_a_process_that_died_is_judged_again(tmp_path: Path) -> None:
    for student in "abc":
        (tmp_path / student / "01-answers").mkdir(parents=True)
        (tmp_path / student / "01-answers" / "answer.py").write_text(RIGHT)
    marks = list(grade(submissions(tmp_path), Dying(), seed=1, width=1))
    assert [(one.student, one.points, one.judged) for one in marks] == [
        (student, 100, True) for student in "abc"
    ]


class Failing(Executor):
    """Answers all with an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def submit(self, function: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(self.error)
        return future


def test_what_cannot_be_judged_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "a" / "01-answers").mkdir(parents=True)
    error = ModuleNotFoundError("No module named 'starrylab'")
    (one,) = grade(submissions(tmp_path), Failing(error), seed=1, width=1)
    assert (one.points, one.judged) == (0, False)
    assert str(one.goals[0].hint) == "not judged: No module named 'starrylab'"
    assert as_text([one], "en").splitlines() == [
        "a  01-answers    0/100",
        "     - not judged: No module named 'starrylab'",
    ]
    with pytest.raises(LabError, match="cluster cannot be reached"):
        list(grade(submissions(tmp_path), Failing(CancelledError()), seed=1, width=1))


@pytest.mark.parametrize("scheme", ["dask", "ray"])
def test_an_extra_that_is_not_installed(
    scheme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s").mkdir()
    monkeypatch.setitem(sys.modules, {"dask": "distributed", "ray": "ray"}[scheme], None)
    arguments = [
        "lab",
        "grade",
        str(tmp_path),
        "--lab",
        "1",
        "--executor",
        f"{scheme}://localhost:1",
    ]
    assert main(arguments) == 1
    said = f"starrylab: --executor {scheme}:// needs: pip install 'starrylab[{scheme}]'\n"
    assert capsys.readouterr().err == said


def test_a_report_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in" / "s").mkdir(parents=True)
    target = tmp_path / "nowhere" / "marks.json"
    assert main(["lab", "grade", str(tmp_path / "in"), "--lab", "1", "-o", str(target)]) == 1
    assert capsys.readouterr().err == f"starrylab: {target}: No such file or directory\n"


def test_the_seed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s").mkdir()
    assert main(["lab", "grade", str(tmp_path), "--lab", "1"]) == 0
    told = capsys.readouterr().err
    assert re.fullmatch(r"starrylab: the random values were those of --seed \d+\n", told)
    assert main(["lab", "grade", str(tmp_path), "--lab", "1", "--seed", "3"]) == 0
    assert capsys.readouterr().err == ""
