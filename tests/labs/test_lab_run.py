"""`starrylab lab run` and `debug`: which lab, and which program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.cli import commands
from starrylab.labs import find
from starrylab.labs.workspace import Workspace


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["3"], ["ask", "stressed"]),
        (["3", "--", "ask", "x"], ["ask", "x"]),
        (["3", "ask", "-x"], ["ask", "-x"]),
        (["03-system-call", "sh"], ["sh"]),
        ([], ["ask", "stressed"]),
        (["--", "sh", "-c", "3"], ["sh", "-c", "3"]),  # and not lab 18, the crash
        (["sh"], ["sh"]),
    ],
)
@pytest.mark.parametrize("action", ["run", "debug"])
def test_what_is_run_on_which_lab(
    action: str, words: list[str], command: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    Workspace(tmp_path).start(find("3"))
    asked: list[list[str]] = []
    run = commands.run_command

    def note(args: list[str]) -> int:
        asked.append(args)
        return 0

    monkeypatch.setattr(commands, "run_command", note)
    run(["lab", "--folder", str(tmp_path), action, *words])
    assert asked == [[action, "--lab", str(tmp_path / "03-system-call"), "--", *command]]


def test_sys_exit_in_a_student_s_file_is_a_panic_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "14-nodes"
    shutil.copytree(find("14").solution, folder)
    nodes = (folder / "nodes.py").read_text()
    (folder / "nodes.py").write_text(nodes.replace("raise EINVAL", "raise SystemExit(3)"))
    command = ["run", "--lab", str(folder), "--", "sh", "-c", "echo 77 >/dev/dice; echo after"]
    ended = subprocess.run(
        [sys.executable, "-m", "starrylab", *command],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stdout == ""
    assert "SystemExit: 3\n   0: Dice.write_at\n            at " in ended.stderr
    assert ended.returncode == 70
