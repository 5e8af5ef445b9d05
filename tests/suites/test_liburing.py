"""A few of liburing's own tests; `tests/suites/liburing.py` runs all of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.oracle.debian import Unavailable
from tests.suites import liburing

CHOSEN = (
    "nop", "link", "cq-size", "cq-full", "eventfd", "poll-cancel-all", "personality", "probe",
    "open-direct-pick", "msg-ring", "splice", "submit-link-fail", "rsrc_tags", "resize-rings",
)  # fmt: skip


def test_liburings_own_tests(tmp_path: Path) -> None:
    if shutil.which(liburing.COMPILER) is None:
        pytest.fail(f"{liburing.COMPILER} is missing: see docs/dependencies.md")
    try:
        liburing.build(CHOSEN, tmp_path)
    except Unavailable as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    assert dict(liburing.run(CHOSEN, tmp_path, 60)) == dict.fromkeys(CHOSEN, "0")
