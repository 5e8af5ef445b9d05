"""What is kept of a goal that failed: events, the stack, the state."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import pytest

from starrylab.cli import main
from starrylab.labs import find
from starrylab.labs.catalog import Lab
from starrylab.labs.checking import Check, Checked, GoalFailed, check
from starrylab.labs.recording import FOLDER, Record, forget, read, write
from starrylab.labs.recording.python_calls import PythonCalls
from starrylab.labs.recording.text import event_lines, show, state_lines
from starrylab.labs.running import Runner
from starrylab.labs.student import load_module
from starrylab.labs.workspace import Workspace


def failed(events: list[Check], goal: str) -> GoalFailed:
    """Return how a goal failed."""
    found = [e for e in events if isinstance(e, GoalFailed) and e.goal.name == goal]
    assert len(found) == 1, events
    return found[0]


def submission(lab: Lab, folder: Path, old: str, new: str) -> Path:
    """Copy the solution of ``lab``, with one thing changed."""
    target = folder / lab.name
    target.mkdir(parents=True)
    changed = 0
    for name in lab.description.files:
        text = (lab.solution / name).read_text()
        changed += text.count(old)
        (target / name).write_text(text.replace(old, new))
    assert changed, f"{old!r} is not in the solution any more"
    return target


def test_the_calls_of_a_failed_goal_are_kept(tmp_path: Path) -> None:
    """Both sides of the border: the system call, and the student's function that served it."""
    lab = find("3")
    submission(lab, tmp_path, "[::-1]", "")
    space = Workspace(tmp_path)
    events = list(check(lab, space.folder(lab), record=True))
    space.note(lab, events)
    assert "memory_of_the_program" in space.recorded(lab)
    record = space.record(lab, "memory_of_the_program")
    assert record is not None
    found = [json.loads(line) for line in record.events]
    served = next(e for e in found if e["type"] == "python")
    called = next(e for e in found if e["type"] == "call")
    assert (served["name"], called["name"]) == ("reverse", "reverse")
    assert served["args"]["size"] == served["text"] == str(called["result"])
    lines = event_lines(record)
    assert any(line.startswith(f"[1] reverse(0x100000, {called['result']})") for line in lines)
    assert lines[0].startswith("=== call('reverse', [-1, ")
    assert any(line.startswith("[1] page fault at 0x1") for line in lines)
    assert any("process 1 (init)" in line for line in state_lines(record))


def test_a_goal_that_holds_is_forgotten(tmp_path: Path) -> None:
    lab = find("3")
    folder = submission(lab, tmp_path, "[::-1]", "")
    space = Workspace(tmp_path)
    space.note(lab, list(check(lab, folder, record=True)))
    assert (folder / FOLDER).is_dir()
    for name in lab.description.files:
        (folder / name).write_text((lab.solution / name).read_text())
    space.note(lab, list(check(lab, folder, record=True)))
    assert not (folder / FOLDER).exists()


def test_a_panic_is_kept_with_its_stack(tmp_path: Path) -> None:
    lab = find("3")
    folder = submission(lab, tmp_path, "[::-1]", "[1 // 0]")
    found = failed(list(check(lab, folder, record=True)), "memory_of_the_program")
    assert found.record is not None
    assert "ZeroDivisionError" in found.record.stack
    assert "at calls.py:" in found.record.stack  # not the folder that it ran in
    (state,) = json.loads(found.record.state)
    assert "ZeroDivisionError" in state["panic"]
    assert state["processes"][0]["areas"]


def test_a_loop_tells_its_line(tmp_path: Path, small_lab: Lab) -> None:
    (tmp_path / "answer.py").write_text("def answer(n):\n    while True: pass\n")
    found = failed(list(check(small_lab, tmp_path, record=True)), "zero")
    assert 'File "answer.py", line 2, in answer' in found.detail
    assert found.record is not None
    assert "while True: pass" in found.record.stack
    last = [json.loads(line) for line in found.record.events][-1]
    assert (last["name"], last["args"], last["text"]) == ("answer", {"n": "0"}, "(not ended)")


def test_who_sleeps_for_ever_is_found_there(tmp_path: Path, small_lab: Lab) -> None:
    (tmp_path / "answer.py").write_text(
        "import time\ndef answer(n):\n    while True:\n        time.sleep(1)\n"
    )
    with closing(Runner(small_lab, grace=1.5)) as runner:
        found = failed(list(check(small_lab, tmp_path, runner=runner)), "zero")
    assert "time.sleep(1)" in found.detail


def test_nothing_is_recorded_unless_wanted(tmp_path: Path) -> None:
    lab = find("3")
    folder = submission(lab, tmp_path, "[::-1]", "")
    events = list(check(lab, folder))
    assert failed(events, "memory_of_the_program").record is None
    assert isinstance(events[-1], Checked)


STUDENT = """\
class Queue:
    def __init__(self):
        self.items = []
    def put(self, item, *others):
        self.items.append(item)
        return self.size()
    def size(self):
        return len(self.items)
    def fail(self):
        raise KeyError(3)
class Strange:
    def __repr__(self):
        raise ValueError
async def wait(sleep):
    await sleep
    return 5
"""


def test_calls_of_a_student_s_functions_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "queue.py").write_text(STUDENT)
    module = load_module(tmp_path / "queue.py")
    seen: list[dict[str, object]] = []
    calls = PythonCalls(tmp_path, seen.append)

    class Sleep:
        def __await__(self):  # type: ignore[no-untyped-def]
            yield

    calls.start()
    try:
        queue = module.Queue()
        queue.put(b"x" * 100, 1, 2)
        queue.put(module.Strange())
        with pytest.raises(KeyError):
            queue.fail()
        waiting = module.wait(Sleep())
        waiting.send(None)
        with pytest.raises(StopIteration):
            waiting.send(None)
    finally:
        calls.stop()
    told = [(e["name"], e["text"], e["depth"]) for e in seen]
    assert told == [
        ("Queue.__init__", "None", 0),
        ("Queue.put", "1", 0),
        ("Queue.size", "1", 1),
        ("Queue.put", "2", 0),
        ("Queue.size", "2", 1),
        ("Queue.fail", "raised", 0),
        ("wait", "5", 0),
    ]
    assert seen[1]["args"] == {"item": f"{b'x' * 16!r}... (100 bytes)", "others": "(1, 2)"}
    assert seen[3]["args"] == {"item": "<Strange>", "others": "()"}
    sys.modules.pop("queue", None)


def test_records_lie_in_files(tmp_path: Path) -> None:
    record = Record(('{"type": "scenario", "name": "ask"}',), 7, "a stack\n", '[{"a": 1}]')
    place = write(tmp_path, "goal", record)
    assert sorted(path.name for path in place.iterdir()) == [
        "events.jsonl", "stack.txt", "state.json",
    ]  # fmt: skip
    kept = read(tmp_path, "goal")
    assert kept is not None
    assert event_lines(kept) == ["... 7 earlier events are not here", "=== ask"]
    assert json.loads(kept.state) == [{"a": 1}]
    forget(tmp_path, "goal")
    assert read(tmp_path, "goal") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"type": "call"}', '{"type": []}', "null"])
def test_files_that_somebody_changed_are_shown_as_they_are(tmp_path: Path, text: str) -> None:
    write(tmp_path, "goal", Record(("x",)))
    (tmp_path / FOLDER / "goal" / "events.jsonl").write_text(f"{text}\n")
    (tmp_path / FOLDER / "goal" / "state.json").write_text(text)
    record = read(tmp_path, "goal")
    assert record is not None
    assert text in "\n".join(show(record))
    assert show(record, "stack") == ["no stack"]


def test_the_command_shows_it(
    tmp_path: Path,
    course: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STARRYLAB_COURSE", str(course))
    folder = tmp_path / "01-answers"
    folder.mkdir()
    (folder / "answer.py").write_text("def answer(n):\n    return n + 1\n")

    def lab(*words: str) -> str:
        main(["lab", "--folder", str(tmp_path), *words])
        return capsys.readouterr().out

    assert "/.failed/zero: starrylab lab show zero" in lab("check", "1")
    assert lab("show", "zero", "events").splitlines()[-1].startswith("    answer(n=0) -> 1")
    assert "--- events" in lab("show")
    assert lab("show", "zero", "stack") == "no stack\n"
    assert main(["lab", "--folder", str(tmp_path), "show", "nonsense"]) == 1
    assert "no record of nonsense; recorded: zero" in capsys.readouterr().err
