"""What a student is told: results with the names of errors, panics in either language."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from starrylab.kernel.syscalls import syscall
from starrylab.labs.api import Refused, with_name
from starrylab.labs.calls import Int
from starrylab.labs.running import Runner, SubmissionRun
from starrylab.labs.worker import Answer, Request


class Told:
    """Stands for a worker, and answers what it was told to."""

    grace = 0.0

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def ask(self, _: Request) -> Answer:
        return self.answer


def look() -> None:
    """A scenario that is never run."""


def run_of(answer: Answer, folder: Path) -> SubmissionRun:
    return SubmissionRun(cast("Runner", Told(answer)), folder, None, 1)


def test_results_have_the_names_of_errors() -> None:
    assert [with_name(value) for value in (0, 7, -22, -1, -5000, None, b"x")] == [
        "0", "7", "-22 (EINVAL)", "-1 (EPERM)", "-5000", "None", "b'x'"
    ]  # fmt: skip


def test_the_last_calls_have_the_arguments_that_they_have(tmp_path: Path) -> None:
    calls: list[Any] = [("getpid", [], 7), ("close", [0x63], -9)]
    run = run_of(Answer("value", {"calls": calls}), tmp_path)
    run(look)
    assert run.seen.splitlines()[1:] == ["  getpid() = 7", "  close(0x63) = -9 (EBADF)"]


def test_a_panic_is_told_in_both_languages(tmp_path: Path) -> None:
    text = "Kernel panic in thread 1 (init): ValueError: page 3\n   0: alloc"
    with pytest.raises(Refused) as refused:
        run_of(Answer("panic", detail=text), tmp_path)(look)
    assert refused.value.text.en == "Kernel panic in thread 1 (init): ValueError: page 3"
    assert refused.value.text.zh == "内核 panic：thread 1 (init): ValueError: page 3"


def test_types_of_a_call_may_be_written_either_way() -> None:
    """Strings, as ``from __future__ import annotations`` makes them, and types."""

    def plain(t, fd):
        return fd

    plain.__annotations__ = {"fd": Int}
    assert [name for name, _ in syscall()(plain).__syscall__.args] == ["fd"]
    plain.__annotations__ = {}
    with pytest.raises(TypeError, match=r"parameter fd has no C type; say which: fd: Int"):
        syscall()(plain)
