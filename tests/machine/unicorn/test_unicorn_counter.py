"""The time counter, in each of the ways the hart can work."""

from __future__ import annotations

import time

import pytest

from starrylab.machine.api import Fault, Left
from tests.machine.unicorn import riscv_assembler as rv
from tests.machine.unicorn.riscv_bench import CODE, register

TIME = 0xC01
READ_TWICE = (rv.csrrs(rv.A0, TIME, rv.ZERO), rv.csrrs(rv.A1, TIME, rv.ZERO), rv.ECALL)


def read(bench) -> tuple[int, int]:
    """Run a program that reads the counter twice; return what it got."""
    bench.load(*READ_TWICE)
    context = bench.context()
    assert type(bench.finish(context)) is Left
    return register(context, rv.A0), register(context, rv.A1)


def test_the_counter_shows_what_it_is_told_to(bench) -> None:
    numbers = iter((7, (1 << 64) + 9, 0, 0))
    exact = bench.hart.set_clock(lambda: next(numbers))
    assert exact == bench.hart.report().window
    assert read(bench) == (7, 9)


def test_the_counter_shows_the_hosts_clock(bench) -> None:
    exact = bench.hart.set_clock(time.monotonic_ns)
    assert bench.hart.report().counter == ("native" if exact else "trap")
    before = time.monotonic_ns()
    first, second = read(bench)
    assert before <= first <= second <= time.monotonic_ns()


def test_what_a_reading_raises_comes_out_of_run(bench) -> None:
    def broken() -> int:
        raise ZeroDivisionError

    bench.hart.set_clock(broken)
    with pytest.raises(ZeroDivisionError):
        read(bench)
    bench.hart.set_clock(lambda: 5)
    assert read(bench) == (5, 5)


def test_a_library_without_a_clock(bench, monkeypatch) -> None:
    counter = bench.hart.counter
    monkeypatch.setattr(counter, "_native", lambda: 0)
    exact = bench.hart.set_clock(time.monotonic_ns)
    assert counter.kind == ("callback" if exact else "trap")
    before = time.monotonic_ns()
    assert before <= read(bench)[0] <= time.monotonic_ns()


def test_the_counter_is_read_only(bench) -> None:
    bench.hart.set_clock(lambda: 1)
    bench.load(rv.csrrs(rv.A0, TIME, rv.A1), rv.ECALL)
    context = bench.context(a1=1)
    assert bench.finish(context) == Fault("illegal instruction")
    assert context.pc == CODE
