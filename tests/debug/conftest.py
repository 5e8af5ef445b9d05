"""The scripted lab of the kernel's tests."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import ScriptedLab


@pytest.fixture
def lab() -> ScriptedLab:
    return ScriptedLab()
