"""A pipe of a student's, between two descriptors."""

from __future__ import annotations

from typing import Any

import pytest

from starrylab.abi.errno import EAGAIN, EINVAL
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.chosen_pipe import PIPE2, BadPipe, ChosenReader, ChosenWriter, pipe_call
from starrylab.machine.scripted import Program, ScriptedContext


class Shelf:
    """One piece at a time."""

    def __init__(self) -> None:
        self.piece = b""

    def read(self, size: int) -> bytes:
        if not self.piece:
            raise EAGAIN
        piece, self.piece = self.piece, b""
        return piece

    def write(self, data: bytes) -> int:
        self.piece = data
        return len(data)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_: 5


def test_bytes_go_through() -> None:
    bench = ScriptedBench()
    bench.kernel.calls.add(PIPE2, pipe_call(Shelf))
    seen: list[Any] = []

    def program(m: ScriptedContext) -> Program:
        seen.append((yield m.call("pipe2", m.scratch, 0x4000_0000)))
        yield m.call("pipe2", m.scratch, 0)
        data = m.load(m.scratch, 8)
        m.store(m.scratch, b"hello")
        yield m.call("write", int.from_bytes(data[4:], "little"), m.scratch, 5)
        yield m.call("read", int.from_bytes(data[:4], "little"), m.scratch + 8, 9)
        seen.append(m.load(m.scratch + 8, 5))
        yield m.call("exit_group", 0)

    bench.run(program)
    assert seen == [-EINVAL.errno, b"hello"]


def test_impossible_answers_are_told() -> None:
    shelf = Shelf()
    shelf.write(b"too much")
    with pytest.raises(BadPipe, match="8 bytes"):
        ChosenReader(shelf, 0).read(3)
    shelf.write = lambda data: 99  # type: ignore[method-assign]
    with pytest.raises(BadPipe, match="returned 99"):
        ChosenWriter(shelf, 1).write(b"abc")
