"""Build the wait graph of a kernel and find what can never go on.

A thread is alive if it runs, if time, the outside or something unknown may wake it, or if a thread
that is alive may.  Everybody else is stuck.  Among those, a deadlock is a set from which the graph
does not lead out (a knot); the rest waits for one and is its victim.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...kernel.core.sched import State
from .futexes import Symbol
from .holders import Holders, in_order
from .model import Deadlock, Need, Wait, Waits
from .parked import Found, Look, parked

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.thread import Thread

Edges = Mapping[int, frozenset[int]]


def no_symbol(_thread: Thread, _addr: int) -> str:
    """Name no address."""
    return ""


def look(kernel: Kernel, symbol: Symbol = no_symbol) -> Waits:
    """Return what every thread waits for now; nothing is changed.

    ``symbol`` names an address of a thread, as " <name+4>", or returns "".
    """
    holders = Holders(kernel)
    threads = sorted(holders.threads, key=lambda thread: thread.tid)
    waits = tuple(_wait(holders, thread, symbol) for thread in threads)
    return Waits(waits, deadlocks(waits))


def _wait(holders: Holders, thread: Thread, symbol: Symbol) -> Wait:
    found = Found()
    if thread.state is State.STOPPED:
        outsiders = holders.others(thread) - thread.process.threads.keys()
        found.needs.append(Need("for SIGCONT", in_order(outsiders), "may send it"))
    elif thread.state is State.TRACED:
        found.needs.append(Need("for the debugger", outside="the debugger"))
    elif thread.state is not State.RUNNABLE:
        found = parked(Look(holders, thread, symbol))
    return Wait(
        thread.tid,
        thread.process.pid,
        (thread.comm or thread.process.comm).decode(errors="replace"),
        thread.state.value,
        thread.entry.name if thread.pending is not None and thread.entry is not None else "",
        tuple(found.needs),
        found.left_ns,
        _alarm(thread),
    )


def _alarm(thread: Thread) -> str:
    """Name an armed timer of the process whose signal may end the wait."""
    for timer in thread.process.timers.values():
        left = timer.get()[1]
        if left:
            return f"a timer of the process, in {left / 1e9:.3f} s"
    return ""


# -- deadlocks ------------------------------------------------------------------------------


def deadlocks(waits: tuple[Wait, ...]) -> tuple[Deadlock, ...]:
    """Return the knots among ``waits``, lowest thread first."""
    edges = {wait.tid: wait.wakers for wait in waits}
    alive = {wait.tid for wait in waits if not wait.waiting or wait.hopeful}
    # A waker that is not listed has ended since or is no thread: then nothing is known.
    alive |= {tid for tid, wakers in edges.items() if wakers - edges.keys()}
    grown = True
    while grown:
        woken = {tid for tid, wakers in edges.items() if tid not in alive and wakers & alive}
        alive |= woken
        grown = bool(woken)
    stuck = {tid: wakers for tid, wakers in edges.items() if tid not in alive}
    reach = {tid: _reach(stuck, tid) for tid in stuck}
    # Where everything that can be reached reaches back, the graph does not lead out.
    knots = {
        in_order(reach[tid] | {tid})
        for tid in stuck
        if all(tid in reach[other] for other in reach[tid])
    }
    return tuple(
        Deadlock(
            knot, in_order(tid for tid in stuck if reach[tid] >= set(knot) and tid not in knot)
        )
        for knot in sorted(knots)
    )


def _reach(edges: Edges, start: int) -> set[int]:
    """Return what can be reached from ``start``; itself only if a way leads back."""
    seen: set[int] = set()
    todo = list(edges[start])
    while todo:
        tid = todo.pop()
        if tid not in seen:
            seen.add(tid)
            todo += edges[tid]
    return seen
