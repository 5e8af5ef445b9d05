"""The test suites of Debian's packages: how results are judged, and a short selection in a lab."""

from __future__ import annotations

import os

import pytest

from tests.oracle import debian
from tests.suites import packages


def test_results_are_read_from_what_the_guest_prints() -> None:
    text = "RESULT a pass\nnoise\nRESULT cut -d-f( ): fail\n    1c1\nRESULT x/y timeout\n"
    assert packages.results(text) == {"a": "pass", "cut -d-f( )": "fail", "x/y": "timeout"}


def test_every_known_failure_has_a_cause_and_a_suite() -> None:
    for suite in packages.SUITES:
        for pattern, cause in packages.causes(suite).items():
            assert pattern
            assert len(cause) > 20


def test_a_failure_without_a_cause_is_unexpected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "causes", lambda _: {"old*": "because it is so, and stays so"})
    found = {"old": "fail", "new": "timeout", "fine": "pass", "odd": "skip"}
    assert packages.unexpected("bash", found, whole=True) == ["bash: new: timeout"]


def test_a_known_failure_that_passes_is_unexpected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "causes", lambda _: {"old": "because it is so, and stays so"})
    expected = ["bash: old is listed as failing, and passes"]
    assert packages.unexpected("bash", {"old": "pass"}, whole=False) == expected
    assert packages.unexpected("bash", {"other": "pass"}, whole=False) == []
    assert packages.unexpected("bash", {"other": "pass"}, whole=True) == expected


#: quick ones that meet much of the kernel: here-documents, redirections, jobs, signals, files
SELECTION = {
    "bash": ["case", "cond", "dirstack", "redir", "posixpipe"],
    "ash": ["ash-misc/and-or", "ash-redir/redir", "ash-signals/signal2", "ash-vars/var1"],
    "busybox": ["cat", "cut", "find", "mv", "touch"],
}


@pytest.mark.parametrize("suite", SELECTION)
def test_a_selection_passes(suite: str) -> None:
    try:
        found, text = packages.run(suite, SELECTION[suite], limit_s=60)
    except debian.Unavailable as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    assert len(found) >= len(SELECTION[suite]), text
    assert packages.unexpected(suite, found, whole=False) == [], text
