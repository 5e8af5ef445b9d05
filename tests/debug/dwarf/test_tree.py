"""Variables as a tree, opened level by level."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from starrylab.debug.dwarf.errors import BadDwarf
from starrylab.debug.dwarf.format import Style
from starrylab.debug.dwarf.tree import Node, expand, roots
from starrylab.debug.dwarf.variables import Variable
from starrylab.debug.inspect import InspectedThread
from starrylab.kernel.kernel import Kernel

from .stopped import compiled, run

STYLE = Style()


def at_stop(check: Callable[[list[Variable]], None]) -> None:
    def look(stopped: InspectedThread, kernel: Kernel) -> None:
        check(stopped.variables(1))

    run(compiled("types.c", "-O0"), look)


def find(nodes: Sequence[Node], name: str) -> int:
    return next(n for n, node in enumerate(nodes) if node.name == name and not node.hidden)


def test_a_list_is_followed_down_to_its_end() -> None:
    def check(variables: list[Variable]) -> None:
        top = roots(variables, STYLE)
        path = [find(top, "head")]
        assert top[path[0]].expandable
        below = expand(variables, path, STYLE)
        assert [node.name for node in below] == ["name", "next", "<anonymous>", "named", "colour"]
        assert [node.expandable for node in below] == [False, True, True, True, False]
        path.append(find(below, "next"))
        tail = expand(variables, path, STYLE)  # a pointer opens to the members of its structure
        assert (tail[0].text.endswith('"tail"'), tail[1].text) == (True, "0x0")
        assert not tail[1].expandable
        assert tail[4].type_name == "enum colour"

    at_stop(check)


def test_arrays_open_in_portions() -> None:
    def check(variables: list[Variable]) -> None:
        top = roots(variables, STYLE)
        path = [find(top, "zeros")]
        portion = expand(variables, path, STYLE, start=98, count=10)
        assert [(node.name, node.text) for node in portion] == [("[98]", "0"), ("[99]", "0")]
        grid = expand(variables, [find(top, "grid"), 1], STYLE)
        assert [node.text for node in grid] == ["4", "5", "6"]

    at_stop(check)


def test_paths_that_lead_nowhere_are_told() -> None:
    def check(variables: list[Variable]) -> None:
        for path in ([], [999], [0, 5], [find(roots(variables, STYLE), "head"), 77]):
            with pytest.raises(BadDwarf, match="no such"):
                expand(variables, path, STYLE)

    at_stop(check)
