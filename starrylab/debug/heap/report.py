"""What a process leaves on its heap, grouped by where it was allocated, and its wrong releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..stack import named
from ..unwind.unwinder import RawFrame
from .reachability import Loss, classify
from .roots import block_words, root_words

if TYPE_CHECKING:
    from ...kernel.task.process import Process
    from ..modules import ModuleMap
    from .blocks import Misuse, Stack
    from .follower import HeapFollower

_ORDER: Final = {loss: number for number, loss in enumerate(Loss)}


@dataclass(frozen=True, slots=True)
class Call:
    """One frame of an allocation's stack."""

    function: str  #: "" when unknown
    file: str
    line: int
    module: str  #: the guest's path
    address: int


Calls = tuple[Call, ...]  #: innermost first


@dataclass(frozen=True, slots=True)
class Record:
    """Blocks that were allocated at one place and have met one fate."""

    loss: str  #: a value of `Loss`
    family: str  #: a value of `functions.Family`
    blocks: int
    bytes: int
    stack: Calls


@dataclass(frozen=True, slots=True)
class Error:
    """A release that was wrong."""

    what: str
    address: int
    tid: int
    stack: Calls
    size: int  #: of the block; 0 without one
    allocated: Calls
    freed: Calls


@dataclass(frozen=True, slots=True)
class HeapReport:
    """The heap of one process."""

    pid: int
    program: str
    followed: bool  #: an allocator was found
    allocations: int
    releases: int
    allocated_bytes: int
    records: tuple[Record, ...]  #: worst first
    errors: tuple[Error, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is lost for sure or possibly, and nothing was released wrongly."""
        kept = {Loss.REACHABLE.value, Loss.INDIRECT.value}
        return not self.errors and all(record.loss in kept for record in self.records)

    def total(self, loss: Loss) -> tuple[int, int]:
        """Return blocks and bytes of one fate."""
        chosen = [record for record in self.records if record.loss == loss.value]
        return sum(r.blocks for r in chosen), sum(r.bytes for r in chosen)


def report(follower: HeapFollower, process: Process) -> HeapReport | None:
    """Look at the heap of a living process; ``None`` for one whose program is not followed."""
    space = next(iter(process.threads.values())).mm
    heap = follower.heaps.get(space)
    if heap is None:
        return None
    threads = [thread for thread in follower.kernel.threads.values() if thread.mm is space]
    blocks = heap.blocks
    fates = classify(
        blocks.live.values(),
        root_words(space, threads, heap.arenas),
        lambda block: block_words(space, block),
    )
    namer = _Namer(follower.stacks.modules(space).snapshot())
    count: Counter[tuple[Loss, str, Stack]] = Counter()
    size: Counter[tuple[Loss, str, Stack]] = Counter()
    for block, loss in fates.items():
        key = loss, block.family.value, block.stack
        count[key] += 1
        size[key] += block.size
    keys = sorted(count, key=lambda key: (_ORDER[key[0]], -size[key], key[2]))
    exe = process.exe
    return HeapReport(
        process.pid,
        exe.path().decode(errors="replace") if exe is not None else "",
        bool(heap.entries),
        blocks.allocations,
        blocks.releases,
        blocks.allocated_bytes,
        tuple(
            Record(key[0].value, key[1], count[key], size[key], namer.calls(key[2])) for key in keys
        ),
        tuple(_error(misuse, namer) for misuse in blocks.misuses),
    )


def _error(misuse: Misuse, namer: _Namer) -> Error:
    block = misuse.block
    return Error(
        misuse.what,
        misuse.addr,
        misuse.tid,
        namer.calls(misuse.stack),
        block.size if block is not None else 0,
        namer.calls(block.stack) if block is not None else (),
        namer.calls(misuse.freed),
    )


class _Namer:
    """Gives addresses their functions and lines, each stack once."""

    def __init__(self, modules: ModuleMap) -> None:
        self._modules = modules
        self._known: dict[Stack, Calls] = {}

    def calls(self, stack: Stack) -> Calls:
        """Return the frames of a stack, inlined functions too."""
        found = self._known.get(stack)
        if found is None:
            # All but the innermost address are behind a call.
            raw = [RawFrame(pc, pc - bool(n), []) for n, pc in enumerate(stack)]
            found = self._known[stack] = tuple(
                Call(f.function, f.file, f.line, f.module, f.pc) for f in named(raw, self._modules)
            )
        return found


def text_lines(found: HeapReport) -> Iterator[str]:
    """Yield a report as text, in the manner of valgrind."""
    yield f"{found.program} (pid {found.pid})"
    if not found.followed:
        yield "  no allocator was found: neither a symbol malloc nor operator new"
        return
    for error in found.errors:
        yield f"{error.what}: {error.address:#x}"
        yield from _stack(error.stack)
        if error.allocated:
            yield f"  the block of {error.size} bytes was allocated"
            yield from _stack(error.allocated)
        if error.freed:
            yield "  and released"
            yield from _stack(error.freed)
    for number, record in enumerate(found.records, 1):
        yield (
            f"{record.bytes} bytes in {record.blocks} blocks are {record.loss} "
            f"({record.family}), record {number} of {len(found.records)}"
        )
        yield from _stack(record.stack)
    yield (
        f"total: {found.allocations} allocations, {found.releases} releases, "
        f"{found.allocated_bytes} bytes allocated"
    )
    for loss in Loss:
        blocks, size = found.total(loss)
        yield f"{loss.value:>16}: {size} bytes in {blocks} blocks"
    yield f"{'errors':>16}: {len(found.errors)}"


def _stack(calls: Sequence[Call]) -> Iterator[str]:
    for word, call in zip(("at", *["by"] * len(calls)), calls, strict=False):
        where = f"{call.file}:{call.line}" if call.line else f"in {call.module or '<unknown>'}"
        yield f"   {word} {call.address:#x}: {call.function or '<unknown>'} ({where})"
