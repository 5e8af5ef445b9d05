"""What the real gdb needs."""

from __future__ import annotations

import pytest

from tests.oracle import gdb
from tests.oracle.fixtures import _or_missing, debian_root

__all__ = ["debian_root", "gdb_program"]


@pytest.fixture(scope="session")
def gdb_program() -> str:
    return _or_missing(gdb.program)
