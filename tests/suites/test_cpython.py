"""CPython's own tests: how their results are judged, and a short selection of them in a lab."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.suites import cpython, cpython_root
from tests.suites.cpython_known import Known, read_known


def lines(*records: dict[str, object]) -> list[str]:
    return [json.dumps(record) for record in records]


A = "test.test_x.T.test_a"
B = "test.test_x.T.test_b"


def test_results_are_counted() -> None:
    records = lines(
        {"start": A}, {"test": A, "outcome": "passed"}, {"stop": A, "seconds": 2},
        {"start": B}, {"test": B, "outcome": "skipped", "text": "no"}, {"stop": B, "seconds": 1},
    )  # fmt: skip
    outcome = cpython.judge("test_x", records, 0)
    assert (outcome.passed, outcome.skipped, outcome.failed) == (1, 1, {})
    assert outcome.slowest == [(2, A), (1, B)]


def test_one_failed_subtest_is_a_failed_test() -> None:
    records = lines(
        {"start": A}, {"test": A, "outcome": "failed", "text": "Trace\nOSError: 5\n"},
        {"test": A, "outcome": "passed"}, {"stop": A, "seconds": 0},
    )  # fmt: skip
    assert cpython.judge("test_x", records, 2).failed == {A: "OSError: 5"}


def test_what_did_not_end_has_failed() -> None:
    assert cpython.judge("test_x", lines({"start": A}), 124).failed == {A: "did not end"}


def test_a_module_that_fails_outside_its_tests_has_failed() -> None:
    records = lines({"start": A}, {"test": A, "outcome": "passed"}, {"stop": A, "seconds": 0})
    assert cpython.judge("test_x", records, 2).failed == {"test_x": "ended with 2"}
    assert cpython.judge("test_x", [], 1).failed == {"test_x": "ended with 1"}


def test_a_module_of_which_all_is_skipped_is_fine() -> None:
    records = lines({"start": A}, {"test": A, "outcome": "skipped"}, {"stop": A, "seconds": 0})
    assert cpython.judge("test_x", records, 4).failed == {}


def test_listed_failures_are_told_from_others() -> None:
    known = [Known(("test_x.T.*a", "test_x.T.test_c", "test_y.*"), "why")]
    outcome = cpython.Outcome("test_x", failed={A: "1", B: "2"})
    assert outcome.unlisted(known) == {B: "2"}
    assert outcome.listed_in_vain(known) == ["test_x.T.test_c"]


def test_a_cause_may_be_told_by_what_the_failure_says() -> None:
    known = [Known(("test_x.*",), "why", says=("OSError: ?Errno 97?*",))]
    outcome = cpython.Outcome("test_x", failed={A: "OSError: [Errno 97] no", B: "OSError: 5"})
    assert outcome.unlisted(known) == {B: "OSError: 5"}


def test_each_listed_failure_has_a_cause_and_belongs_to_a_module() -> None:
    for engine in ("lab", "qemu"):
        for known in read_known(engine):
            assert len(known.cause) > 20
            assert {name.split(".")[0] for name in known.tests} <= set(cpython.cpython_root.MODULES)


def test_an_entry_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text('[[known]]\ntests = ["test_x.T.a"]\ncause = "why"\nwhere = "lab"\n')
    with pytest.raises(TypeError, match="where"):
        read_known("lab", file)


#: modules that take little time, of files, processes, waiting and limits
SELECTION = (
    *("test_stat", "test_resource", "test_poll", "test_wait4", "test_file", "test_tty"),
    *("test_pty", "test_mmap", "test_tempfile", "test_select", "test_fcntl"),
)


@pytest.fixture(scope="session")
def tree() -> Path:
    """CPython and its tests; where they cannot be had, a failure in CI."""
    try:
        return cpython_root.tree()
    except cpython_root.Unavailable as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


def test_a_selection_passes(tree: Path, tmp_path: Path) -> None:
    outcome = cpython.run_modules(SELECTION, tmp_path, limit_s=250)
    assert outcome.failed == {}, (tmp_path / f"{SELECTION[0]}.log").read_text()[-3000:]
    assert outcome.status == 0
    assert outcome.passed >= 200
