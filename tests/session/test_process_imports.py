"""Who loads what: the lab process knows no screens, the console knows no kernel."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("starrylab.session.lab", {"textual", "rich", "pyte", "asyncio"}),
        (
            "starrylab.app",
            {"starrylab.kernel", "starrylab.machine", "starrylab.devices", "unicorn"},
        ),
    ],
)
def test_a_fresh_interpreter_does_not_load(module: str, forbidden: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not forbidden & set(loaded)
