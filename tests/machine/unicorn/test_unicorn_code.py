"""Code that changes: by user stores through any address, and by the kernel."""

from __future__ import annotations

import struct

import pytest

from starrylab.machine.api import EXEC, LEFT, PAGE_SIZE, READ, WRITE, Fault, PageFault
from tests.machine.unicorn import riscv_assembler as rv
from tests.machine.unicorn.riscv_bench import CODE, DATA, register

JIT = 0x40000
ALIAS = 0x50000


def returning(number):
    """Instructions that return ``number``, as one 64-bit word."""
    words = rv.code(rv.addi(rv.A0, rv.ZERO, number), rv.jalr(rv.ZERO, rv.RA))
    return struct.unpack("<Q", words)[0]


def writer(bench, *, fence=True):
    """Load a loop: store s2 at (s0), call s1, trap; and again."""
    middle = [rv.FENCE_I] if fence else []
    program = [rv.sd(rv.S2, rv.S0), *middle, rv.jalr(rv.RA, rv.S1), rv.ECALL]
    bench.load(*program, rv.jump(-4 * len(program)))


def results(bench, context, numbers):
    """Return what each generated function answered."""
    answers = []
    remaining = iter(numbers)

    def answer(registers):
        answers.append(registers[0])
        following = next(remaining, None)
        if following is None:
            return None
        context.set_general(replaced(context, rv.S2, returning(following)))
        return 0

    bench.answer = answer
    assert bench.finish(context) is LEFT
    return answers


def replaced(context, number, value):
    words = list(struct.unpack("<32Q", context.general()))
    words[number] = value
    return struct.pack("<32Q", *words)


@pytest.mark.parametrize("fence", [True, False])
def test_write_then_run_at_one_address(bench, fence):
    writer(bench, fence=fence)
    bench.map(JIT, READ | WRITE | EXEC)
    context = bench.context(s0=JIT, s1=JIT, s2=returning(1))
    assert results(bench, context, [2, 3, 4, 5]) == [1, 2, 3, 4, 5]


def test_write_through_an_alias(bench):
    writer(bench)
    frame = bench.map(JIT, READ | EXEC)
    bench.map(ALIAS, READ | WRITE, frame)
    context = bench.context(s0=ALIAS, s1=JIT, s2=returning(1))
    assert results(bench, context, [2, 3, 4]) == [1, 2, 3, 4]


def test_code_at_two_addresses(bench):
    writer(bench)
    frame = bench.map(JIT, READ | EXEC)
    bench.map(JIT + PAGE_SIZE, READ | EXEC, frame)
    bench.map(ALIAS, READ | WRITE, frame)
    answers = []
    for number in range(1, 4):
        for at in (JIT, JIT + PAGE_SIZE):
            context = bench.context(s0=ALIAS, s1=at, s2=returning(number))
            answers += results(bench, context, [])
    assert answers == [1, 1, 2, 2, 3, 3]


def test_an_executed_page_that_is_written_elsewhere_in_another_space(bench):
    writer(bench)
    frame = bench.map(JIT, READ | EXEC)
    bench.poke(frame, struct.pack("<Q", returning(7)))
    scratch = bench.data()
    other = dict(bench.table)
    other[JIT >> 12] = frame | READ | WRITE
    context = bench.context(s0=DATA, s1=JIT)
    assert results(bench, context, []) == [7]
    bench.hart.use(other)
    changer = bench.context(s0=JIT, s1=CODE + 12, s2=returning(8))
    bench.answer = lambda registers: None
    bench.finish(changer)
    bench.hart.use(bench.table)
    context = bench.context(s0=DATA, s1=JIT)
    assert results(bench, context, []) == [8]
    assert bench.word(scratch) == 0


def test_data_beside_code_in_one_page(bench):
    """A counter in the page that runs; both kinds of access alternate."""
    program = (
        rv.ld(rv.T0, rv.S0),
        rv.addi(rv.T0, rv.T0, 1),
        rv.sd(rv.T0, rv.S0),
        rv.addi(rv.A1, rv.A1, -1),
        rv.bne(rv.A1, rv.ZERO, -16),
        rv.EBREAK,
    )
    frame = bench.load(*program)
    bench.map(CODE, READ | WRITE | EXEC, frame)
    context = bench.context(s0=CODE + 0x800, a1=200)
    assert bench.finish(context) == Fault("breakpoint")
    assert bench.word(frame + 0x800) == 200


def test_code_that_changes_its_own_page_and_then_faults(bench):
    """The block that runs is dropped under its feet; a fault in it must still be exact."""
    program = (
        rv.addi(rv.T0, rv.ZERO, 1),
        rv.sd(rv.S2, rv.S0),
        rv.addi(rv.T0, rv.ZERO, 2),
        rv.ld(rv.T1, rv.S3),
        rv.EBREAK,
    )
    frame = bench.load(*program)
    bench.map(CODE, READ | WRITE | EXEC, frame)
    context = bench.context(s0=CODE + 0x800, s2=77, s3=DATA + 24)
    assert bench.finish(context) == PageFault(DATA + 24, READ)
    assert context.pc == CODE + 12
    assert register(context, rv.T0) == 2
    assert bench.word(frame + 0x800) == 77
    bench.data()
    assert bench.finish(context) == Fault("breakpoint")
    assert context.pc == CODE + 16


def test_the_kernel_changes_code(bench):
    writer(bench)
    scratch = bench.data()
    frame = bench.map(JIT, READ | EXEC)
    for number in range(1, 5):
        bench.poke(frame, struct.pack("<Q", returning(number)))
        bench.hart.code_changed(frame)
        context = bench.context(s0=DATA, s1=JIT)
        assert results(bench, context, []) == [number]
    assert bench.word(scratch) == 0


def test_the_kernel_changes_code_inside_a_call(bench):
    """The frame of the very code that made the call, and of a function it calls next."""
    frame = bench.load(rv.ECALL, rv.addi(rv.S0, rv.ZERO, 1), rv.EBREAK)

    def answer(registers):
        bench.poke(frame + 4, rv.code(rv.addi(rv.S0, rv.ZERO, 2)))
        bench.hart.code_changed(frame)
        return 0

    bench.answer = answer
    context = bench.context()
    for _ in range(2):
        context.pc = CODE
        assert bench.finish(context) == Fault("breakpoint")
        assert register(context, rv.S0) == 2


def test_the_kernel_changes_code_inside_a_page_fault(bench):
    """A frame is taken from one page and given to another while the CPU waits for it."""
    writer(bench)
    bench.data()
    frame = bench.map(JIT, READ | EXEC)
    bench.poke(frame, struct.pack("<Q", returning(1)))
    assert results(bench, bench.context(s0=DATA, s1=JIT), []) == [1]

    def supply(addr, access):
        del bench.table[JIT >> 12]
        bench.poke(frame, struct.pack("<Q", returning(2)))
        bench.hart.flush_tlb()
        bench.hart.code_changed(frame)
        return bench.map(addr, READ | EXEC, frame) | READ | EXEC

    bench.supply = supply
    assert results(bench, bench.context(s0=DATA, s1=ALIAS), []) == [2]
    bench.supply = lambda addr, access: 0
    assert bench.finish(bench.context(JIT)) == PageFault(JIT, EXEC)


def test_a_frame_that_moves_from_data_to_code(bench):
    """User stores first, then the page turns from read-write to read-execute (mprotect)."""
    writer(bench)
    frame = bench.map(JIT, READ | WRITE)
    turns = []

    def supply(addr, access):
        turns.append(access)
        permissions = READ | (EXEC if access == EXEC else WRITE)
        bench.hart.flush_tlb()
        return bench.map(addr, permissions, frame) | permissions

    bench.supply = supply
    context = bench.context(s0=JIT, s1=JIT, s2=returning(1))
    assert results(bench, context, [2, 3]) == [1, 2, 3]
    assert turns == [EXEC, WRITE, EXEC, WRITE, EXEC]


def test_reading_code_as_data_does_not_stop_it_running(bench):
    program = (
        rv.ld(rv.T0, rv.S0),
        rv.addi(rv.A1, rv.A1, -1),
        rv.bne(rv.A1, rv.ZERO, -8),
        rv.EBREAK,
    )
    frame = bench.load(*program)
    bench.map(ALIAS, READ | WRITE, frame)
    context = bench.context(s0=ALIAS, a1=50)
    assert bench.finish(context) == Fault("breakpoint")
    assert register(context, rv.T0) == bench.word(frame)


def test_our_own_address_is_not_the_users(bench):
    """Dropping translations shows a frame at an address of the hart's for a moment only."""
    frame = bench.load(rv.EBREAK)
    context = bench.context()
    bench.finish(context)
    bench.hart.code_changed(frame)
    hidden = (1 << 62) + frame
    assert bench.finish(bench.context(hidden)) == PageFault(hidden, EXEC)
    bench.load(rv.ld(rv.T0, rv.A0))
    assert bench.finish(bench.context(a0=hidden)) == PageFault(hidden, READ)
