"""Who loads what, proved in fresh interpreters: a deferred import is one only if it defers.

`lint-imports` checks the layers from the source; this checks what really ends up in memory.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCREENS = frozenset({"textual", "rich", "pyte"})
ENGINE = frozenset({"unicorn", "serial"})
KERNEL = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for path in (ROOT / "starrylab" / "kernel").rglob("*.py")
)


def loaded_by(*modules: str) -> set[str]:
    """Return the modules in memory after importing ``modules`` in a fresh interpreter."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("starrylab.cli", SCREENS | ENGINE | {"starrylab.kernel", "starrylab.session"}),
        ("starrylab.cli.run", SCREENS | ENGINE | {"starrylab.app", "asyncio"}),
        ("starrylab.cli.symbolize", {"argparse", "dataclasses", "pathlib", "platformdirs"}),
        ("starrylab.cli.syscalls", SCREENS | ENGINE | {"starrylab.session"}),
        ("starrylab.kernel.boot", SCREENS | ENGINE | {"starrylab.devices", "starrylab.session"}),
        ("starrylab.session.lab", SCREENS | {"starrylab.app", "asyncio"}),
        ("starrylab.app", {"starrylab.kernel", "starrylab.machine", "starrylab.devices", *ENGINE}),
    ],
)
def test_a_fresh_interpreter_does_not_load(module: str, forbidden: set[str]) -> None:
    loaded = loaded_by(module)
    assert module in loaded
    assert forbidden & loaded == set()


def test_the_whole_kernel_loads_no_engine_and_no_screen() -> None:
    loaded = loaded_by(*KERNEL)
    assert (SCREENS | ENGINE | {"starrylab.machine.unicorn", "starrylab.devices"}) & loaded == set()


@pytest.mark.parametrize("module", KERNEL[:: max(1, len(KERNEL) // 12)])
def test_a_kernel_module_can_be_imported_first(module: str) -> None:
    """No part needs another one to have been imported before it."""
    assert module in loaded_by(module)
