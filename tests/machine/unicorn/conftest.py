"""A hart in each of the ways it can work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from starrylab.machine.api import PAGE_SIZE
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import UnicornHart
from tests.machine.unicorn.riscv_bench import MODES, Bench


@pytest.fixture(params=MODES, scope="module")
def any_hart(request) -> Iterator[UnicornHart]:
    hart = UnicornHart(HostRam(4 << 20), **MODES[request.param])
    yield hart
    hart.close()


@pytest.fixture
def bench(any_hart) -> Bench:
    any_hart.set_tick(0)
    view = any_hart.ram.view
    for frame in range(0, any_hart.ram.size, PAGE_SIZE):
        any_hart.code_changed(frame)
    view[:] = bytes(len(view))
    return Bench(any_hart)
