"""Reference cycles that nothing else holds.

Python's collector frees them in its own time.  A kernel that counts references, as Starry Mix
does with `Arc`, would keep them for ever; so they are named, although here no memory is lost.
"""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from .kinds import is_kernel_class, kind_of
from .naming import Naming
from .retention import edge

_SHOWN = 8  #: steps of a cycle


@dataclass(frozen=True, slots=True)
class Cycle:
    """Objects that hold each other, and nobody else holds."""

    kinds: tuple[tuple[str, int], ...]  #: kind, number of objects
    steps: tuple[str, ...]  #: once round, by attribute names


def collect(naming: Naming) -> list[Cycle]:
    """Run the collector; return the cycles among what it found that have objects of the kernel.

    What it found is freed.
    """
    flags = gc.get_debug()
    gc.set_debug(flags | gc.DEBUG_SAVEALL)
    before = len(gc.garbage)
    try:
        gc.collect()
        found = gc.garbage[before:]
        del gc.garbage[before:]
    finally:
        gc.set_debug(flags)
    cycles = [_describe(knot, naming) for knot in _knots(found) if _concerns_kernel(knot)]
    found.clear()
    gc.collect()
    return cycles


def _concerns_kernel(knot: list[object]) -> bool:
    return any(is_kernel_class(type(thing)) for thing in knot)


def _describe(knot: list[object], naming: Naming) -> Cycle:
    kinds = Counter(kind_of(type(t)) for t in knot if is_kernel_class(type(t)))
    return Cycle(tuple(kinds.most_common()), _walk(knot, naming))


def _walk(knot: list[object], naming: Naming) -> tuple[str, ...]:
    """Go from the first object of the kernel along references inside the knot, back to it."""
    members = {id(thing): thing for thing in knot}
    start = next(thing for thing in knot if is_kernel_class(type(thing)))
    parents: dict[int, object] = {}
    level: list[object] = [start]
    while level and id(start) not in parents:
        following: list[object] = []
        for thing in level:
            for child in gc.get_referents(thing):
                if id(child) in members and id(child) not in parents:
                    parents[id(child)] = thing
                    following.append(child)
        level = following
    return _steps(start, parents, naming)


def _steps(start: object, parents: dict[int, object], naming: Naming) -> tuple[str, ...]:
    chain: list[object] = [start]
    at = parents.get(id(start))
    while at is not None and at is not start:
        chain.append(at)
        at = parents.get(id(at))
    chain.append(start)
    chain.reverse()
    steps = [naming.name(start)]
    label = ""
    for holder, held in pairwise(chain):
        label += edge(holder, held)
        if is_kernel_class(type(held)):
            steps.append(f"{label} {naming.name(held)}")
            label = ""
    return tuple(steps[: _SHOWN + 1])


def _knots(things: list[object]) -> list[list[object]]:
    """Return the strongly connected parts of more than one object (Tarjan, SIAM J. 1972)."""
    members = {id(thing): thing for thing in things}
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[object]] = []
    for root in members:
        if root in index:
            continue
        work = [(root, iter(_inside(members, root)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, children = work[-1]
            child = next(children, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    found.append(_cut(stack, on_stack, node, members))
            elif child not in index:
                index[child] = low[child] = len(index)
                stack.append(child)
                on_stack.add(child)
                work.append((child, iter(_inside(members, child))))
            elif child in on_stack:
                low[node] = min(low[node], index[child])
    return [knot for knot in found if len(knot) > 1 or _holds_itself(knot[0])]


def _inside(members: dict[int, object], node: int) -> list[int]:
    return [id(child) for child in gc.get_referents(members[node]) if id(child) in members]


def _holds_itself(thing: object) -> bool:
    return any(child is thing for child in gc.get_referents(thing))


def _cut(
    stack: list[int], on_stack: set[int], node: int, members: dict[int, object]
) -> list[object]:
    """Take the part that ends with ``node`` off the stack."""
    part: list[object] = []
    while True:
        member = stack.pop()
        on_stack.discard(member)
        part.append(members[member])
        if member == node:
            return part
