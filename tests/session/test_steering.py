"""Signals and limits from a front end, by the kernel's own rules."""

from __future__ import annotations

import pytest

from starrylab.abi.resource import RLIMIT_NOFILE
from starrylab.session.protocol import SetLimit
from starrylab.session.steering import send_signal, set_limit
from tests.kernel.conftest import ScriptedLab


def test_a_limit_is_set_for_the_whole_process() -> None:
    lab = ScriptedLab()
    seen = []

    def program(m):
        assert set_limit(lab.kernel, SetLimit(1, "nofile", 3, 7)) == ""
        for _ in range(4):
            seen.append((yield m.call("eventfd2", 0, 0)))  # noqa: PERF401  # a yield
        seen.append(lab.kernel.processes[1].limits[RLIMIT_NOFILE])
        assert set_limit(lab.kernel, SetLimit(1, "stack", -1, -1)) == ""
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [0, 1, 2, -24, (3, 7)]  # EMFILE


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (SetLimit(99, "nofile", 1, 1), "there is no process 99"),
        (SetLimit(1, "pizza", 1, 1), "there is no limit pizza"),
        (SetLimit(1, "nofile", 2, 1), "cannot be above"),
        (SetLimit(1, "nofile", 2, -1), "EPERM"),  # /proc/sys/fs/nr_open
    ],
)
def test_what_cannot_be_is_said_in_a_line(wanted, words) -> None:
    lab = ScriptedLab()
    said = []

    def program(m):
        said.append(set_limit(lab.kernel, wanted))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert words in said[0]
    assert "\n" not in said[0]


def test_a_signal_to_nobody_or_of_no_number_is_passed_over() -> None:
    lab = ScriptedLab()

    def program(m):
        for pid, signo in ((99, 9), (1, 0), (1, 65), (1, -3)):
            send_signal(lab.kernel, pid, signo)
        yield m.call("exit_group", 5)

    lab.run(program)
    assert lab.kernel.exit_status == 5 << 8
