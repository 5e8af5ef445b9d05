"""Threads, forks and new programs under a debugger."""

from __future__ import annotations

import pytest

from starrylab.debug.control import creating, nonstop
from starrylab.debug.control.api import (
    Access,
    Action,
    ControlError,
    EventKind,
    Kind,
    Reason,
    StepKind,
)
from starrylab.kernel.core.sched import State
from tests.debug.control.conftest import line_of


def line(text):
    return line_of(text, "threads.c")


@pytest.fixture
def bench(debug):
    bench = debug("threads.c", "again")
    bench.debugger.run()
    return bench


def at(bench, text):
    creating.add_breakpoint(bench.debugger, f"threads.c:{line(text)}", temporary=True)
    stop = bench.go()
    assert stop.reason is Reason.BREAKPOINT, stop
    return stop


def test_every_thread_meets_a_breakpoint(bench):
    creating.add_breakpoint(bench.debugger, "work")
    met = {bench.go().tid for _ in range(60)}
    assert len(met) == 3


def test_a_breakpoint_for_one_thread(bench):
    at(bench, "main loop")
    tids = [t.tid for t in bench.debugger.threads()]
    assert len(tids) == 3
    creating.add_breakpoint(bench.debugger, "work", tid=tids[1])
    assert {bench.go().tid for _ in range(10)} == {tids[1]}


def test_a_step_of_one_thread_alone_leaves_the_others(bench):
    at(bench, "main loop")
    others = [t for t in bench.debugger.threads() if t.tid != 1]
    before = [t.context.general() for t in others]
    for _ in range(5):
        assert bench.step(StepKind.OVER, alone=True).reason is Reason.STEP
    assert [t.context.general() for t in others] == before
    for _ in range(6):
        stop = bench.step(StepKind.OVER)
        assert (stop.reason, stop.tid) == (Reason.STEP, 1), stop
    assert [t.context.general() for t in others] != before


def test_a_step_alone_over_the_wait_for_a_process_that_is_not_traced(bench):
    at(bench, "pid_t child = fork()")
    creating.catch_event(bench.debugger, EventKind.FORK)
    stop = bench.go()  # the child has not run yet
    while bench.line() != line("/* parent */"):
        stop = bench.step(StepKind.OVER, alone=True)
        assert (stop.reason, stop.tid) == (Reason.STEP, 1), stop


def test_steps_of_two_threads_do_not_disturb_each_other(bench):
    stop = at(bench, "loop */")
    for _ in range(20):
        stop = bench.step(StepKind.OVER)
        assert (stop.reason, stop.tid, bench.line()) == (Reason.STEP, stop.tid, bench.line())
    assert bench.function() == "worker"


def test_threads_are_held_while_one_runs(bench):
    at(bench, "main loop")
    others = [t for t in bench.debugger.threads() if t.tid != 1]
    before = [t.context.general() for t in others]
    creating.add_breakpoint(bench.debugger, "work")
    for _ in range(5):
        bench.debugger.resume({1: Action()}, Action(Kind.HOLD))
        assert bench.debugger.run().tid == 1
    assert [t.context.general() for t in others] == before
    creating.change(bench.debugger, 2, enabled=False)
    at(bench, "stop them")


def test_a_pause_stops_all_and_the_clock(bench):
    kernel, debugger = bench.kernel, bench.debugger
    at(bench, "main loop")
    debugger.resume()
    kernel.executor.call_at(kernel.executor.now + 2_000_000, debugger.pause)
    stop = debugger.run()
    assert stop.reason is Reason.PAUSE
    first = kernel.door.monotonic()
    assert kernel.door.monotonic() == first
    at(bench, "stop them")


def test_a_child_has_no_breakpoints_of_its_parent(bench):
    creating.add_breakpoint(bench.debugger, "in_child")
    creating.catch_event(bench.debugger, EventKind.FORK)
    stop = bench.go()
    assert (stop.reason, stop.tid) == (Reason.FORK, 1)
    child = bench.kernel.threads[stop.child]
    assert not bench.debugger.traces(child.process)
    at(bench, "parent")
    assert bench.go().reason in (Reason.EXEC, Reason.PROCESS_EXIT)


def test_a_child_is_followed_if_asked(bench):
    bench.debugger.follow_children = True
    creating.add_breakpoint(bench.debugger, "in_child")
    stop = bench.go()
    assert (stop.reason, bench.function()) == (Reason.BREAKPOINT, "in_child")
    assert stop.pid != 1
    assert bench.step(StepKind.OVER).pid == stop.pid
    creating.catch_event(bench.debugger, EventKind.EXIT)
    stop = bench.go()
    assert (stop.reason, stop.pid != 1, stop.status) == (Reason.PROCESS_EXIT, True, 3 << 8)


def test_next_over_a_fork_stays_with_the_parent(bench):
    at(bench, "pid_t child = fork()")
    stop = bench.step(StepKind.OVER)
    assert (stop.reason, stop.tid, bench.line()) == (Reason.STEP, 1, line("if (child == 0)"))


def test_a_watchpoint_survives_the_fork_in_the_parent_only(bench):
    at(bench, "pid_t child = fork()")
    space = bench.thread.mm
    scope_addr = bench.symbol("shared_word")
    creating.add_watchpoint(bench.debugger, scope_addr, 4, Access.WRITE)
    stop = bench.go()
    assert (stop.reason, stop.pid, stop.watch.new[0]) == (Reason.WATCHPOINT, 1, 1)
    assert bench.thread.mm is space


def test_a_new_program_gets_the_breakpoints_again(bench):
    creating.catch_event(bench.debugger, EventKind.EXEC)
    creating.add_breakpoint(bench.debugger, f"threads.c:{line('second program')}")
    stop = bench.go()
    assert (stop.reason, stop.text) == (Reason.EXEC, "/tmp/prog")
    stop = bench.go()
    assert (stop.reason, bench.line()) == (Reason.BREAKPOINT, line("second program"))
    assert bench.go().status == 42 << 8


def test_next_over_an_exec_runs_on(bench):
    at(bench, "/* exec */")
    stop = bench.step(StepKind.OVER)
    assert (stop.reason, stop.status) == (Reason.PROCESS_EXIT, 42 << 8)


def test_a_killed_program_tells_its_end(bench):
    at(bench, "main loop")
    bench.debugger.kill(bench.thread.process)
    bench.debugger.resume()
    stop = bench.debugger.run()
    assert (stop.reason, stop.status) == (Reason.PROCESS_EXIT, 9)


def test_after_detaching_nothing_stops(bench):
    creating.add_breakpoint(bench.debugger, "work")
    bench.go()
    bench.debugger.detach()
    assert bench.debugger.run() is None
    assert bench.kernel.exit_status == 42 << 8


def test_a_stopped_thread_is_in_a_tracing_stop(bench):
    stop = at(bench, "main loop")
    assert bench.kernel.threads[stop.tid].state is State.TRACED


def test_non_stop_holds_one_thread_while_the_others_run(bench):
    at(bench, "main loop")
    debugger, kernel = bench.debugger, bench.kernel
    second, third = [t for t in debugger.threads() if t.tid != 1]
    stops = []
    debugger.listen(stops.append)
    debugger.non_stop = True
    nonstop.hold(debugger, second.tid)
    creating.add_breakpoint(debugger, "work", tid=third.tid)
    debugger.resume()
    frozen = None

    def look():
        nonlocal frozen
        frozen = second.context.general(), kernel.executor.now
        kernel.executor.call_at(kernel.executor.now + 20_000_000, check)

    def check():
        assert second.context.general() == frozen[0]
        assert kernel.executor.now > frozen[1]
        assert {second.state, third.state} == {State.TRACED}
        with pytest.raises(ControlError, match="no thread 99"):
            nonstop.hold(debugger, 99)
        creating.change(debugger, 2, enabled=False)
        nonstop.release(debugger, third.tid)
        nonstop.release(debugger, second.tid)
        with pytest.raises(ControlError, match="is running"):
            nonstop.release(debugger, second.tid)

    kernel.executor.call_at(kernel.executor.now + 20_000_000, look)
    assert debugger.run() is None or debugger.stop.reason is Reason.PROCESS_EXIT
    assert [(s.tid, s.reason) for s in stops[:2]] == [
        (second.tid, Reason.PAUSE),
        (third.tid, Reason.BREAKPOINT),
    ]
    assert kernel.exit_status == 42 << 8
