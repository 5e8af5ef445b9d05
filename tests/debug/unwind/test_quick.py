"""The fast walk gives what the whole one gives, or says that it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.arch import RISCV64
from starrylab.abi.arch.unwinding import UNWINDING
from starrylab.debug.stack import Stacks
from starrylab.debug.unwind.quick import QuickWalker
from starrylab.debug.unwind.unwinder import Unwinder

from .frame_writer import Function, cfa_offset, def_cfa, saved
from .programs import PROGRAMS, build
from .stops import Machine
from .test_unwinder import CODE, FRAME, STACK, Memory, registers, with_rules

LAYOUT = UNWINDING["riscv64"]


def both(memory, code, limit: int = 64, **values: int):
    quick = QuickWalker(LAYOUT, code.rules, memory.word)
    general = registers(**values)
    whole = Unwinder(LAYOUT, RISCV64, code, memory).walk(general, b"", limit)
    return quick.walk(general, limit), tuple(frame.pc for frame in whole)


def test_frames_by_stack_and_by_frame_pointer() -> None:
    by_fp = def_cfa(8, 0) + saved(1, 1) + saved(8, 2)
    code = with_rules(Function(CODE, 64, FRAME), Function(CODE + 64, 64, by_fp))
    memory = Memory({STACK + 24: CODE + 100, STACK + 16: STACK + 96})
    memory.words |= {STACK + 88: 0, STACK + 80: 0}
    quick, whole = both(memory, code, pc=CODE + 8, sp=STACK)
    assert quick == whole == (CODE + 8, CODE + 100)


@pytest.mark.parametrize(
    "program", [b"\x07\x01", def_cfa(9, 0), b"\x0f\x01\x52", b"\x16\x01\x01\x52", cfa_offset(0)]
)
def test_what_is_not_simple_is_left_to_the_whole_walk(program: bytes) -> None:
    code = with_rules(Function(CODE, 64, program))
    quick, _ = both(Memory(), code, pc=CODE + 8, sp=STACK, ra=CODE + 16)
    assert quick is None


def test_code_without_rules_is_left_to_the_whole_walk() -> None:
    quick, _ = both(Memory(), with_rules(), pc=CODE, sp=STACK, ra=CODE + 16)
    assert quick is None


def test_the_limit() -> None:
    code = with_rules(Function(CODE, 64, FRAME))
    memory = Memory({STACK + 32 * n + 24: CODE + 4 + 8 * (n & 1) for n in range(1000)})
    memory.words |= {STACK + 32 * n + 16: 0 for n in range(1000)}
    quick, whole = both(memory, code, limit=20, pc=CODE + 8, sp=STACK)
    assert quick == whole
    assert len(whole) == 20


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 24).map(lambda n: CODE + 8 * n), max_size=24),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=3, max_size=3),
    st.integers(0, 191),
)
def test_both_agree_on_random_stacks(
    values: list[int], shapes: list[tuple[int, int]], offset: int
) -> None:
    functions = [
        Function(CODE + 64 * n, 64, cfa_offset(16 * size) + saved(1, slot))
        for n, (size, slot) in enumerate(shapes)
    ]
    memory = Memory({STACK + 8 * n: value for n, value in enumerate(values)})
    quick, whole = both(memory, with_rules(*functions), pc=CODE + offset, sp=STACK, ra=CODE + 8)
    assert quick is None or quick == whole


@pytest.mark.parametrize("name", ["c-O0", "c-O2", "c++-exceptions"])
def test_both_agree_on_programs(name: str) -> None:
    program = next(program for program in PROGRAMS if program.name == name)
    executable = build(program)
    machine = Machine(None, executable.parent)
    stacks = Stacks(machine.kernel)
    quick = []

    def take(thread) -> None:
        whole = tuple(frame.pc for frame in stacks.raw(thread))
        assert stacks.addresses(thread, 512) == whole
        walked = stacks.modules(thread.mm).quick().walk(thread.context.general(), 512)
        quick.append(walked is not None)

    path = b"/prog/" + executable.name.encode()
    assert machine.random_stops([path, *program.arguments], 60, (1, 30_000), 3, take) == 60
    machine.close()
    assert sum(quick) > 30
