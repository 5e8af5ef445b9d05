"""The tests of leaks look at every object of the process, and begin with few."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def few_objects() -> Iterator[None]:
    """Hide what earlier tests left from the garbage collector, and so from every census.

    After some thousand tests that is a million objects, and a census would take seconds.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
