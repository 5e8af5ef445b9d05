"""Where a program's pointers are: registers, stacks, and whatever it may write, but its heap."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ...abi.arch.calling import CALLING
from ...abi.mman import PROT_READ, PROT_WRITE
from ...machine.api import PAGE_MASK, PAGE_SHIFT
from ..peek import Peek

if TYPE_CHECKING:
    from ...kernel.mm.space import AddressSpace
    from ...kernel.thread import Thread
    from .blocks import Block
    from .ranges import Ranges

_WRITABLE: Final = PROT_READ | PROT_WRITE
_WORD: Final = 8
#: glibc's `struct malloc_state`: bytes in front of its bins, and from a bin's place to its header
_BEFORE_BINS: Final = 0x70
_HEADER: Final = 16
_FEWEST_BINS: Final = 32


def root_words(
    space: AddressSpace, threads: Sequence[Thread], arenas: Ranges
) -> Iterator[Sequence[int]]:
    """Yield all words from which ``threads`` can start to look for their blocks.

    Nothing below a stack pointer counts; ``arenas`` is what the allocator manages.
    """
    stack_pointers = []
    for thread in threads:
        data = thread.context.general()
        words = struct.unpack(f"<{len(data) // _WORD}Q", data)
        stack_pointers.append(words[CALLING[thread.kernel.arch].stack_pointer])
        yield words
    for area in space.areas:
        if area.prot & _WRITABLE != _WRITABLE:
            continue
        start = area.start
        for sp in stack_pointers:
            if area.start <= sp < area.end:
                start = max(start, sp & ~(_WORD - 1))
        for low, high in arenas.outside(start, area.end):
            yield without_bins(_words(space, low, high), low)


def block_words(space: AddressSpace, block: Block) -> Sequence[int]:
    """Return the aligned words in a block."""
    start = -(-block.addr // _WORD) * _WORD
    data = Peek(space).read(start, block.addr + block.size - start)
    return struct.unpack_from(f"<{len(data) // _WORD}Q", data)


def _words(space: AddressSpace, start: int, end: int) -> list[int]:
    """Return the words of pages that are there; what is not there has no pointers."""
    words: list[int] = []
    view, table = space.view, space.table
    for vpn in range(start >> PAGE_SHIFT, (end + PAGE_MASK) >> PAGE_SHIFT):
        entry = table.get(vpn, 0)
        page = vpn << PAGE_SHIFT
        low, high = max(start, page) - page, min(end, page + PAGE_MASK + 1) - page
        if entry:
            frame = entry & ~PAGE_MASK
            words += view[frame + (low & -_WORD) : frame + (high & -_WORD)].cast("Q")
        else:
            words += bytes((high - low) // _WORD)
    return words


def without_bins(words: list[int], start: int) -> list[int]:
    """Blank out glibc's own lists of free memory, which point at the ends of blocks.

    An empty bin of ``main_arena`` is two words that both point 16 bytes in front of the first;
    there are 127 bins, and most are empty.
    """
    empty = [
        at
        for at, (first, second) in enumerate(pairwise(words))
        if first == second == start + at * _WORD - _HEADER
    ]
    if len(empty) >= _FEWEST_BINS:
        low = max(0, empty[0] - _BEFORE_BINS // _WORD)
        high = empty[-1] + 2
        words[low:high] = [0] * (high - low)
    return words
