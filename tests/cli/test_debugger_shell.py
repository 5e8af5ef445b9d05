"""The debugger's commands without a lab: what they do again, and what they refuse."""

from __future__ import annotations

import pytest

from starrylab.cli.debugger.link import CommandError
from starrylab.cli.debugger.shell import Quit, Shell
from starrylab.cli.debugger.state import State
from starrylab.session.debugging import model

HITS = 1200  # more than Python's stack has room for, were each done inside of the one before


class FakeLink:
    """A program that meets breakpoint 1 again and again, and then ends."""

    def __init__(self) -> None:
        self.ending = None
        self.left = HITS

    def ask(self, command):
        if isinstance(command, model.Continue):
            self.left -= 1
        return model.Done()

    def wait(self):
        if self.left < 0:
            return model.Stopped("process exit", 1, 1, "[Process 1 exited]", status=3 << 8)
        return model.Stopped("breakpoint", 1, 1, "Breakpoint 1", breakpoints=(1,))


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def shell(said) -> Shell:
    shell = Shell(State(FakeLink(), said.append, "prog"))
    shell.state.wait()
    return shell


def test_commands_of_a_breakpoint_go_on_as_often_as_it_is_met(shell, said):
    shell.script(["commands 1", "silent", "echo .", "continue", "echo never", "end", "continue"])
    assert "".join(said).count(".") == HITS
    assert "never" not in "".join(said)
    assert shell.state.status == 3


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("break \udcff", "a command has to be text in UTF-8"),
        ("next 99999999999999999999", "count: 99999999999999999999 is out of range"),
        ("step 0", "count: must be 1 or more"),
        ("stepi -1", "count: must be 1 or more"),
        ("source /nonexistent", "/nonexistent: No such file or directory"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(shell, command, problem):
    with pytest.raises(CommandError, match=f"^{problem}$"):
        shell.do(command, iter(()))
    assert shell.failed
    shell.do("# a comment", iter(()))
    assert not shell.failed


def test_a_file_that_reads_itself_and_one_that_is_no_text(shell, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"source {script}\n")
    with pytest.raises(CommandError, match="nested too deeply"):
        shell.do(f"source {script}", iter(()))
    script.write_bytes(b"\x7fELF\xff")
    with pytest.raises(CommandError, match="not text"):
        shell.do(f"source {script}", iter(()))


def test_leaving_is_no_failure(shell):
    with pytest.raises(Quit):
        shell.do("quit", iter(()))
    assert not shell.failed
