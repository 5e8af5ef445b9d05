"""Single steps, breakpoints and watched bytes, in each of the hart's ways to work."""

from __future__ import annotations

import random
import struct

import pytest

from starrylab.machine.api import (
    EXEC,
    LEFT,
    PAGE_SIZE,
    READ,
    STEPPED,
    WRITE,
    Break,
    Fault,
    PageFault,
    Watch,
    Watched,
)  # fmt: skip
from tests.machine.unicorn import riscv_assembler as rv
from tests.machine.unicorn.riscv_bench import CODE, DATA, register


@pytest.fixture
def debug(bench):
    debug = bench.hart.debug()
    yield debug
    debug.set_breakpoints(bench.table, ())
    debug.set_watched(bench.table, ())


def steps(debug, context, n):
    found = []
    for _ in range(n):
        assert debug.step(context) is STEPPED
        found.append(context.pc)
    return found


def halfwords(bench, *parts, at=CODE):
    """Load code of mixed sizes: ints above 16 bits are 32-bit instructions."""
    data = b"".join(struct.pack("<H", p) if p & 3 != 3 else struct.pack("<I", p) for p in parts)
    frame = bench.map(at, READ | EXEC)
    bench.poke(frame, data)
    return frame


C_NOP, C_J_SELF = 0x0001, 0xA001


def test_steps_go_through_calls_branches_and_jumps(bench, debug):
    bench.load(
        rv.addi(rv.A0, rv.ZERO, 2),
        rv.addi(rv.A0, rv.A0, -1),
        rv.bne(rv.A0, rv.ZERO, -4),
        rv.jump(8),
        rv.ILLEGAL,
        rv.ECALL,
    )
    context = bench.context()
    bench.answer = lambda registers: 77
    offsets = [pc - CODE for pc in steps(debug, context, 7)]
    assert offsets == [4, 8, 4, 8, 12, 20, 24]
    assert register(context, rv.A0) == 77
    assert len(bench.calls) == 1


def test_a_jump_to_itself_is_a_step(bench, debug):
    halfwords(bench, C_NOP, C_J_SELF)
    context = bench.context()
    bench.hart.set_tick(1_000_000)
    assert steps(debug, context, 3) == [CODE + 2] * 3


def test_a_step_leaves_its_page(bench, debug):
    bench.load(rv.jalr(rv.RA, rv.S1))
    bench.load(rv.jalr(rv.ZERO, rv.RA), at=DATA)
    context = bench.context(s1=DATA)
    assert steps(debug, context, 2) == [DATA, CODE + 4]
    assert bench.faults == []


def test_an_instruction_across_two_pages_is_one_step(bench, debug):
    first, second = bench.map(CODE, READ | EXEC), bench.map(CODE + PAGE_SIZE, READ | EXEC)
    word = rv.code(rv.addi(rv.A0, rv.A0, 5))
    bench.poke(first + PAGE_SIZE - 2, word[:2])
    bench.poke(second, word[2:])
    context = bench.context(pc=CODE + PAGE_SIZE - 2, a0=1)
    assert steps(debug, context, 1) == [CODE + PAGE_SIZE + 2]
    assert register(context, rv.A0) == 6


def test_an_lr_sc_sequence_is_one_step(bench, debug):
    bench.load(
        rv.lr_d(rv.A3, rv.S0),
        rv.add(rv.A3, rv.A3, rv.A2),
        rv.sc_d(rv.A5, rv.A3, rv.S0),
        rv.bne(rv.A5, rv.ZERO, -12),
    )
    frame = bench.data()
    context = bench.context(s0=DATA, a2=7)
    assert steps(debug, context, 2) == [CODE + 12, CODE + 16]
    assert bench.word(frame) == 7


def test_a_branch_out_of_an_lr_sc_sequence_ends_the_step(bench, debug):
    bench.load(
        rv.lr_d(rv.A3, rv.S0),
        rv.bne(rv.A3, rv.ZERO, 12),
        rv.sc_d(rv.A5, rv.A2, rv.S0),
        rv.ILLEGAL,
        rv.ECALL,
    )
    frame = bench.data()
    bench.poke(frame, b"\x01")
    assert steps(debug, bench.context(s0=DATA), 1) == [CODE + 16]


def test_what_cannot_be_executed_is_said(bench, debug):
    halfwords(bench, rv.ILLEGAL, rv.C_EBREAK, rv.EBREAK, rv.ld(rv.A0, rv.ZERO, 0x123))
    context = bench.context()
    assert debug.step(context) == Fault("illegal instruction")
    context.pc = CODE + 4
    assert debug.step(context) == Fault("breakpoint")
    context.pc = CODE + 6
    assert debug.step(context) == Fault("breakpoint")
    context.pc = CODE + 10
    assert debug.step(context) == PageFault(0x123, READ)
    assert context.pc == CODE + 10
    context.pc = 0x5000
    assert debug.step(context) == PageFault(0x5000, EXEC)


def test_a_call_that_waits_leaves(bench, debug):
    bench.load(rv.ECALL)
    context = bench.context()
    assert debug.step(context) is LEFT
    assert context.pc == CODE + 4


def test_a_page_that_comes_late_is_stepped_into(bench, debug):
    frame = bench.frame()
    bench.poke(frame, rv.code(rv.addi(rv.A0, rv.ZERO, 9)))

    def supply(addr, access):
        bench.table[addr >> 12] = frame | READ | EXEC
        return frame | READ | EXEC

    bench.supply = supply
    context = bench.context()
    assert steps(debug, context, 1) == [CODE + 4]
    assert register(context, rv.A0) == 9


def test_reading_the_time_is_a_step(bench, debug):
    bench.load(rv.csrrs(rv.A0, 0xC01, rv.ZERO))
    bench.hart.set_clock(lambda: 1234)
    context = bench.context()
    assert steps(debug, context, 1) == [CODE + 4]
    assert register(context, rv.A0) == 1234


def test_constants_beside_the_code_are_read_as_they_are(bench, debug):
    bench.load(rv.ld(rv.A0, rv.S0, 64))
    frame = bench.table[CODE >> 12] & -4096
    bench.poke(frame + 64, struct.pack("<Q", 0xDEAD))
    context = bench.context(s0=CODE)
    assert steps(debug, context, 1) == [CODE + 4]
    assert register(context, rv.A0) == 0xDEAD


LOOP = (rv.addi(rv.A0, rv.A0, 1), rv.bne(rv.A0, rv.A1, -4), rv.ECALL)


def test_a_breakpoint_is_met_each_time(bench, debug):
    bench.load(*LOOP)
    context = bench.context(a1=3)
    debug.set_breakpoints(bench.table, [CODE + 4])
    for n in (1, 2, 3):
        assert bench.finish(context) == Break(CODE + 4)
        assert (context.pc, register(context, rv.A0)) == (CODE + 4, n)
        assert debug.step(context) is STEPPED
    assert bench.finish(context) is LEFT


def test_code_that_already_ran_gets_a_breakpoint_and_loses_it(bench, debug):
    bench.load(*LOOP)
    assert bench.finish(bench.context(a1=3)) is LEFT
    debug.set_breakpoints(bench.table, [CODE])
    assert bench.finish(bench.context(a1=3)) == Break(CODE)
    debug.set_breakpoints(bench.table, [CODE + 8])
    assert bench.finish(bench.context(a1=3)) == Break(CODE + 8)
    debug.set_breakpoints(bench.table, [])
    assert bench.finish(bench.context(a1=3)) is LEFT


def test_the_program_does_not_see_its_breakpoints(bench, debug):
    bench.load(rv.ld(rv.A0, rv.S0), *LOOP)
    debug.set_breakpoints(bench.table, [CODE + 12])
    expected = bench.word(bench.table[CODE >> 12] & -4096)
    context = bench.context(s0=CODE, a1=1)
    debug.step(context)
    assert register(context, rv.A0) == expected
    debug.set_breakpoints(bench.table, [CODE])
    context = bench.context(s0=CODE)
    assert bench.hart.run(context) == Break(CODE)
    assert debug.step(context) is STEPPED
    assert register(context, rv.A0) == expected


def test_another_address_space_has_no_breakpoint(bench, debug):
    bench.load(*LOOP)
    debug.set_breakpoints(bench.table, [CODE])
    child = dict(bench.table)
    bench.hart.use(child)
    assert bench.finish(bench.context(a1=3)) is LEFT
    bench.hart.use(bench.table)
    assert bench.finish(bench.context(a1=3)) == Break(CODE)


def test_new_code_on_the_page_keeps_the_breakpoint(bench, debug):
    frame = bench.load(*LOOP)
    debug.set_breakpoints(bench.table, [CODE + 8])
    assert bench.finish(bench.context(a1=3)) == Break(CODE + 8)
    bench.poke(frame, rv.code(rv.addi(rv.A0, rv.A0, 2), rv.addi(rv.A0, rv.A0, 2)))
    bench.hart.code_changed(frame)
    context = bench.context()
    assert bench.finish(context) == Break(CODE + 8)
    assert register(context, rv.A0) == 4


def test_a_program_that_writes_its_own_page_keeps_the_breakpoint(bench, debug):
    other = bench.load(rv.sd(rv.S2, rv.S0, 16), rv.jump(12), rv.ILLEGAL, rv.ILLEGAL)
    bench.table[CODE >> 12] = other | READ | WRITE | EXEC
    debug.set_breakpoints(bench.table, [CODE + 20])
    code = struct.unpack("<Q", rv.code(rv.addi(rv.A0, rv.ZERO, 5), rv.ECALL))[0]
    context = bench.context(s0=CODE, s2=code)
    assert bench.finish(context) == Break(CODE + 20)
    assert register(context, rv.A0) == 5


def test_a_page_that_moved_keeps_the_breakpoint(bench, debug):
    bench.load(*LOOP)
    debug.set_breakpoints(bench.table, [CODE])
    assert bench.finish(bench.context(a1=3)) == Break(CODE)
    bench.load(rv.ECALL, rv.ECALL)
    bench.hart.flush_tlb()
    assert bench.finish(bench.context(a1=3)) == Break(CODE)
    assert bench.finish(bench.context(pc=CODE + 4)) is LEFT


def test_an_exact_write_is_watched(bench, debug):
    bench.load(rv.sd(rv.A0, rv.S0), rv.sw(rv.A0, rv.S0, 12), rv.ld(rv.A1, rv.S0, 8), rv.ECALL)
    frame = bench.data()
    debug.set_watched(bench.table, [Watched(DATA + 8, 8, WRITE)])
    context = bench.context(s0=DATA, a0=0x1234)
    assert bench.finish(context) == Watch(DATA + 12, 4, WRITE)
    assert context.pc == CODE + 8
    assert bench.word(frame) == 0x1234
    assert bench.finish(context) is LEFT


@pytest.mark.parametrize(
    ("access", "met"), [(READ, [4, 16]), (WRITE, [8, 16]), (READ | WRITE, [4, 8, 16])]
)
def test_kinds_of_access(bench, debug, access, met):
    bench.load(
        rv.ld(rv.A1, rv.S0),
        rv.sd(rv.A0, rv.S0),
        rv.ld(rv.A1, rv.S0, 64),
        rv.amoadd_d(rv.A1, rv.A0, rv.S0),
        rv.ECALL,
    )
    bench.data()
    debug.set_watched(bench.table, [Watched(DATA, 8, access)])
    context = bench.context(s0=DATA)
    found = []
    while isinstance(bench.finish(context), Watch):
        found.append(context.pc - CODE)
    assert found == met
    assert context.pc == CODE + 20


def test_an_access_across_two_pages_is_watched(bench, debug):
    bench.load(rv.sd(rv.A0, rv.S0), rv.ECALL)
    bench.data()
    bench.data(DATA + PAGE_SIZE)
    debug.set_watched(bench.table, [Watched(DATA + PAGE_SIZE, 2, WRITE)])
    context = bench.context(s0=DATA + PAGE_SIZE - 4)
    assert bench.finish(context) == Watch(DATA + PAGE_SIZE - 4, 8, WRITE)


def test_a_step_over_a_watched_write_says_so(bench, debug):
    bench.load(rv.sd(rv.A0, rv.S0), rv.ECALL)
    bench.data()
    debug.set_watched(bench.table, [Watched(DATA, 1, WRITE)])
    context = bench.context(s0=DATA)
    assert debug.step(context) == Watch(DATA, 8, WRITE)
    assert context.pc == CODE + 4


def test_watching_and_breaking_on_one_page(bench, debug):
    bench.load(*LOOP)
    debug.set_breakpoints(bench.table, [CODE + 8])
    debug.set_watched(bench.table, [Watched(CODE + 256, 8, READ | WRITE)])
    assert bench.finish(bench.context(a1=5)) == Break(CODE + 8)


def test_an_lr_sc_loop_on_a_watched_word_comes_to_an_end(bench, debug):
    bench.load(
        rv.lr_d(rv.A3, rv.S0),
        rv.add(rv.A3, rv.A3, rv.A2),
        rv.sc_d(rv.A5, rv.A3, rv.S0),
        rv.bne(rv.A5, rv.ZERO, -12),
        rv.ECALL,
    )
    frame = bench.data()
    for access in (READ, WRITE, READ | WRITE):
        debug.set_watched(bench.table, [Watched(DATA, 8, access)])
        context = bench.context(s0=DATA, a2=7)
        bench.poke(frame, bytes(8))
        assert isinstance(bench.finish(context), Watch)
        assert bench.finish(context) is LEFT
        assert bench.word(frame) == 7


def test_random_code_steps_as_it_runs(bench, debug):
    """The registers after a run are those after as many steps; no breakpoint changes them."""
    chance = random.Random(7)
    for _ in range(20):
        n = chance.randrange(5, 40)
        words = []
        for _ in range(n):
            rd, rs = chance.choice([10, 11, 12]), chance.choice([10, 11, 12])
            words.append(
                chance.choice(
                    [
                        rv.addi(rd, rs, chance.randrange(-99, 99)),
                        rv.add(rd, rs, rd),
                        rv.sd(rs, rv.S0, 8 * chance.randrange(8)),
                        rv.ld(rd, rv.S0, 8 * chance.randrange(8)),
                    ]
                )
            )
        bench.hart.code_changed(bench.load(*words, rv.ECALL))
        bench.hart.flush_tlb()
        frame = bench.data()
        outcomes = []
        for breaks in ((), [CODE + 4 * chance.randrange(n) for _ in range(3)]):
            debug.set_breakpoints(bench.table, breaks)
            bench.poke(frame, bytes(64))
            context = bench.context(s0=DATA, a0=1, a1=2, a2=3)
            while isinstance(bench.finish(context), Break):
                debug.step(context)
            outcomes.append((context.general(), bytes(bench.ram.view[frame : frame + 64])))
        debug.set_breakpoints(bench.table, ())
        bench.poke(frame, bytes(64))
        context = bench.context(s0=DATA, a0=1, a1=2, a2=3)
        steps(debug, context, n)
        assert debug.step(context) is LEFT
        outcomes.append((context.general(), bytes(bench.ram.view[frame : frame + 64])))
        assert outcomes[0] == outcomes[1] == outcomes[2]
