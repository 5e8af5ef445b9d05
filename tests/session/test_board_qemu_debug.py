"""Steps, breakpoints and watched bytes where page tables and reservations are a real CPU's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from starrylab.machine.board.hart import BoardHart
from starrylab.machine.ram import HostRam
from starrylab.session.board_link import connect
from starrylab.session.config import BoardPort
from tests.machine.unicorn.riscv_bench import Bench
from tests.machine.unicorn.test_unicorn_debug import (  # noqa: F401
    debug,
    test_a_program_that_writes_its_own_page_keeps_the_breakpoint,
    test_an_exact_write_is_watched,
    test_an_lr_sc_loop_on_a_watched_word_comes_to_an_end,
    test_an_lr_sc_sequence_is_one_step,
    test_constants_beside_the_code_are_read_as_they_are,
    test_new_code_on_the_page_keeps_the_breakpoint,
    test_steps_go_through_calls_branches_and_jumps,
    test_the_program_does_not_see_its_breakpoints,
)
from tests.session import qemu_board


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Iterator[str]:
    with qemu_board.running("virt-riscv64", tmp_path_factory.mktemp("board")) as port:
        yield port


@pytest.fixture
def bench(port: str) -> Iterator[Bench]:
    monitor = connect(BoardPort("virt-riscv64", port))
    hart = BoardHart(monitor, HostRam(4 << 20), shortest_slice_ns=5_000_000)
    yield Bench(hart)
    hart.close()
