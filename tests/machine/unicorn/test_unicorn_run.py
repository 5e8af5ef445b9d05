"""System calls, contexts, faults and what they say."""

from __future__ import annotations

import struct
import time

import pytest

from starrylab.machine.api import EXEC, LEFT, PAGE_SIZE, READ, WRITE, Fault, Interrupt, PageFault
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import UnicornHart
from tests.machine.unicorn import riscv_assembler as rv
from tests.machine.unicorn.riscv_bench import CODE, DATA, register

MASK = (1 << 64) - 1


def test_syscall_gets_the_registers_and_its_result_comes_back(bench):
    bench.load(rv.ECALL, rv.addi(rv.S0, rv.A0, 1), rv.EBREAK)
    bench.answer = lambda registers: MASK - 11
    context = bench.context(a0=1, a1=2, a2=3, a3=4, a4=5, a5=MASK, a6=7, a7=172)
    assert bench.finish(context) == Fault("breakpoint")
    assert bench.calls == [(1, 2, 3, 4, 5, MASK, 7, 172)]
    assert register(context, rv.A0) == MASK - 11
    assert register(context, rv.S0) == MASK - 10
    assert context.pc == CODE + 8


def test_leaving_keeps_the_result_register_and_goes_on_after_the_call(bench):
    bench.load(rv.ECALL, rv.addi(rv.S0, rv.A0, 1), rv.EBREAK)
    context = bench.context(a0=41, a7=9)
    assert bench.finish(context) is LEFT
    assert context.pc == CODE + 4
    assert context.arguments() == (41, 0, 0, 0, 0, 0, 0, 9)
    context.set_result(-1)
    assert bench.finish(context) == Fault("breakpoint")
    assert register(context, rv.S0) == 0


def test_a_call_can_be_restarted(bench):
    bench.load(rv.ECALL, rv.EBREAK)
    context = bench.context(a0=5)
    bench.finish(context)
    context.set_result(MASK - 511)
    context.restart_syscall(5)
    bench.finish(context)
    assert [call[0] for call in bench.calls] == [5, 5]
    assert bench.finish(context) == Fault("breakpoint")


def test_a_new_program_can_be_started_inside_a_call(bench):
    bench.load(rv.ECALL, rv.EBREAK)
    bench.load(rv.addi(rv.S0, rv.SP, 2), rv.EBREAK, at=CODE + 0x4000)
    context = bench.context(s0=9)

    def execve(registers):
        context.clear(CODE + 0x4000, 0x7000)

    bench.answer = execve
    assert bench.finish(context) is LEFT
    assert context.pc == CODE + 0x4000
    assert bench.finish(context) == Fault("breakpoint")
    assert register(context, rv.S0) == 0x7002
    assert register(context, rv.A7) == 0


def test_a_context_can_be_copied_inside_a_call(bench):
    bench.load(rv.ECALL, rv.addi(rv.S1, rv.A0, 0), rv.EBREAK)
    parent = bench.context(s0=77)
    children = []

    def clone(registers):
        child = bench.hart.new_context(parent)
        child.set_result(0)
        children.append(child)
        return 1234

    bench.answer = clone
    assert bench.finish(parent) == Fault("breakpoint")
    assert register(parent, rv.S1) == 1234
    (child,) = children
    assert child.pc == CODE + 4
    assert bench.finish(child) == Fault("breakpoint")
    assert (register(child, rv.S0), register(child, rv.S1)) == (77, 0)
    assert register(parent, rv.S1) == 1234


def test_contexts_alternate(bench):
    bench.load(rv.addi(rv.S0, rv.S0, 1), rv.ECALL, rv.jump(-8))
    contexts = [bench.context(s0=i * 1000, s1=i) for i in range(3)]
    for _ in range(10):
        for context in contexts:
            assert bench.finish(context) is LEFT
    assert [register(c, rv.S0) for c in contexts] == [10, 1010, 2010]
    assert [register(c, rv.S1) for c in contexts] == [0, 1, 2]


def test_named_registers(bench):
    context = bench.context()
    context.enter_function(CODE, -16, 0x5678, (7, 8, 9))
    context.set_tls(0x1234)
    context.set_argument(5, -1)
    words = struct.unpack("<32Q", context.general())
    assert words[0] == CODE
    assert (words[1], words[2], words[4], words[15]) == (0x5678, MASK - 15, 0x1234, MASK)
    assert words[10:13] == (7, 8, 9)
    context.sp, context.pc = 32, CODE + 4
    assert (context.sp, context.pc) == (32, CODE + 4)
    with pytest.raises(IndexError):
        context.set_argument(6, 0)
    with pytest.raises(ValueError, match="256"):
        context.set_general(b"")
    with pytest.raises(ValueError, match="264"):
        context.set_floating(b"")


def test_saved_together_or_apart_registers_are_the_same(bench):
    general = struct.pack("<32Q", CODE, *range(1, 32))
    floating = struct.pack("<32QII", *(1 << i for i in range(32)), 0b101_10011, 0)
    one, other = bench.context(), bench.context()
    one.restore(general, floating)
    other.set_general(general)
    other.set_floating(floating)
    assert one.save() == other.save() == (general, floating)
    assert (one.general(), one.floating()) == (general, floating)


def test_floating_point_state(bench):
    # 1/3 rounded up, in a mode and with flags that a second context must not see
    program = (
        rv.csrrw(rv.ZERO, 3, rv.A1),
        rv.fdiv_d(2, 0, 1),
        rv.ECALL,
        rv.csrrs(rv.S0, 3, rv.ZERO),
        rv.fdiv_d(2, 0, 1),
        rv.EBREAK,
    )
    bench.load(*program)
    one, three = (int.from_bytes(struct.pack("<d", x), "little") for x in (1.0, 3.0))
    state = struct.pack("<32QII", one, three, *(range(2, 32)), 0, 0)
    up, nearest = bench.context(a1=3 << 5), bench.context(a1=0)
    up.set_floating(state)
    nearest.set_floating(state)
    assert bench.finish(up) is LEFT
    assert bench.finish(nearest) is LEFT
    nearest.set_floating(state)
    assert bench.finish(up) == Fault("breakpoint")
    assert register(up, rv.S0) == 3 << 5 | 1
    rounded = struct.unpack("<32QII", up.floating())
    assert rounded[32:] == (3 << 5 | 1, 0)
    assert bench.finish(nearest) == Fault("breakpoint")
    assert register(nearest, rv.S0) == 0
    plain = struct.unpack("<32QII", nearest.floating())
    assert plain[32:] == (1, 0)
    assert rounded[2] == plain[2] + 1
    assert rounded[3:32] == tuple(range(3, 32))


@pytest.mark.parametrize("fcsr", [0, 1, 2, 4, 8, 16, 31, 0x9F])
def test_fcsr_reaches_the_cpu(bench, fcsr):
    bench.load(rv.csrrs(rv.S0, 3, rv.ZERO), rv.EBREAK)
    context = bench.context()
    context.set_floating(bytes(256) + struct.pack("<II", fcsr, 0))
    bench.finish(context)
    assert register(context, rv.S0) == fcsr
    assert context.floating()[256:] == struct.pack("<II", fcsr, 0)


@pytest.mark.parametrize("offset", [0, 1, 8, 0x7F8, 0xFFF])
def test_load_fault_is_exact(bench, offset):
    bench.load(rv.addi(rv.S0, rv.ZERO, 1), rv.ld(rv.A1, rv.A0, -3), rv.addi(rv.S0, rv.ZERO, 2))
    context = bench.context(a0=DATA + offset + 3)
    assert bench.finish(context) == PageFault(DATA + offset, READ)
    assert context.pc == CODE + 4
    assert register(context, rv.S0) == 1
    assert bench.faults[-1] == (DATA, READ)


def test_store_fault_is_exact_and_can_be_resumed(bench):
    bench.load(rv.sd(rv.A1, rv.A0, 8), rv.EBREAK)
    bench.map(DATA, READ)
    context = bench.context(a0=DATA, a1=7)
    assert bench.finish(context) == PageFault(DATA + 8, WRITE)
    frame = bench.data()
    assert bench.finish(context) == Fault("breakpoint")
    assert bench.word(frame + 8) == 7


@pytest.mark.parametrize("pc", [0x5_0000, 0x5_0004, 0x5_0FFE, 0x7F_FFFF_F000])
def test_fetch_fault_is_exact(bench, pc):
    bench.load(rv.jalr(rv.RA, rv.A0))
    context = bench.context(a0=pc)
    assert bench.finish(context) == PageFault(pc, EXEC)
    assert context.pc == pc


def test_fetch_needs_exec(bench):
    bench.data()
    context = bench.context(DATA)
    assert bench.finish(context) == PageFault(DATA, EXEC)


@pytest.mark.parametrize(
    ("instruction", "size", "expected"),
    [
        (rv.fld(1, rv.A0, -8), 4, READ),
        (rv.fsd(1, rv.A0, -8), 4, WRITE),
        (0x6508, 2, READ),  # c.ld a0,8(a0)
        (0xE508, 2, WRITE),  # c.sd a0,8(a0)
        (0x4548, 2, READ),  # c.lw a0,12(a0)
        (0xC54C, 2, WRITE),  # c.sw a1,12(a0)
        (0x6562, 2, READ),  # c.ldsp a0,24(sp)
        (0xEC2A, 2, WRITE),  # c.sdsp a0,24(sp)
        (0x45B2, 2, READ),  # c.lwsp a1,12(sp)
        (0xC62E, 2, WRITE),  # c.swsp a1,12(sp)
        (rv.amoadd_d(rv.A1, rv.A2, rv.A3), 4, WRITE),
    ],
)
def test_exact_address_of_each_form(bench, instruction, size, expected):
    targets = {0x6508: 8, 0xE508: 8, 0x4548: 12, 0xC54C: 12}
    targets |= {0x6562: 24, 0xEC2A: 24, 0x45B2: 12, 0xC62E: 12}
    offset = targets.get(instruction, -8)
    frame = bench.map(CODE, READ | EXEC)
    bench.poke(frame, instruction.to_bytes(size, "little"))
    base = DATA + 0x100
    context = bench.context(a0=base, sp=base, a3=base - 8)
    assert bench.finish(context) == PageFault(base + offset, expected)


def test_write_only_at_the_second_page_of_an_access(bench):
    bench.load(rv.sd(rv.A1, rv.A0), rv.EBREAK)
    low = bench.data()
    context = bench.context(a0=DATA + 0xFFC, a1=0x1122334455667788)
    trap = bench.finish(context)
    assert trap == PageFault(DATA + 0x1000, WRITE)
    high = bench.data(DATA + PAGE_SIZE)
    assert bench.finish(context) == Fault("breakpoint")
    assert bytes(bench.ram.view[low + 0xFFC : low + 0x1000]) == b"\x88\x77\x66\x55"
    assert bytes(bench.ram.view[high : high + 4]) == b"\x44\x33\x22\x11"


def test_fetch_fault_at_the_second_page_of_an_instruction(bench):
    frame = bench.map(CODE, READ | EXEC)
    bench.poke(frame + 0xFFE, rv.code(rv.addi(rv.S0, rv.ZERO, 5))[:2])
    context = bench.context(CODE + 0xFFE)
    assert bench.finish(context) == PageFault(CODE + 0x1000, EXEC)
    assert context.pc == CODE + 0xFFE
    frame = bench.map(CODE + PAGE_SIZE, READ | EXEC)
    bench.poke(frame, rv.code(rv.addi(rv.S0, rv.ZERO, 5))[2:] + rv.code(rv.EBREAK))
    assert bench.finish(context) == Fault("breakpoint")
    assert register(context, rv.S0) == 5


@pytest.mark.parametrize("instruction", [rv.amoadd_d(rv.A1, rv.A2, rv.A0), rv.lr_d(rv.A1, rv.A0)])
def test_misaligned_atomics(bench, instruction):
    bench.load(instruction, rv.EBREAK)
    bench.data()
    context = bench.context(a0=DATA + 4)
    assert bench.finish(context) == Fault("misaligned", DATA + 4)
    assert context.pc == CODE


def test_misaligned_access_works(bench):
    bench.load(rv.sd(rv.A1, rv.A0, 1), rv.ld(rv.S0, rv.A0, 1), rv.EBREAK)
    bench.data()
    context = bench.context(a0=DATA, a1=0x1122334455667788)
    assert bench.finish(context) == Fault("breakpoint")
    assert register(context, rv.S0) == 0x1122334455667788


@pytest.mark.parametrize("word", [rv.ILLEGAL, 0, 0x3020_0073, 0x1020_0073, rv.csrrs(5, 0x300, 0)])
def test_illegal_instructions(bench, word):
    bench.load(rv.addi(rv.S0, rv.ZERO, 1), word, rv.EBREAK)
    context = bench.context()
    assert bench.finish(context) == Fault("illegal instruction")
    assert context.pc == CODE + 4
    assert register(context, rv.S0) == 1
    context.pc += 4
    assert bench.finish(context) == Fault("breakpoint")


def test_short_breakpoint(bench):
    bench.poke(bench.map(CODE, READ | EXEC), b"\x01\x00\x02\x90")
    context = bench.context()
    assert bench.finish(context) == Fault("breakpoint")
    assert context.pc == CODE + 2


def test_calls_without_end_are_interrupted(bench):
    bench.load(rv.ECALL, rv.jump(-4))
    end = time.monotonic() + 15.0
    bench.answer = lambda _: 0 if time.monotonic() < end else None
    bench.hart.set_tick(1_000_000)
    assert type(bench.hart.run(bench.context())) is Interrupt


def test_faults_are_served_without_leaving(bench):
    bench.load(rv.sd(rv.A1, rv.A0), rv.ld(rv.S0, rv.A0), rv.EBREAK)
    bench.supply = lambda addr, access: bench.map(addr, READ | WRITE) and bench.table[addr >> 12]
    context = bench.context(a0=DATA + 16, a1=99)
    assert bench.hart.run(context) == Fault("breakpoint")
    assert register(context, rv.S0) == 99
    assert bench.faults == [(DATA, WRITE)]


def test_an_answer_that_does_not_permit_the_access_is_a_refusal(bench):
    bench.load(rv.sd(rv.A1, rv.A0))
    bench.supply = lambda addr, access: bench.map(addr, READ) | READ
    context = bench.context(a0=DATA + 16)
    assert bench.finish(context) == PageFault(DATA + 16, WRITE)


def test_kernel_bits_of_an_entry_are_ignored(bench):
    frame = bench.load(rv.ld(rv.S0, rv.A0), rv.EBREAK)
    bench.table[CODE >> 12] = frame | READ | EXEC | 0xFF8
    frame = bench.data()
    bench.poke(frame, (5).to_bytes(8, "little"))
    bench.table[DATA >> 12] |= 0xFF8
    context = bench.context(a0=DATA)
    assert bench.finish(context) == Fault("breakpoint")
    assert register(context, rv.S0) == 5


def test_frame_zero_is_a_frame(bench):
    bench.load(rv.sd(rv.A1, rv.A0), rv.EBREAK)
    bench.map(DATA, READ | WRITE, frame=0)
    assert bench.finish(bench.context(a0=DATA, a1=3)) == Fault("breakpoint")
    assert bench.word(0) == 3


def test_address_spaces_are_apart(bench):
    code = bench.load(rv.ld(rv.S0, rv.A0), rv.ECALL, rv.jump(-8))
    tables = []
    for number in (1, 2):
        frame = bench.frame()
        bench.poke(frame, number.to_bytes(8, "little"))
        tables.append({CODE >> 12: code | READ | EXEC, DATA >> 12: frame | READ | WRITE})
    contexts = [bench.context(a0=DATA) for _ in tables]
    for _ in range(3):
        for number, (table, context) in enumerate(zip(tables, contexts, strict=True), 1):
            bench.hart.use(table)
            assert bench.finish(context) is LEFT
            assert register(context, rv.S0) == number


@pytest.mark.parametrize("flush", ["flush_tlb", "flush_pages"])
def test_a_lost_page_is_noticed_after_a_flush(bench, flush):
    bench.load(rv.ld(rv.S0, rv.A0), rv.ECALL, rv.jump(-8))
    bench.data()
    context = bench.context(a0=DATA)

    def unmap(registers):
        bench.table.pop(DATA >> 12, None)
        getattr(bench.hart, flush)(*[[DATA >> 12]] * (flush == "flush_pages"))
        return DATA

    bench.answer = unmap
    assert bench.finish(context) == PageFault(DATA, READ)
    assert len(bench.calls) == 1


class Oops(BaseException):
    pass


def test_what_the_kernel_raises_comes_out(bench):
    bench.load(rv.ECALL, rv.ld(rv.S0, rv.A0), rv.EBREAK)
    context = bench.context(a0=DATA)

    def broken(*_):
        raise Oops

    bench.answer = broken
    with pytest.raises(Oops):
        bench.finish(context)
    bench.answer = lambda registers: DATA
    bench.supply = broken
    context.pc = CODE
    with pytest.raises(Oops):
        bench.finish(context)
    bench.supply = lambda addr, access: bench.map(addr, READ) | READ
    assert bench.finish(context) == Fault("breakpoint")


def test_x0_stays_zero(bench):
    bench.load(rv.add(rv.S0, rv.ZERO, rv.ZERO), rv.EBREAK)
    context = bench.context(s0=1)
    bench.finish(context)
    assert register(context, rv.S0) == 0


def test_wrong_context_and_arch(bench):
    with pytest.raises(TypeError):
        bench.hart.run(object())
    with pytest.raises(ValueError, match="loongarch64"):
        UnicornHart(HostRam(PAGE_SIZE), "loongarch64")


def test_harts_live_side_by_side():
    harts = [UnicornHart(HostRam(1 << 20)) for _ in range(2)]
    for number, hart in enumerate(harts):
        hart.ram.view[0:8] = rv.code(rv.addi(rv.S0, rv.ZERO, number), rv.EBREAK)
        hart.use({CODE >> 12: READ | EXEC})
    for number, hart in enumerate(harts):
        context = hart.new_context()
        context.pc = CODE
        while type(trap := hart.run(context)) is Interrupt:
            pass
        assert trap == Fault("breakpoint")
        hart.close()
        hart.close()
        assert register(context, rv.S0) == number  # registers outlive the CPU
