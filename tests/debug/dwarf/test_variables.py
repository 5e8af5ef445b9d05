"""Variables of real frames, each shown as gdb shows it on a core file of the same stop."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from starrylab.debug.dwarf.format import PLAIN, show
from starrylab.debug.dwarf.pretty import PRINTERS
from starrylab.debug.inspect import InspectedThread
from starrylab.debug.language import Evaluator
from starrylab.kernel.kernel import Kernel

from .stopped import assignments, compiled, compiled_cxx, core_of, gdb, run


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


@pytest.mark.parametrize(
    "flags",
    [
        ["-O0"], ["-O1"], ["-O2"], ["-O2", "-gdwarf-4"], ["-O0", "-gdwarf-2"],
        ["-O0", "-gdwarf-3"], ["-O0", "-fdebug-types-section"],
        ["-O1", "-gdwarf-4", "-fdebug-types-section"], ["-O1", "-gdwarf64"],
    ],
)  # fmt: skip
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


@pytest.mark.parametrize("flags", [["-O1"], ["-O2"], ["-O2", "-gdwarf-4"]])
def test_inlined_functions_and_values_at_the_entry(flags: list[str], tmp_path: Path) -> None:
    program = compiled("inlined.c", *flags)
    first: list[str] = []

    def compare(stopped: InspectedThread, kernel: Kernel) -> None:
        core = core_of(stopped, tmp_path)
        module = stopped.module(stopped.frames[1].lookup)
        assert module is not None
        depths = range(len(module.levels(stopped.frames[1])))
        places = [*((1, depth) for depth in depths), (2, 0)]
        commands = [f"frame {n + 1}\ninfo {what}" for n in range(len(places))
                    for what in ("args", "locals")]  # fmt: skip
        answers = gdb(program, core, commands)
        for number, (index, depth) in enumerate(places):
            found = stopped.variables(index, depth)
            shown = [(v.name, normal(show(v.value))) for v in found]
            expected = theirs("\n".join(answers[2 * number : 2 * number + 2]))
            assert sorted(shown) == sorted(expected)
            first.extend(text for name, text in shown if name == "first")

    run(program, compare)
    assert first == ["11", "11", "22", "22"]


#: A structure that uses the library is compared as it is meant, the others as gdb shows them.
MEANT = {
    "moved": '"moved"', "small": '"short"', "empty": '""', "large": f'"{"x" * 100}"',
    "view": '"viewed"', "numbers": "std::vector of length 3 = {1, 2, 3}",
    "words": 'std::vector of length 2 = {"one", "two"}',
    "map": 'std::map of length 3 = {[1] = "one", [2] = "two", [3] = "three"}',
    "set": "std::set of length 2 = {97 'a', 98 'b'}",
    "hash": "std::unordered_map of length 1 = {[5] = 50}",
}  # fmt: skip
ALIKE = ["pair", "buffer", "reference", "this", "by"]


def test_cplusplus(tmp_path: Path) -> None:
    program = compiled_cxx("classes.cc", "-O0")
    seen: list[str] = []

    def compare(stopped: InspectedThread, kernel: Kernel) -> None:
        core = core_of(stopped, tmp_path)
        args, local = gdb(program, core, ["frame 1\ninfo args", "frame 1\ninfo locals"])
        theirs = dict([*assignments(args), *assignments(local)])
        style = replace(PLAIN, printers=PRINTERS, symbol=stopped.symbol)
        for variable in stopped.variables(1):
            text = re.sub(r"@0x\w+: ", "", show(variable.value, style))
            if variable.name in ALIKE:
                assert text == re.sub(r"@0x\w+: ", "", theirs[variable.name])
                seen.append(variable.name)
            elif variable.name in MEANT:
                assert text == MEANT[variable.name]
                seen.append(variable.name)
        evaluator = Evaluator(stopped.scope(1))
        seen.extend(check_members(evaluator, {v.name for v in stopped.variables(1)}))

    run(program, compare)
    assert set(seen) >= {*MEANT, *ALIKE, "both", "members of this"}


def check_members(evaluator: Evaluator, names: set[str]) -> list[str]:
    """Members of virtual bases, `this` left out, static members, qualified names."""
    if "both" in names:
        both = [evaluator.evaluate(f"both.{name}").integer() for name in ("id", "left", "right")]
        assert both == [3, 1, 2]
        assert evaluator.evaluate("(*unique.__ptr_ + *shared.__ptr_)").integer() == 17
        return ["both"]
    assert evaluator.evaluate("radius").number() == 4.0
    assert evaluator.evaluate("id + this->id").integer() == 6
    assert evaluator.evaluate("count + shapes::Circle::count").integer() == 22
    assert evaluator.evaluate("corners").integer() == 0
    assert evaluator.condition("kind == shapes::Kind::Square")
    return ["members of this"]
