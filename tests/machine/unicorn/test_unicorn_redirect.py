"""A handler may send user code elsewhere (a signal handler, a new program) without leaving.

Stops from another thread come at any moment meanwhile; no block may run twice or be lost.
"""

from __future__ import annotations

from starrylab.machine.api import LEFT
from tests.machine.unicorn import riscv_assembler as rv
from tests.machine.unicorn.riscv_bench import CODE, register

_OTHER = CODE + 0x800
_TURNS = 7


def _loop(counter: int) -> list[int]:
    """Count to `_TURNS` in several blocks, then trap."""
    return [
        rv.addi(rv.T0, rv.ZERO, _TURNS),
        rv.addi(counter, counter, 1),
        rv.addi(rv.T0, rv.T0, -1),
        rv.bne(rv.T0, rv.ZERO, -8),
        rv.ECALL,
    ]


def test_a_new_program_counter_survives_stops_at_any_moment(bench) -> None:
    fast = bench.hart.report().ticker == "native"
    visits = 60_000 if fast else 1_500
    first, other = _loop(rv.S2), _loop(rv.S3)
    bench.load(*first, *[rv.addi(0, 0, 0)] * (0x200 - len(first)), *other)
    context = bench.context(a0=1)
    seen = 0

    def redirect(registers):
        nonlocal seen
        seen += 1
        if seen == 2 * visits:
            return None
        context.pc = _OTHER if seen % 2 else CODE
        return 1

    bench.answer = redirect
    bench.hart.set_tick(50_000 if fast else 1_000_000)
    assert bench.finish(context, limit=10_000_000) is LEFT
    bench.hart.set_tick(0)
    assert register(context, rv.S2) == visits * _TURNS
    assert register(context, rv.S3) == visits * _TURNS
