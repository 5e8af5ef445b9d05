"""For all tests: the oracles as fixtures, and no silent skips where everything is expected."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator

import pytest

pytest_plugins = ["tests.oracle.fixtures"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where ``CI`` is set a skipped test is a failed one, unless it is marked `optional`."""
    report = yield
    if report.skipped and os.environ.get("CI") and item.get_closest_marker("optional") is None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"must not be skipped in CI: {reason}"
    return report


@pytest.fixture(scope="module")
def few_objects() -> Iterator[None]:
    """Hide what earlier tests left from the garbage collector, and so from every census.

    After some thousand tests that is a million objects, and a census would take seconds.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
