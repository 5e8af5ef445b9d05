"""Steps over exceptions of C++ and panics of Rust: they stop where these are handled."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from starrylab.debug.control import creating
from starrylab.debug.control.api import Reason, StepKind
from tests.debug.control.conftest import PROGRAMS, Bench, line_of
from tests.debug.dwarf.stopped import compiled_cxx
from tests.debug.unwind import programs
from tests.oracle.fixtures import _or_missing as or_missing


@pytest.fixture
def stopped_at() -> Iterator[Callable[..., Bench]]:
    """Return what starts the program and runs it up to the line with a text."""
    made = []

    def start(text: str, *flags: str) -> Bench:
        bench = Bench(compiled_cxx(PROGRAMS / "throwing.cc", *(flags or ("-O0",))))
        made.append(bench)
        bench.debugger.run()
        creating.add_breakpoint(bench.debugger, f"throwing.cc:{at(text)}", temporary=True)
        assert bench.go().reason is Reason.BREAKPOINT
        return bench

    yield start
    for bench in made:
        bench.close()


def at(text: str) -> int:
    return line_of(text, "throwing.cc")


def test_next_stops_in_the_handler(stopped_at):
    bench = stopped_at("// second")
    stop = bench.step(StepKind.OVER)
    assert (stop.reason, stop.text) == (Reason.STEP, "exception")
    assert (bench.function(), bench.line()) == ("main", at("// handler"))


def test_optimised_code(stopped_at):
    bench = stopped_at("// second", "-O1", "-fno-inline")
    stop = bench.step(StepKind.OVER)
    assert (stop.reason, stop.text, bench.function()) == (Reason.STEP, "exception", "main")
    assert at("// second") < bench.line() < at("// third")


def test_an_exception_that_is_handled_below_is_part_of_the_call(stopped_at):
    bench = stopped_at("// first")
    stop = bench.step(StepKind.OVER)
    assert (stop.text, bench.line()) == ("", at("// second"))


def test_next_leaves_its_function_with_the_exception(stopped_at):
    bench = stopped_at("// leaves passes")
    bench.step(StepKind.OVER)
    assert (bench.function(), bench.line()) == ("main", at("// handler"))


def test_finish_of_a_function_that_throws(stopped_at):
    bench = stopped_at("// leaves passes")
    stop = bench.step(StepKind.OUT)
    assert (stop.reason, stop.text, stop.value) == (Reason.STEP, "exception", None)
    assert (bench.function(), bench.line()) == ("main", at("catch (int value)"))


def test_until_ends_with_the_exception(stopped_at):
    bench = stopped_at("// leaves passes")
    stop = bench.step(StepKind.UNTIL, location=f"throwing.cc:{at('return before')}")
    assert (stop.text, bench.function()) == ("exception", "main")


def test_catchpoints(stopped_at):
    bench = stopped_at("// second")
    thrown = creating.catch_exception(bench.debugger, "throw")
    caught = creating.catch_exception(bench.debugger, "catch")
    bench.debugger.handling.stop.clear()
    for point in (thrown, caught):
        stop = bench.go()
        assert (stop.reason, stop.breakpoints) == (Reason.BREAKPOINT, (point.number,))
        frames = [f.function for f in bench.debugger.stacks.user(bench.thread)]
        assert "main" in frames[1:]
        assert ("thrower" in " ".join(frames)) == (point is thrown)


def test_out_of_many_frames(stopped_at):
    bench = stopped_at("// deeper")
    bench.step(StepKind.OVER)
    assert (bench.function(), bench.line()) == ("main", at("// outer handler"))


@pytest.mark.optional
@pytest.mark.parametrize(
    ("text", "kind"),
    [("// throw", StepKind.OVER), ("// leaves passes", StepKind.OVER),
     ("// leaves passes", StepKind.OUT)],
)  # fmt: skip
def test_a_panic_leaves_its_function(text, kind):
    bench = panicking(text)
    try:
        stop = bench.step(kind)
        assert (stop.reason, stop.text) == (Reason.STEP, "exception")
        # What catches it, in the program's own instance of the library's function.
        assert "try" in bench.function()
    finally:
        bench.close()


@pytest.mark.optional
def test_a_panic_that_is_caught_below_is_part_of_the_call():
    bench = panicking("// whole")
    try:
        stop = bench.step(StepKind.OVER)
        assert (stop.text, bench.function()) == ("", "panicking::main")
        assert bench.line() == line_of("// after", "panicking.rs")
    finally:
        bench.close()


def panicking(text: str) -> Bench:
    """Return the Rust program at the line with a text."""
    flags = ("-C", "opt-level=0", "-C", "target-feature=+crt-static")
    source = str(PROGRAMS / "panicking.rs")
    compiler = or_missing(lambda: programs.rust_compiler(fetch=False))  # it is 240 MB
    bench = Bench(programs.build(programs.Program("panicking", source, flags, (), True, compiler)))
    bench.debugger.run()
    line = line_of(text, "panicking.rs")
    creating.add_breakpoint(bench.debugger, f"panicking.rs:{line}", temporary=True)
    assert bench.go().reason is Reason.BREAKPOINT
    return bench
