"""Steps in a real program: by instruction, line and frame; recursion, signals, longjmp, calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.debug.control import creating
from starrylab.debug.control.api import ControlError, Reason, StepKind
from tests.debug.control.conftest import line_of


@pytest.fixture
def bench(debug):
    bench = debug("steps.c")
    bench.debugger.run()
    creating.add_breakpoint(bench.debugger, "main", temporary=True)
    bench.go()
    assert bench.line() == line_of("first call")
    return bench


def lines(bench, kind, n, **options):
    found = []
    for _ in range(n):
        stop = bench.step(kind, **options)
        assert stop.reason is Reason.STEP, stop
        found.append((bench.function(), bench.line()))
    return found


def test_next_goes_over_calls(bench):
    assert lines(bench, StepKind.OVER, 3) == [
        ("main", line_of("second call")),
        ("main", line_of("counter = a + b")),
        ("main", line_of("first write")),
    ]


def test_next_several_times(bench):
    assert lines(bench, StepKind.OVER, 1, count=3) == [("main", line_of("first write"))]


def test_step_goes_into_a_function_and_out_of_it(bench):
    found = lines(bench, StepKind.LINE, 4)
    assert found == [
        ("twice", line_of("body of twice")),
        ("twice", line_of("return r;")),
        ("main", line_of("second call")),
        ("factorial", line_of("if (n <= 1)")),
    ]


def test_next_in_a_recursion_stays_in_its_frame(bench):
    creating.add_breakpoint(bench.debugger, "factorial", temporary=True)
    bench.go()
    sp = bench.thread.context.sp
    assert lines(bench, StepKind.OVER, 2) == [
        ("factorial", line_of("recursion")),
        ("factorial", line_of("return n * below")),
    ]
    assert bench.thread.context.sp == sp


def test_finish_tells_the_value(bench):
    creating.add_breakpoint(bench.debugger, "factorial", condition="$a0 == 3")
    bench.go()
    stop = bench.step(StepKind.OUT)
    assert (stop.reason, stop.value, bench.function()) == (Reason.STEP, 6, "factorial")


def test_finish_of_an_outer_frame_passes_over_inner_ones(bench):
    creating.add_breakpoint(bench.debugger, f"steps.c:{line_of('return 1;')}")
    stop = bench.go()
    assert stop.reason is Reason.BREAKPOINT
    stop = bench.step(StepKind.OUT, frame=4)
    assert (stop.value, bench.function()) == (120, "main")


def test_finish_of_the_outermost_frame_is_refused(bench):
    depth = len(bench.debugger.stacks.user(bench.thread))
    with pytest.raises(ControlError, match="outermost"):
        bench.step(StepKind.OUT, frame=depth - 1)


def test_until_a_line(bench):
    target = line_of("after raise")
    bench.debugger.handling.stop.clear()
    stop = bench.step(StepKind.UNTIL, location=f"steps.c:{target}")
    assert (stop.reason, bench.line()) == (Reason.STEP, target)


def test_a_signal_handler_runs_within_a_step(bench):
    bench.debugger.handling.stop.clear()
    bench.step(StepKind.UNTIL, location=f"steps.c:{line_of('/* raise */')}")
    assert lines(bench, StepKind.OVER, 1) == [("main", line_of("after raise"))]


@pytest.mark.parametrize("kind", [StepKind.OVER, StepKind.LINE])
def test_a_step_after_a_handler_goes_on_where_the_signal_came(bench, kind):
    bench.debugger.handling.stop.clear()
    creating.add_breakpoint(bench.debugger, "on_signal")
    bench.go()
    bench.step(StepKind.OUT)
    passed = [bench.function()]
    while passed[-1] != "main":
        assert bench.step(kind).reason is Reason.STEP
        passed.append(bench.function())
    assert passed[-2] == "raise"  # which sent it, in a C library with lines
    assert bench.line() == line_of("after raise")


def test_next_over_a_longjmp(bench):
    bench.debugger.handling.stop.clear()
    bench.step(StepKind.UNTIL, location=f"steps.c:{line_of('/* jump */')}")
    found = lines(bench, StepKind.OVER, 1)[0]
    assert found[0] == "main"
    assert found[1] in (line_of("setjmp(home)"), line_of("after jump"))


def test_step_over_a_function_without_lines(bench):
    bench.debugger.handling.stop.clear()
    bench.step(StepKind.UNTIL, location=f"steps.c:{line_of('/* no lines */')}")
    assert lines(bench, StepKind.LINE, 1) == [("main", line_of("signal(SIGUSR1"))]
    creating.add_breakpoint(bench.debugger, "callback")


def test_instructions_and_over_calls(bench):
    debugger = bench.debugger
    pcs = [bench.step(StepKind.INSTRUCTION).pc for _ in range(4)]
    assert len(set(pcs)) == 4
    while bench.function() == "main":
        before = bench.debugger.stop.pc
        if debugger.code.line_range(bench.thread.mm, before) is None:
            break
        bench.step(StepKind.INSTRUCTION)
    assert bench.function() == "twice"


def test_nexti_goes_over_a_call(bench):
    for _ in range(12):
        bench.step(StepKind.INSTRUCTION_OVER)
        assert bench.function() == "main"


def test_step_into_a_system_call(bench):
    bench.debugger.handling.stop.clear()
    bench.step(StepKind.UNTIL, location=f"steps.c:{line_of('/* write */')}")
    stop = bench.step(StepKind.CALL)
    assert (stop.reason, stop.call.name) == (Reason.SYSCALL_ENTRY, "write")
    handler, line = stop.call.where.rsplit(":", 1)
    source = Path(handler).read_text().splitlines()
    assert any("write" in text for text in source[int(line) - 1 : int(line) + 2])
    stop = bench.step(StepKind.INSTRUCTION)
    assert stop.reason is Reason.STEP
    bench.lab.finish_output()
    assert bytes(bench.output) == b"hello\n"


def test_a_step_to_the_end(bench):
    bench.debugger.handling.stop.clear()
    while (stop := bench.step(StepKind.OVER)).reason is Reason.STEP:
        pass
    assert stop.reason is Reason.PROCESS_EXIT


@pytest.mark.parametrize("kind", [StepKind.OVER, StepKind.LINE])
def test_signals_of_a_timer_run_their_handler_within_steps(debug, kind):
    bench = debug("ticks.c")
    bench.debugger.run()
    wanted = [line_of(text, "ticks.c") for text in ("first", "second", "third")]
    creating.add_breakpoint(bench.debugger, f"ticks.c:{wanted[0]}", temporary=True)
    bench.go()
    for n in range(1, 150):
        stop = bench.step(kind)
        assert stop.reason is Reason.STEP
        if bench.function() == "half":
            stop = bench.step(StepKind.OUT)
            bench.step(kind)
            assert bench.line() in (wanted[1], wanted[2])
        assert bench.function() == "main", n
    addr = bench.symbol("ticks")
    ticks = bench.debugger.read_memory(bench.thread.process, addr, 4)
    assert int.from_bytes(ticks, "little") > 0
