"""The tests of leaks look at every object of the process, and begin with few."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def few(few_objects: None) -> None:
    """See `few_objects`."""
