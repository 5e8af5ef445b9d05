"""Which blocks the program can still reach (the Valgrind manual, 4.2.8 "Memory leak detection").

Memory is scanned for aligned words that look like addresses.  A chain of words that all point at
the start of a block makes its end *still reachable*; a chain with a pointer into the middle makes
it *possibly lost*.  A block that no chain reaches is *definitely lost*, or *indirectly lost* if
another lost block points to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from .blocks import Block


class Loss(Enum):
    """What became of a block; the value is how a report calls it, worst first."""

    DEFINITE = "definitely lost"
    INDIRECT = "indirectly lost"
    POSSIBLE = "possibly lost"
    REACHABLE = "still reachable"


class _Finder:
    """Finds the block that a word points to."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self.blocks = sorted(blocks, key=lambda block: block.addr)
        self._starts = [block.addr for block in self.blocks]
        self.low = self._starts[0] if self.blocks else 1
        last = self.blocks[-1] if self.blocks else None
        self.high = last.addr + max(last.size, 1) if last is not None else 0

    def find(self, word: int) -> int:
        """Return the index of the block, -1 without one."""
        at = bisect_right(self._starts, word) - 1
        if at < 0:
            return -1
        block = self.blocks[at]
        return at if word < block.addr + max(block.size, 1) else -1


def classify(
    blocks: Iterable[Block],
    roots: Iterable[Sequence[int]],
    words_of: Callable[[Block], Iterable[int]],
) -> Mapping[Block, Loss]:
    """Say of every block what became of it.

    ``roots`` are the words from which the program starts: registers, stacks, data; ``words_of``
    returns the words in a block.
    """
    finder = _Finder(blocks)
    states: list[Loss | None] = [None] * len(finder.blocks)
    pointers: list[list[tuple[int, bool]] | None] = [None] * len(finder.blocks)

    def targets(words: Iterable[int]) -> list[tuple[int, bool]]:
        low, high = finder.low, finder.high
        found = [(finder.find(word), word) for word in words if low <= word < high]
        return [(at, finder.blocks[at].addr == word) for at, word in found if at >= 0]

    def inside(at: int) -> list[tuple[int, bool]]:
        known = pointers[at]
        if known is None:
            known = pointers[at] = targets(words_of(finder.blocks[at]))
        return known

    _mark_reachable(states, [t for words in roots for t in targets(words)], inside)
    _mark_lost(states, inside)
    return {
        block: state
        for block, state in zip(finder.blocks, states, strict=True)
        if state is not None
    }


_Inside = Callable[[int], list[tuple[int, bool]]]


def _mark_reachable(
    states: list[Loss | None], found: list[tuple[int, bool]], inside: _Inside
) -> None:
    """Follow chains of pointers to starts first, so that each block gets its best state once."""
    starts = [at for at, is_start in found if is_start]
    middles = [at for at, is_start in found if not is_start]
    while starts:
        at = starts.pop()
        if states[at] is None:
            states[at] = Loss.REACHABLE
            for target, is_start in inside(at):
                (starts if is_start else middles).append(target)
    while middles:
        at = middles.pop()
        if states[at] is None:
            states[at] = Loss.POSSIBLE
            middles += [target for target, _ in inside(at)]


def _mark_lost(states: list[Loss | None], inside: _Inside) -> None:
    """Of each group of lost blocks, the one that nobody else points to is the definite one."""
    for leader, state in enumerate(states):
        if state is not None:
            continue
        states[leader] = Loss.DEFINITE
        todo = [target for target, _ in inside(leader)]
        while todo:
            at = todo.pop()
            if at == leader or states[at] not in (None, Loss.DEFINITE):
                continue
            was_leader = states[at] is Loss.DEFINITE
            states[at] = Loss.INDIRECT
            if not was_leader:  # else what it points to is marked already
                todo += [target for target, _ in inside(at)]
