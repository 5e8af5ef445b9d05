"""Memory in two places behaves as memory in one: against a model that has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.machine.api import PAGE_SIZE
from starrylab.machine.board import bits, monitor
from starrylab.machine.board.cache import PageCache
from starrylab.machine.board.copies import Copies
from starrylab.machine.board.ram import BoardView, BoardWords

FRAMES = 4
BASE = 0x8000_0000


class Board:
    """The far side: memory that only requests reach."""

    def __init__(self, pages: int) -> None:
        self.memory = bytearray(b"\xee" * (pages * PAGE_SIZE))
        self.changes: list[monitor.Change] = []
        self.read_bytes = 0
        self.sent_bytes = 0

    def read(self, pieces: Sequence[tuple[int, int]]) -> list[bytes]:
        self.tell()
        self.read_bytes += sum(size for _, size in pieces)
        return [bytes(self.memory[at - BASE :][:size]) for at, size in pieces]

    def tell(self) -> None:
        for change in self.changes:
            match change:
                case monitor.Write(at, data):
                    self.sent_bytes += len(data)
                    self.memory[at - BASE : at - BASE + len(data)] = data
                case monitor.Zero(at, size):
                    self.memory[at - BASE : at - BASE + size] = bytes(size)
                case monitor.Copy(at, source):
                    page = self.memory[source - BASE :][:PAGE_SIZE]
                    self.memory[at - BASE : at - BASE + PAGE_SIZE] = page
                case _:
                    raise AssertionError(change)
        self.changes.clear()


class Pair:
    """Copies, their two sides, and the one memory that they should look like."""

    def __init__(self, pages: int = FRAMES) -> None:
        self.board = Board(pages)
        self.ram = memoryview(bytearray(FRAMES * PAGE_SIZE))
        self.copies = Copies(self.ram, self.board, (BASE, pages * PAGE_SIZE), PageCache(0, list))
        self.view = BoardView(self.ram, self.copies)
        self.words = BoardWords(self.ram.cast("Q"), 8, self.copies)
        self.truth = bytearray(FRAMES * PAGE_SIZE)

    def run(self, frames: set[int], store: Callable[[int], tuple[int, bytes]]) -> None:
        """Let user code store in ``frames``, one store in each."""
        places = {frame: self.copies.make(frame * PAGE_SIZE) for frame in frames}
        if any(self.copies.get(f * PAGE_SIZE) is not c for f, c in places.items()):
            return  # more frames than the board has pages
        self.copies.push_all([frame * PAGE_SIZE for frame in frames])
        self.board.tell()
        for frame, copy in places.items():
            at = copy.at - BASE
            start = frame * PAGE_SIZE
            assert self.board.memory[at : at + PAGE_SIZE] == self.truth[start : start + PAGE_SIZE]
            offset, data = store(frame)
            self.board.memory[at + offset : at + offset + len(data)] = data
            self.truth[start + offset : start + offset + len(data)] = data
        self.copies.ran([frame * PAGE_SIZE for frame in frames])


OFFSET = st.integers(0, FRAMES * PAGE_SIZE - 300)
DATA = st.binary(min_size=1, max_size=300) | st.integers(1, 300).map(bytes)
FRAME = st.integers(0, FRAMES - 1)
OPS = st.one_of(
    st.tuples(st.just("store"), OFFSET, DATA),
    st.tuples(st.just("slice"), OFFSET, DATA),
    st.tuples(st.just("load"), OFFSET, DATA),
    st.tuples(st.just("word"), OFFSET, DATA),
    st.tuples(st.just("copy"), FRAME, FRAME),
    st.tuples(st.just("run"), st.sets(FRAME, max_size=3), st.integers(0, 3900), DATA),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(OPS, max_size=25), st.integers(3, FRAMES))
def test_two_memories_look_like_one(ops: list[tuple], pages: int) -> None:
    pair = Pair(pages)
    for op, *arguments in ops:
        if op == "run":
            frames, offset, data = arguments
            data = data[: PAGE_SIZE - offset]
            pair.run(frames, lambda _, offset=offset, data=data: (offset, data))
        elif op == "copy":
            new, old = (frame * PAGE_SIZE for frame in arguments)
            if new != old:
                pair.copies.duplicate(new, old)
                pair.truth[new : new + PAGE_SIZE] = pair.truth[old : old + PAGE_SIZE]
        else:
            offset, data = arguments
            end = offset + len(data)
            if op == "store":
                pair.view[offset:end] = data
                pair.truth[offset:end] = data
            elif op == "slice":
                pair.view[offset:end][:] = data
                pair.truth[offset:end] = data
            elif op == "word":
                index = offset // 8
                pair.words[index] = pair.words[index] ^ 0xFF
                pair.truth[index * 8] ^= 0xFF
            else:
                assert bytes(pair.view[offset:end]) == pair.truth[offset:end]
    assert bytes(pair.view[0 : len(pair.truth)]) == pair.truth


def test_only_what_is_needed_crosses_the_line() -> None:
    pair = Pair()
    pair.view[0:PAGE_SIZE] = bytes(PAGE_SIZE)
    pair.run({0}, lambda _: (100, b"user"))
    assert pair.board.sent_bytes == 0  # zeros are not sent as bytes
    assert bytes(pair.view[100:104]) == b"user"
    assert pair.board.read_bytes == 64
    assert bytes(pair.view[96:128]) == bytes(4) + b"user" + bytes(24)
    assert pair.board.read_bytes == 64  # the same piece is not read twice
    pair.view[200:203] = pair.truth[200:203] = b"abc"
    pair.run({0}, lambda _: (0, b""))
    assert pair.board.sent_bytes == 3
    assert pair.board.read_bytes == 64  # a store needs no look at what was there


def test_a_slice_is_compared_before_user_code_runs() -> None:
    pair = Pair()
    pair.run({1}, lambda _: (0, b"x" * 64))
    piece = pair.view[PAGE_SIZE : PAGE_SIZE + 64]
    before = pair.board.sent_bytes
    piece[10:12] = b"yz"
    pair.truth[PAGE_SIZE + 10 : PAGE_SIZE + 12] = b"yz"
    pair.run({1}, lambda _: (0, b""))
    assert pair.board.sent_bytes - before == 2


def test_a_page_is_copied_on_the_board() -> None:
    pair = Pair()
    pair.run({0}, lambda _: (0, bytes(range(256)) * 16))
    pair.copies.duplicate(2 * PAGE_SIZE, 0)
    pair.truth[2 * PAGE_SIZE : 3 * PAGE_SIZE] = pair.truth[:PAGE_SIZE]
    pair.run({2}, lambda _: (0, b""))
    assert (pair.board.sent_bytes, pair.board.read_bytes) == (0, 0)


def test_memory_that_comes_with_a_stop_is_not_read_again() -> None:
    pair = Pair()
    pair.run({0, 1}, lambda _: (0, b"\x07" * PAGE_SIZE))
    first = pair.copies.get(0)
    assert first is not None
    pair.copies.arrived(first.at + 8, b"\x07" * 16)
    assert bytes(pair.view[8:24]) == b"\x07" * 16
    assert pair.board.read_bytes == 0
    assert first.stale == bits.ALL ^ bits.span(8, 24)
