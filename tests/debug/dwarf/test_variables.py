"""Variables of real frames, each shown as gdb shows it on a core file of the same stop."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from starrylab.debug.dwarf.format import PLAIN, show
from starrylab.debug.inspect import InspectedThread
from starrylab.kernel.kernel import Kernel

from .stopped import assignments, compiled, core_of, gdb, run


def normal(text: str) -> str:
    """Leave out why something is not there, and what follows a NUL (gdb: print null-stop)."""
    text = re.sub(r"<(optimized out|synthetic pointer)[^>]*>", "<optimized out>", text)
    return re.sub(r'\\000(\\.|[^"\\])*"', '"', text)


def ours(stopped: InspectedThread, index: int, *, arguments: bool) -> list[tuple[str, str]]:
    style = replace(PLAIN, symbol=stopped.symbol)
    return [
        (variable.name, normal(show(variable.value, style)))
        for variable in stopped.variables(index)
        if variable.is_argument == arguments
    ]


def theirs(text: str) -> list[tuple[str, str]]:
    found = [(name, normal(value)) for name, value in assignments(text)]
    return [pair for pair in found if not pair[0].startswith("__vla")]


@pytest.mark.parametrize("flags", [["-O0"], ["-O1"], ["-O2"], ["-O2", "-gdwarf-4"]])
def test_every_c_type_as_gdb_shows_it(flags: list[str], tmp_path: Path) -> None:
    program = compiled("types.c", *flags)
    seen = []

    def compare(stopped: InspectedThread, kernel: Kernel) -> None:
        core = core_of(stopped, tmp_path)
        args, local = gdb(program, core, ["frame 1\ninfo args", "frame 1\ninfo locals"])
        assert sorted(ours(stopped, 1, arguments=True)) == sorted(theirs(args))
        seen.append(dict(ours(stopped, 1, arguments=False)))
        assert sorted(ours(stopped, 1, arguments=False)) == sorted(theirs(local))

    run(program, compare)
    assert len(seen) == 1
