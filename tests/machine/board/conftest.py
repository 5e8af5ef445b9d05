"""A hart that is an emulated board, in the place of unicorn's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from starrylab.machine.board.emulated import EmulatedBoard
from starrylab.machine.board.hart import BoardHart
from starrylab.machine.ram import HostRam
from tests.machine.unicorn.riscv_bench import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    hart = BoardHart(EmulatedBoard(1 << 20), HostRam(4 << 20), shortest_slice_ns=5_000_000)
    yield Bench(hart)
    hart.close()
