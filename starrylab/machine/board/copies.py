"""Which frames of the kernel's RAM the board has a copy of, and which bytes are newer where.

The kernel's frames are in the host's RAM.  A frame that user code touches gets a page on the
board.  From then on each of its bytes is in one of three states: equal on both sides, newer on
the board (`Copy.stale`: user code may have written it), or newer on the host (`Copy.pending`:
the kernel wrote it).  Nothing crosses the line before somebody needs it: a stale byte when the
kernel reads it, a pending one when user code is about to run where the frame is mapped.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from ..api import PAGE_MASK, PAGE_SIZE
from . import bits, monitor
from .cache import PageCache

_ROUND: Final = 64  #: bytes; smaller pieces are not worth reading, next to a round trip
_MOST_ROUND: Final = 512  #: what one reads piece by piece comes in larger pieces
_GAP: Final = 8  #: bytes between two pieces that cost less than the head of another
_WORTH: Final = 256  #: bytes that are not zero: more of them are worth a place in the cache
_ZEROS: Final = bytes(PAGE_SIZE)
_ZERO_RUN: Final = bytes(16)  #: as many zeros are worth a request of their own
_NOT_ZERO: Final = re.compile(rb"[^\0]+")


class Wire(Protocol):
    """What the copies need of the hart."""

    changes: list[monitor.Change]  #: that go with the next request

    def read(self, pieces: Sequence[tuple[int, int]]) -> list[bytes]:
        """Do `changes`, then read physical memory."""
        ...


class Copy:
    """A page on the board that stands for a frame."""

    __slots__ = ("at", "frame", "pending", "stale")

    def __init__(self, frame: int, at: int) -> None:
        self.frame = frame  #: byte offset in RAM
        self.at = at  #: physical address on the board
        self.stale = 0  #: bytes that are newer on the board
        self.pending = bits.ALL  #: bytes that are newer on the host


class Copies:
    """All of them, least recently used first."""

    def __init__(
        self, ram: memoryview, wire: Wire, memory: tuple[int, int], cache: PageCache
    ) -> None:
        """Let pages be taken from the board's ``memory``: address and bytes."""
        self.cache = cache
        self._ram = ram
        self._wire = wire
        start, size = memory
        first = -(-start // PAGE_SIZE) * PAGE_SIZE
        last = (start + size) // PAGE_SIZE * PAGE_SIZE
        self._free = list(range(last - PAGE_SIZE, first - PAGE_SIZE, -PAGE_SIZE))
        self._copies: OrderedDict[int, Copy] = OrderedDict()
        self._places: dict[int, Copy] = {}  #: by address on the board
        self._lent: list[tuple[Copy, int, bytes]] = []
        #: Told of a frame before its copy goes, so that nobody has it mapped.
        self.evicting: Callable[[int], object] = lambda _frame: None
        self.evictions = 0
        self._last_pulled = -1  #: a frame
        self._pull_round = _ROUND

    def __len__(self) -> int:
        return len(self._copies)

    @property
    def room(self) -> int:
        """How many frames can get a page without another's losing it."""
        return len(self._free)

    def get(self, frame: int) -> Copy | None:
        """Return the copy of ``frame``, if there is one."""
        return self._copies.get(frame)

    # -- the host's side ---------------------------------------------------------------------

    def fetch(self, start: int, end: int) -> None:
        """Make the host's bytes ``start`` up to ``end``, excluded, the newest."""
        wanted = [
            (copy, copy.stale & bits.span(low, high))
            for copy, low, high in self._overlapping(start, end)
            if copy.stale
        ]
        self._pull([(copy, stale) for copy, stale in wanted if stale])

    def lend(self, start: int, end: int) -> None:
        """Remember what these bytes are, as somebody may store to them by a slice."""
        for copy, low, high in self._overlapping(start, end):
            base = copy.frame
            self._lent.append((copy, low, bytes(self._ram[base + low : base + high])))

    def wrote(self, start: int, end: int) -> None:
        """Note that the host stored the bytes ``start`` up to ``end``, excluded."""
        for copy, low, high in self._overlapping(start, end):
            span = bits.span(low, high)
            copy.pending |= span
            copy.stale &= ~span

    def settle(self) -> None:
        """Find what was stored in slices that were lent."""
        for place, (copy, low, before) in enumerate(self._lent):
            base = copy.frame + low
            now = bytes(self._ram[base : base + len(before)])
            if now != before:
                for first, last in _differences(before, now):
                    copy.pending |= bits.span(low + first, low + last)
                self._lent[place] = copy, low, now

    def duplicate(self, new: int, old: int) -> None:
        """Make frame ``new`` a copy of ``old``, on the board if that is where ``old`` is."""
        self._ram[new : new + PAGE_SIZE] = self._ram[old : old + PAGE_SIZE]
        source = self._copies.get(old)
        if source is None or source.pending == bits.ALL:
            self.wrote(new, new + PAGE_SIZE)
            return
        self.settle()
        target = self.make(new, keep=old)
        self.push(source)
        self._wire.changes.append(monitor.Copy(target.at, source.at))
        target.stale, target.pending = source.stale, 0

    # -- the board's side ----------------------------------------------------------------------

    def make(self, frame: int, keep: int = -1) -> Copy:
        """Return the copy of ``frame``, made if need be; the one of ``keep`` stays."""
        copy = self._copies.get(frame)
        if copy is not None:
            self._copies.move_to_end(frame)
            return copy
        copy = Copy(frame, self._place(keep))
        self._copies[frame] = copy
        self._places[copy.at] = copy
        return copy

    def push(self, copy: Copy, *, keep: bool = False) -> None:
        """Send what is newer on the host with the next request.

        ``keep``: the page is worth a place in the board's cache, as others may want it again.
        """
        pending = copy.pending
        if not pending:
            return
        copy.pending = 0
        page = self._ram[copy.frame : copy.frame + PAGE_SIZE].tobytes()
        add = self._wire.changes.append
        if pending == bits.ALL:
            self._push_all_of(copy.at, page, keep)
            return
        gap = 0 if copy.stale else _GAP
        for first, last in bits.runs(pending, gap):
            if last - first >= len(_ZERO_RUN) and not any(page[first:last]):
                add(monitor.Zero(copy.at + first, last - first))
            else:
                add(monitor.Write(copy.at + first, page[first:last]))

    def _push_all_of(self, at: int, page: bytes, keep: bool) -> None:
        add = self._wire.changes.append
        if page == _ZEROS:
            add(monitor.Zero(at, PAGE_SIZE))
            return
        fetch = self.cache.fetch(page, at)
        if fetch is not None:
            add(fetch)
            return
        add(monitor.Zero(at, PAGE_SIZE))
        for start, end in _nonzero(page, 0, PAGE_SIZE):
            add(monitor.Write(at + start, page[start:end]))
        worth = keep or PAGE_SIZE - page.count(0) >= _WORTH
        kept = self.cache.keep(page, at) if worth else None
        if kept is not None:
            add(kept)

    def push_all(self, frames: Iterable[int]) -> set[int]:
        """Push the copies of ``frames`` that the host stored to; return those frames.

        User code is about to run: slices that were lent are good no longer.
        """
        self.settle()
        self._lent.clear()
        found = {frame for frame in frames if (c := self._copies.get(frame)) and c.pending}
        for frame in sorted(found):
            self.push(self._copies[frame])
        return found

    def ran(self, writable: Iterable[int], dirty: frozenset[int] | None = None) -> None:
        """Note that user code ran, and stored to ``writable`` frames, or those on ``dirty`` pages.

        ``dirty`` are addresses on the board.
        """
        self._last_pulled = -1
        stored = [self._copies[frame] for frame in writable]
        if dirty is not None:
            stored = [copy for copy in stored if copy.at in dirty]
        for copy in stored:
            copy.stale = bits.ALL ^ copy.pending  # nothing is pending where user code runs

    def arrived(self, at: int, data: bytes) -> None:
        """Take over memory that came with a stop."""
        while data:
            inside = at & PAGE_MASK
            piece, data = data[: PAGE_SIZE - inside], data[PAGE_SIZE - inside :]
            copy = self._places.get(at - inside)
            if copy is not None:
                self._take(copy, inside, piece)
            at += len(piece)

    def take_page(self, keep: int = -1) -> int:
        """Return a page of the board that stands for no frame; see `make`."""
        return self._place(keep)

    def give_back(self, page: int) -> None:
        """Take a page back from `take_page`."""
        self._free.append(page)

    # -- inside -----------------------------------------------------------------------------------

    def _overlapping(self, start: int, end: int) -> Iterator[tuple[Copy, int, int]]:
        """Yield (copy, first byte, byte after the last) of each frame that has a copy."""
        get = self._copies.get
        frame = start & ~PAGE_MASK
        while frame < end:
            copy = get(frame)
            if copy is not None:
                yield copy, max(start - frame, 0), min(end - frame, PAGE_SIZE)
            frame += PAGE_SIZE

    def _pull(self, wanted: Iterable[tuple[Copy, int]]) -> None:
        """Read stale bytes, and a little around them where that is stale as well."""
        pieces: list[tuple[Copy, int, int]] = []
        for copy, stale in wanted:
            whole, piece = 0, self._piece_size(copy)
            for start, end in bits.runs(stale, _ROUND):
                whole |= bits.span(start // piece * piece, -(-end // piece) * piece)
            pieces += [(copy, start, end) for start, end in bits.runs(whole & copy.stale, _ROUND)]
        if pieces:
            read = self._wire.read([(c.at + start, end - start) for c, start, end in pieces])
            for (copy, start, _), data in zip(pieces, read, strict=True):
                self._take(copy, start, data)

    def _piece_size(self, copy: Copy) -> int:
        """Return bytes to read at once: more of a page that is read again and again."""
        again = self._last_pulled == copy.frame
        self._pull_round = min(2 * self._pull_round, _MOST_ROUND) if again else _ROUND
        self._last_pulled = copy.frame
        return self._pull_round

    def _take(self, copy: Copy, start: int, data: bytes) -> None:
        """Store those bytes that are newer on the board."""
        fresh = copy.stale & bits.span(start, start + len(data))
        copy.stale &= ~fresh
        for first, last in bits.runs(fresh):
            at = copy.frame + first
            self._ram[at : at + last - first] = data[first - start : last - start]

    def _place(self, keep: int) -> int:
        """Return a free page of the board, made free if need be."""
        return self._free.pop() if self._free else self._evict(keep)

    def _evict(self, keep: int) -> int:
        """Give up the copy that was not used for the longest time; return its page."""
        frame = next((f for f in self._copies if f != keep), None)
        if frame is None:
            raise monitor.MonitorError("the board has no memory for a page")
        copy = self._copies[frame]
        self.settle()
        if copy.stale:
            self._pull([(copy, copy.stale)])
        self.evicting(frame)
        del self._copies[frame], self._places[copy.at]
        self.evictions += 1
        return copy.at


def _nonzero(page: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts between long runs of zeros."""
    while start < end:
        while start < end and not page[start]:
            start += 1
        stop = page.find(_ZERO_RUN, start, end)
        stop = end if stop < 0 else stop
        tail = len(page[start:stop].rstrip(b"\0"))
        if tail:
            yield start, start + tail
        start = stop


def _differences(before: bytes, now: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each run of bytes that differ."""
    size = len(before)
    changed = int.from_bytes(before, "little") ^ int.from_bytes(now, "little")
    for run in _NOT_ZERO.finditer(changed.to_bytes(size, "little")):
        yield run.span()
