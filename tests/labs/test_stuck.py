"""A student's code that never comes back: it is found, and what it did is told."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from starrylab.labs import LabError
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.live import LiveLab, open_live
from starrylab.labs.stuck import Stuck, Watch
from starrylab.labs.student import KernelPanic, load_module
from starrylab.machine.scripted import Program, ScriptedContext
from tests.labs.test_live import CALLS, folder_of

_QUICK = 0.02  #: seconds between two looks
LOOP = "while True:\n    pass\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let watches look more often."""
    made = Watch.__init__
    monkeypatch.setattr(Watch, "__init__", lambda self, folder: made(self, folder, seconds=_QUICK))


def live_lab(tmp_path: Path) -> tuple[LiveLab, Path]:
    folder = folder_of("3", tmp_path)
    source = folder / "calls.py"
    source.write_text(CALLS.replace("FACTOR", "2"))
    return open_live(folder), source


@pytest.mark.parametrize("loop", [LOOP, "import time\ntime.sleep(1000)\n"])
def test_a_file_that_loops_is_not_put_in(tmp_path: Path, loop: str) -> None:
    live, source = live_lab(tmp_path)
    bench = ScriptedBench(live.parts)
    bench.hart.numbers["twice"] = 500
    told: list[str] = []
    live.attach(bench.kernel, told.append)

    def program(m: ScriptedContext) -> Program:
        m.store(m.scratch, (1).to_bytes(8, "little") + bytes(8))  # a second
        source.write_text(CALLS.replace("FACTOR", "3") + loop)
        os.utime(source, ns=(1, 1))
        yield m.call("nanosleep", m.scratch, 0)
        yield m.call("twice", 21)
        yield m.call("exit_group", 0)

    assert 42 in bench.run(program)
    (text,) = told
    assert text.startswith("not reloaded: your code did not come back")
    assert 'File "calls.py", line' in text


def test_a_call_that_loops_is_a_panic_with_its_line(tmp_path: Path) -> None:
    live, source = live_lab(tmp_path)
    source.write_text(CALLS.replace("    return FACTOR * value", "    while True: pass"))
    live = open_live(source.parent)
    bench = ScriptedBench(live.parts)
    bench.hart.numbers["twice"] = 500
    live.attach(bench.kernel, str)

    def program(m: ScriptedContext) -> Program:
        yield m.call("twice", 21)

    with pytest.raises(KernelPanic) as caught:
        bench.run(program)
    lines = str(caught.value).splitlines()
    assert "Stuck: your code did not come back" in lines[0]
    assert any("calls.py:6" in line for line in lines)


def test_a_file_that_loops_at_the_start(tmp_path: Path) -> None:
    folder = folder_of("4", tmp_path)
    (folder / "pages.py").write_text(LOOP)
    with pytest.raises(LabError, match=r"^your code did not come back"):
        open_live(folder)


SLOW = """\
import time
def work(beat):
    end = time.monotonic() + 1
    while time.monotonic() < end:
        beat()
"""


def test_what_is_only_slow_goes_on(tmp_path: Path) -> None:
    """The kernel that does something else begins the count again."""
    watch = Watch(tmp_path)
    (tmp_path / "slow.py").write_text(SLOW)
    module = load_module(tmp_path / "slow.py")

    def beat() -> None:
        watch.beats += 1

    module.work(beat)
    with pytest.raises(Stuck):
        module.work(lambda: None)


def test_other_code_is_never_interrupted(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    end = time.monotonic() + 20 * _QUICK
    while time.monotonic() < end:
        assert not watch.look(sys._getframe())
