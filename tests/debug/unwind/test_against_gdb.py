"""The same user frames as gdb's: function, file, line, inlined functions, signal frames."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.oracle import debian
from tests.oracle.fixtures import _missing as missing
from tests.oracle.fixtures import _or_missing as or_missing

from .comparing import compare
from .programs import GNU, GXX, LIBRARIES, PROGRAMS, Program, build, rust

STOPS = 40
FEW = 12  #: of each program of compilers that are big to fetch


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_stacks_at_random_stops(
    program: Program, tmp_path: Path, gdb_multiarch: str, request: pytest.FixtureRequest
) -> None:
    root = request.getfixturevalue("debian_root") if program.dynamic else None
    result = compare(build(program), program.arguments, STOPS, tmp_path, root=root, gap=program.gap)
    assert not result.differences, "\n".join(result.differences[:3])
    assert result.same >= STOPS // 2
    assert result.frames > 2 * result.same


@pytest.mark.parametrize("program", GNU[1:], ids=lambda program: program.name)
def test_what_gnu_compilers_make(program: Program, tmp_path: Path, gdb_multiarch: str) -> None:
    if shutil.which(GXX) is None:
        missing(f"{GXX} is missing; install g++-riscv64-linux-gnu")
    root = or_missing(lambda: debian.tree("c++-alone", LIBRARIES)) if program.dynamic else None
    agree(program, tmp_path, root)


@pytest.mark.optional
def test_what_rust_makes(tmp_path: Path, gdb_multiarch: str) -> None:
    """Where Debian's compiler has been fetched before: it is 240 MB, with its library."""
    root = or_missing(lambda: debian.tree("c++-alone", LIBRARIES))
    agree(or_missing(lambda: rust(fetch=False)), tmp_path, root)


def agree(program: Program, folder: Path, root: Path | None) -> None:
    result = compare(build(program), program.arguments, FEW, folder, root=root, gap=program.gap)
    assert not result.differences, "\n".join(result.differences[:3])
    assert result.same >= FEW // 2
    assert result.frames > 2 * result.same
