"""Processes that own a hart are forked at any moment, with other threads and harts around."""

from __future__ import annotations

import os
import threading
import time

import pytest

from starrylab.machine.api import INTERRUPT
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import UnicornHart
from tests.machine.unicorn import riscv_assembler as rv
from tests.machine.unicorn.riscv_bench import DATA, MODES, Bench

_PATIENCE = 20  #: s


def _bench(mode: str, period_ns: int) -> Bench:
    bench = Bench(UnicornHart(HostRam(1 << 20), **MODES[mode]))
    bench.load(rv.amoadd_d(rv.T0, rv.A2, rv.A0), rv.jump(-4))
    bench.hart.set_tick(period_ns)
    return bench


def _status(child: int) -> int:
    """Wait for ``child``; one that hangs is killed, which its status shows."""
    deadline = time.monotonic() + _PATIENCE
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, 9)
        time.sleep(0.0005)
    return ended[1]


@pytest.fixture
def busy_threads():
    """Threads that come and go, allocate, and take the interpreter lock from each other."""
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            threading.Thread(target=lambda: bytes(1 << 16)).start()
            time.sleep(0.0002)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    yield
    done.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("mode", ["full", "thread", "public"])
def test_a_forked_child_runs_on_its_own(mode):
    bench = _bench(mode, 1_000_000)
    hart = bench.hart
    frame = bench.data()
    context = bench.context(a0=DATA, a2=1)
    assert hart.run(context) is INTERRUPT
    before = bench.word(frame)
    child = os.fork()
    if not child:
        ticks = [hart.run(context) is INTERRUPT for _ in range(3)]
        os._exit(0 if all(ticks) and bench.word(frame) > before else 1)
    assert _status(child) == 0
    assert bench.word(frame) == before  # RAM is the parent's own
    assert hart.run(context) is INTERRUPT
    hart.close()


def test_hundreds_of_forks_among_threads_and_other_harts(busy_threads):
    period_ns = 50_000  # ticks so dense that many a fork meets one
    benches = [_bench("full", period_ns) for _ in range(3)]
    for bench in benches:
        bench.data()
    contexts = [bench.context(a0=DATA, a2=1) for bench in benches]
    for _ in range(200):
        assert benches[0].hart.run(contexts[0]) is INTERRUPT
        child = os.fork()
        if not child:
            for bench, context in zip(benches, contexts, strict=True):
                bench.hart.set_tick(period_ns)
                if any(bench.hart.run(context) is not INTERRUPT for _ in range(2)):
                    os._exit(1)
                bench.hart.close()
            os._exit(0)
        assert _status(child) == 0
    for bench in benches:
        bench.hart.close()


def test_a_child_of_a_child_runs_on_its_own():
    bench = _bench("full", 1_000_000)
    bench.data()
    context = bench.context(a0=DATA, a2=1)
    child = os.fork()
    if not child:
        grandchild = os.fork()
        if not grandchild:
            os._exit(bench.hart.run(context) is not INTERRUPT)
        os._exit(_status(grandchild) != 0)
    assert _status(child) == 0
    bench.hart.close()
