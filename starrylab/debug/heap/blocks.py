"""The blocks of one address space, as its program knows them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from .functions import RELEASED_BY, Family

Stack = tuple[int, ...]  #: return addresses, innermost first

_FREED: Final = 4096  #: released blocks that are remembered, to explain a second release


@dataclass(frozen=True, slots=True)
class Block:
    """What one call returned."""

    addr: int
    size: int  #: bytes asked for
    family: Family
    stack: Stack
    tid: int


@dataclass(frozen=True, slots=True)
class Misuse:
    """A release that was wrong."""

    what: str
    addr: int
    tid: int
    stack: Stack
    block: Block | None = None  #: where ``addr`` points to, or what it once was
    freed: Stack = ()  #: where it was released the first time


@dataclass(slots=True)
class Blocks:
    """Live blocks, totals, and what was done wrong."""

    live: dict[int, Block] = field(default_factory=dict)
    misuses: list[Misuse] = field(default_factory=list)
    allocations: int = 0
    releases: int = 0
    allocated_bytes: int = 0
    _freed: OrderedDict[int, tuple[Block, Stack]] = field(default_factory=OrderedDict)

    def copy(self) -> Blocks:
        """Return the same for a forked child; what was done wrong stays the parent's."""
        return Blocks(
            dict(self.live), [], self.allocations, self.releases, self.allocated_bytes,
            OrderedDict(self._freed),
        )  # fmt: skip

    def add(self, block: Block) -> None:
        """Note a new block."""
        self.allocations += 1
        self.allocated_bytes += block.size
        self._freed.pop(block.addr, None)
        self.live[block.addr] = block

    def put_back(self, block: Block) -> None:
        """Undo `release`: a reallocation failed and left the block as it was."""
        self.releases -= 1
        self._freed.pop(block.addr, None)
        self.live[block.addr] = block

    def release(
        self, addr: int, family: Family, stack: Stack, tid: int, *, is_own: bool = False
    ) -> Block | None:
        """Note that ``addr`` is given back; return its block, ``None`` if there is none.

        ``is_own``: the allocator itself does it, which may have blocks that nobody else knows.
        """
        block = self.live.pop(addr, None)
        if block is None and is_own:
            return None
        if block is None:
            self.misuses.append(self._explain(addr, stack, tid))
            return None
        self.releases += 1
        self._freed[addr] = block, stack
        if len(self._freed) > _FREED:
            self._freed.popitem(last=False)
        if block.family is not family:
            what = (
                f"{RELEASED_BY[family]} of a block from {block.family.value}, "
                f"which {RELEASED_BY[block.family]} has to release"
            )
            self.misuses.append(Misuse(what, addr, tid, stack, block))
        return block

    def _explain(self, addr: int, stack: Stack, tid: int) -> Misuse:
        if addr in self._freed:
            block, freed = self._freed[addr]
            return Misuse("a block is released twice", addr, tid, stack, block, freed)
        for block in self.live.values():
            if block.addr < addr < block.addr + block.size:
                what = f"release of an address {addr - block.addr} bytes inside of a block"
                return Misuse(what, addr, tid, stack, block)
        return Misuse("release of an address that is no block", addr, tid, stack)
