"""Ticks and interrupts: between two instructions, none lost, none repeated."""

from __future__ import annotations

import threading
import time

import pytest

from starrylab.machine.api import INTERRUPT, LEFT, READ, WRITE, Fault, Left
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import UnicornHart
from starrylab.machine.unicorn.tlb import FETCH_ALIAS
from tests.machine.unicorn import riscv_assembler as rv
from tests.machine.unicorn.riscv_bench import CODE, DATA, MODES, register

TICK = 200_000  #: ns
SPIN = (rv.addi(rv.S0, rv.S0, 1), rv.jump(-4))


def run_until(bench, context, seconds=10.0):
    """Run to the next trap that is no interrupt; return it and the number of interrupts."""
    n, deadline = 0, time.monotonic() + seconds
    while (trap := bench.hart.run(context)) is INTERRUPT:
        n += 1
        assert time.monotonic() < deadline, "user code does not come to an end"
    return trap, n


def test_ticks_stop_a_loop_and_it_goes_on(bench):
    bench.load(*SPIN)
    bench.hart.set_tick(1_000_000)
    context = bench.context()
    counts = []
    for _ in range(5):
        assert bench.hart.run(context) is INTERRUPT
        counts.append(register(context, rv.S0))
    assert counts == sorted(set(counts))
    assert context.pc in (CODE, CODE + 4)


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("amoadd", (rv.amoadd_d(rv.T0, rv.A2, rv.A0),)),
        (
            "lr/sc",
            (
                rv.lr_d(rv.T0, rv.A0),
                rv.add(rv.T0, rv.T0, rv.A2),
                rv.sc_d(rv.T1, rv.T0, rv.A0),
                rv.bne(rv.T1, rv.ZERO, -12),
            ),
        ),
        ("sd", (rv.ld(rv.T0, rv.A0), rv.add(rv.T0, rv.T0, rv.A2), rv.sd(rv.T0, rv.A0))),
    ],
)
def test_nothing_is_lost_or_repeated(bench, name, program):
    n = 600_000 if bench.hart.report().no_exit_request else 150_000
    back = -4 * (len(program) + 1)
    bench.load(*program, rv.addi(rv.A1, rv.A1, -1), rv.bne(rv.A1, rv.ZERO, back), rv.ECALL)
    frame = bench.data()
    bench.hart.set_tick(TICK)
    rounds = stops = 0
    while stops < 10:  # ticks come late on a busy host
        trap, more = run_until(bench, bench.context(a0=DATA, a1=n, a2=1))
        assert trap is LEFT
        rounds += 1
        stops += more
    assert bench.word(frame) == rounds * n


def test_contexts_that_lock_each_other_out_count_right(bench):
    """A counter behind an lr/sc lock, two threads, switched wherever the tick falls."""
    program = (
        rv.lr_d(rv.T0, rv.A0),
        rv.bne(rv.T0, rv.ZERO, -4),
        rv.sc_d(rv.T1, rv.A2, rv.A0),
        rv.bne(rv.T1, rv.ZERO, -12),
        rv.ld(rv.T2, rv.A0, 8),
        rv.addi(rv.T2, rv.T2, 1),
        rv.sd(rv.T2, rv.A0, 8),
        rv.sd(rv.ZERO, rv.A0),
        rv.addi(rv.A1, rv.A1, -1),
        rv.bne(rv.A1, rv.ZERO, -36),
        rv.ECALL,
    )
    bench.load(*program)
    frame = bench.data()
    n = 60_000
    bench.hart.set_tick(TICK)
    waiting = [bench.context(a0=DATA, a1=n, a2=1) for _ in range(3)]
    deadline = time.monotonic() + 20
    while waiting:
        assert time.monotonic() < deadline
        waiting = [c for c in waiting if type(bench.hart.run(c)) is not Left]
    assert bench.word(frame + 8) == 3 * n


def test_a_reservation_does_not_survive_a_switch(bench):
    bench.load(
        rv.lr_d(rv.T0, rv.A0), rv.ECALL, rv.sc_d(rv.S0, rv.A2, rv.A0), rv.ECALL, rv.jump(-16)
    )
    frame = bench.data()
    first, second = bench.context(a0=DATA, a2=1), bench.context(a0=DATA, a2=2)
    assert bench.finish(first) is LEFT  # both have read the word
    assert bench.finish(second) is LEFT
    assert bench.finish(first) is LEFT
    assert register(first, rv.S0) != 0  # the store failed
    assert bench.finish(second) is LEFT
    assert register(second, rv.S0) != 0
    assert bench.word(frame) == 0


def test_a_reservation_survives_a_call_without_a_switch(bench):
    bench.load(rv.lr_d(rv.T0, rv.A0), rv.ECALL, rv.sc_d(rv.S0, rv.A2, rv.A0), rv.EBREAK)
    frame = bench.data()
    context = bench.context(a0=DATA, a2=5, s0=9)
    bench.answer = lambda registers: registers[0]
    assert bench.finish(context) == Fault("breakpoint")
    assert register(context, rv.S0) == 0
    assert bench.word(frame) == 5


def test_interrupt_before_run(bench):
    bench.load(rv.addi(rv.S0, rv.S0, 1), rv.ECALL)
    context = bench.context()
    bench.hart.interrupt()
    assert bench.hart.run(context) is INTERRUPT
    assert register(context, rv.S0) == 0
    assert bench.hart.run(context) is LEFT


def test_interrupt_inside_a_call_that_goes_on(bench):
    bench.load(rv.ECALL, *SPIN)

    def answer(registers):
        bench.hart.interrupt()
        return 33

    bench.answer = answer
    context = bench.context()
    assert bench.hart.run(context) is INTERRUPT
    assert context.arguments()[0] == 33
    assert len(bench.calls) == 1


def test_interrupt_inside_a_call_that_leaves_comes_next(bench):
    bench.load(rv.ECALL, *SPIN)
    bench.answer = lambda registers: bench.hart.interrupt()
    context = bench.context()
    assert bench.hart.run(context) is LEFT
    assert bench.hart.run(context) is INTERRUPT
    assert register(context, rv.S0) == 0


def test_interrupt_inside_a_page_fault(bench):
    bench.load(rv.amoadd_d(rv.S1, rv.A2, rv.A0), rv.jump(0))
    frame = bench.frame()

    def supply(addr, access):
        bench.hart.interrupt()
        return bench.map(addr, READ | WRITE, frame) | READ | WRITE

    bench.supply = supply
    context = bench.context(a0=DATA, a2=1)
    assert bench.hart.run(context) is INTERRUPT
    bench.hart.set_tick(1_000_000)
    assert bench.hart.run(context) is INTERRUPT
    assert bench.word(frame) == 1


@pytest.mark.parametrize("delay", [0, 0.001, 0.01])
def test_interrupt_from_another_thread(bench, delay):
    bench.load(*SPIN)
    context = bench.context()
    started = threading.Event()

    def later():
        started.set()
        time.sleep(delay)
        bench.hart.interrupt()

    thread = threading.Thread(target=later)
    thread.start()
    started.wait()
    assert bench.hart.run(context) is INTERRUPT
    thread.join()


def test_interrupts_from_another_thread_are_not_lost(bench):
    bench.load(rv.addi(rv.S0, rv.S0, 1), rv.ECALL, rv.jump(-8))
    bench.answer = lambda registers: 0
    bench.hart.set_tick(100_000_000)
    context = bench.context()
    n, done = 30, threading.Semaphore(0)

    def pester():
        for _ in range(n):
            bench.hart.interrupt()
            done.acquire()

    thread = threading.Thread(target=pester)
    thread.start()
    for _ in range(n):
        assert bench.hart.run(context) is INTERRUPT
        done.release()
    thread.join()


def test_without_ticks_user_code_runs_on(bench):
    n = 30_000_000 if bench.hart.report().no_exit_request else 1_000_000
    bench.load(rv.addi(rv.A1, rv.A1, -1), rv.bne(rv.A1, rv.ZERO, -4), rv.ECALL)
    bench.hart.set_tick(1_000_000)
    bench.hart.set_tick(0)
    context = bench.context(a1=n)
    trap = bench.hart.run(context)
    if trap is INTERRUPT:  # an interrupt() that another test's thread was late with
        trap = bench.hart.run(context)
    assert trap is LEFT


def test_a_period_is_not_negative(bench):
    with pytest.raises(ValueError, match="-1"):
        bench.hart.set_tick(-1)


def test_the_self_test_can_fail(monkeypatch):
    """Without the field that makes stops exact, the hart notices and runs in slices."""
    monkeypatch.setattr("starrylab.machine.unicorn.layout.set_no_exit_request", lambda engine: True)
    hart = UnicornHart(HostRam(1 << 20))
    report = hart.report()
    assert (report.no_exit_request, report.ticker) == (False, "slices")
    hart.close()


def test_reports():
    expected = {
        "full": (True, True, True, "native"),
        "interface": (False, True, False, "native"),
        "thread": (True, True, True, "thread"),
        "slices": (True, False, True, "slices"),
        "public": (False, False, False, "slices"),
    }
    for mode, options in MODES.items():
        hart = UnicornHart(HostRam(1 << 20), **options)
        report = hart.report()
        found = report.window, report.no_exit_request, report.exact_faults, report.ticker
        assert found == expected[mode]
        hart.close()


def test_closing_ends_the_ticks():
    before = threading.active_count()
    hart = UnicornHart(HostRam(1 << 20), native_ticker=False)
    hart.set_tick(1_000_000)
    hart.close()
    assert threading.active_count() == before


def test_ram_sizes():
    with pytest.raises(ValueError, match="4097"):
        HostRam(4097)
    assert HostRam(1 << 20).size < FETCH_ALIAS
