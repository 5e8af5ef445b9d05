"""The same user frames as gdb's: function, file, line, inlined functions, signal frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from .comparing import compare
from .programs import PROGRAMS, Program, build

STOPS = 40


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_stacks_at_random_stops(
    program: Program, tmp_path: Path, gdb_multiarch: str, request: pytest.FixtureRequest
) -> None:
    root = request.getfixturevalue("debian_root") if program.dynamic else None
    result = compare(build(program), program.arguments, STOPS, tmp_path, root=root, gap=program.gap)
    assert not result.differences, "\n".join(result.differences[:3])
    assert result.same >= STOPS // 2
    assert result.frames > 2 * result.same
