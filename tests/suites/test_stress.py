"""stress-ng in a lab: how its results are judged, and some stressors side by side."""

from __future__ import annotations

import os

import pytest

from tests.oracle import debian
from tests.suites import stress

PASSED = """\
stress-ng: metrc: [1] pipe             146465      5.00      4.37      2.21     29268.32
stress-ng: info:  [1] skipped: 0
stress-ng: info:  [1] passed: 1: pipe (1)
stress-ng: info:  [1] failed: 0
"""
SKIPPED = """\
stress-ng: info:  [2] aiol: io_setup failed, skipping stressor
stress-ng: info:  [1] skipped: 1: aiol (1)
stress-ng: info:  [1] passed: 0
stress-ng: info:  [1] failed: 0
"""
FAILED = """\
stress-ng: fail:  [2] pidfd: pidfd_send_signal failed, errno=9 (Bad file descriptor)
stress-ng: info:  [1] skipped: 0
stress-ng: info:  [1] passed: 0
stress-ng: info:  [1] failed: 1: pidfd (1)
"""

IDLE = """\
stress-ng: error: [2] quota: cannot find any candidate block devices with quota enabled
stress-ng: warn:  [2] quota: WARNING: finished prematurely after just 0.65 sec
stress-ng: info:  [1] skipped: 0
stress-ng: info:  [1] passed: 1: quota (1)
stress-ng: info:  [1] failed: 0
"""


def test_outcomes_are_told_apart() -> None:
    assert stress.judge("pipe", 0, PASSED).state == "passed"
    assert stress.judge("pipe", 0, PASSED).detail == "146465 operations in 5.00 s"
    assert stress.judge("aiol", 0, SKIPPED).state == "skipped"
    assert stress.judge("aiol", 0, SKIPPED).detail == "aiol: io_setup failed, skipping stressor"
    assert stress.judge("quota", 0, IDLE).state == "skipped"
    failed = stress.judge("pidfd", 2, FAILED)
    assert failed.state == "failed"
    assert "Bad file descriptor" in failed.detail


def test_a_kernel_that_panics_has_failed() -> None:
    outcome = stress.judge("pipe", 134, "starrylab: kernel panic: KeyError\n")
    assert (outcome.state, outcome.detail) == ("failed", "starrylab: kernel panic: KeyError")


def test_what_is_absent_is_a_stressor_and_has_a_cause() -> None:
    for name, cause in stress.ABSENT.items():
        assert name in list(stress.chosen([])), name
        assert len(cause) > 15


def test_a_class_is_its_stressors() -> None:
    assert "timerfd" in list(stress.chosen(["timer"]))
    assert list(stress.chosen(["pipe", "futex"])) == ["pipe", "futex"]


def test_stressors_pass_side_by_side() -> None:
    """Twelve at once for three seconds: their processes compete for the one CPU."""
    names = ["pipe", "futex", "fork", "vfork", "mmap", "sigq"]
    names += ["timerfd", "poll", "epoll", "sem-sysv", "mq", "dentry"]
    try:
        tree = stress.root()
    except debian.Unavailable as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    outcome = stress.run(names, 3, tree, grace=120)
    assert outcome.state == "passed", outcome.text
    assert "passed: 12:" in outcome.text
    assert "skipped: 0" in outcome.text
