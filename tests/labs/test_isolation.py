"""What a submission can do: spoil its own marks, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from starrylab.labs import Lab
from starrylab.labs.checking import Checked, GoalFailed, GoalReached, check
from starrylab.labs.running import Runner

RIGHT = "def answer(n):\n    return 2 * n\n"


@pytest.fixture(scope="module")
def lab(small_lab: Lab) -> Lab:
    return small_lab


@pytest.fixture(scope="module")
def runner(lab: Lab) -> Iterator[Runner]:
    with closing(Runner(lab, grace=0.2)) as made:
        yield made


Attempt = Callable[[str], tuple[int, list[GoalFailed]]]


@pytest.fixture
def attempt(lab: Lab, runner: Runner, tmp_path: Path) -> Attempt:
    def checked(source: str) -> tuple[int, list[GoalFailed]]:
        (tmp_path / "answer.py").write_text(source)
        events = list(check(lab, tmp_path, seed=3, runner=runner))
        last = events[-1]
        assert isinstance(last, Checked)
        return last.points, [event for event in events if isinstance(event, GoalFailed)]

    return checked


def test_a_right_answer_gets_all_points(attempt: Attempt) -> None:
    assert attempt(RIGHT) == (100, [])


def test_a_file_of_an_editor_that_marks_utf_8(attempt: Attempt) -> None:
    assert attempt("\ufeff" + RIGHT) == (100, [])


def test_what_is_partly_right_gets_part_of_the_points(attempt: Attempt) -> None:
    points, failed = attempt("def answer(n):\n    return 0\n")
    assert points == 40
    assert str(failed[0].hint) == "twice"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "answer.py defines no answer"),
        ("def answer(n:\n", "SyntaxError"),
        ("raise KeyError('mine')\n", "KeyError: 'mine'"),
        ("def answer(n):\n    while True: pass\n", "more time"),
        ("import time\ndef answer(n):\n    time.sleep(60)\n", "more time"),
        ("import os\ndef answer(n):\n    os._exit(0)\n", "without a result"),
        ("import os\ndef answer(n):\n    os.abort()\n", "without a result (SIGABRT)"),
        ("def answer(n):\n    return bytearray(1 << 34)\n", "MemoryError"),
        ("def answer(n):\n    return b'x' * (1 << 25)\n", "result is too large"),
        ("def answer(n):\n    return object()\n", "not a plain result"),
        ("def answer(n):\n    return answer(n)\n", "RecursionError"),
        ("import sys\ndef answer(n):\n    sys.exit(0)\n", "SystemExit"),
    ],
)
def test_what_goes_wrong_is_told(attempt: Attempt, source: str, said: str) -> None:
    points, failed = attempt(source)
    assert points == 0
    assert said in str(failed[0].hint), failed[0]


FORK = """\
import os
def answer(n):
    while True:
        os.fork()
"""
RAW_FORK = """\
import ctypes
clone = ctypes.CDLL(None).syscall
def answer(n):
    started = clone(56, 17, 0, 0, 0, 0)
    if started == 0:
        while True: pass
    return [started, 0]
"""


def test_no_process_can_be_started(attempt: Attempt) -> None:
    points, failed = attempt(FORK)
    assert points == 0
    assert "a lab must not do os.fork" in str(failed[0].hint)
    assert attempt(RAW_FORK)[0] == 0
    assert attempt("import subprocess\ndef answer(n):\n    subprocess.run(['true'])\n")[0] == 0


@pytest.mark.parametrize("way", ["open(PATH).read()", "os.listdir(FOLDER)", "os.open(PATH, 0)"])
def test_the_solution_cannot_be_read(attempt: Attempt, lab: Lab, way: str) -> None:
    paths = f"PATH, FOLDER = {str(lab.solution / 'answer.py')!r}, {str(lab.solution)!r}"
    source = f"import os\n{paths}\n{way}\n{RIGHT}"
    points, failed = attempt(source)
    assert points == 0
    assert "a lab must not" in str(failed[0].hint)


def test_the_kernel_refuses_what_python_does_not_see(attempt: Attempt, lab: Lab) -> None:
    """Through the C library, which audit hooks do not watch."""
    source = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.open({os.fsencode(lab.solution / "answer.py")!r}, 0)
made = libc.open(b"/tmp/starrylab-was-here", 0o102, 0o644)
socket = libc.socket(2, 1, 0)
def answer(n):
    return 2 * n if [fd, made, socket] == [-1, -1, -1] else None
"""
    assert attempt(source)[0] == 100
    assert not Path("/tmp/starrylab-was-here").exists()


def test_nothing_is_written_elsewhere(attempt: Attempt, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside"
    points, failed = attempt(f"open({str(outside)!r}, 'w')\n{RIGHT}")
    assert points == 0
    assert "a lab must not write" in str(failed[0].hint)
    assert not outside.exists()
    assert attempt(f"open('mine', 'w').write('x')\n{RIGHT}")[0] == 0
    assert not (tmp_path / "mine").exists()


PATCHES = [
    """
import sys
for module in list(sys.modules.values()):
    if hasattr(module, "ask"):
        module.ask = lambda student, number: "done"
""",
    "import builtins\nbuiltins.AssertionError = ValueError\n",
    "import starrylab.labs.checking as c\nc._try = lambda goal, run: c.GoalReached(goal)\n",
    """
import os
for fd in range(3, 64):
    try:
        os.write(fd, bytes([0xC3]) * 64)
    except OSError:
        pass
""",
    """
class Yes(int):
    def __eq__(self, other):
        return True
    __hash__ = None
def answer(n):
    return Yes(1)
""",
]


@pytest.mark.parametrize("patch", PATCHES)
def test_who_patches_the_grader_patches_only_himself(attempt: Attempt, patch: str) -> None:
    source = patch if "def answer" in patch else f"{patch}\ndef answer(n):\n    return None\n"
    assert attempt(source)[0] == 0
    assert attempt(RIGHT)[0] == 100  # and whoever comes next is not affected


def test_what_it_printed_is_kept(attempt: Attempt) -> None:
    _, failed = attempt(
        "def answer(n):\n    print('before the loop', flush=True)\n    while 1: pass\n"
    )
    assert failed[0].output == "before the loop\n"


def test_a_check_can_be_repeated(lab: Lab, runner: Runner, tmp_path: Path) -> None:
    source = "def answer(n):\n    if n:\n        raise ValueError(n)\n    return 0\n"
    (tmp_path / "answer.py").write_text(source)

    def hints(seed: int) -> list[str]:
        events = check(lab, tmp_path, seed=seed, runner=runner)
        return [str(event.hint) for event in events if isinstance(event, GoalFailed)]

    assert hints(1) == hints(1)
    assert hints(1) != hints(2)


def test_links_of_a_submission_are_not_followed(attempt: Attempt, lab: Lab, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.mkdir()
    (link / "answer.py").symlink_to(lab.solution / "answer.py")
    events = list(check(lab, link, seed=1))
    assert [event for event in events if isinstance(event, GoalReached)] == []
