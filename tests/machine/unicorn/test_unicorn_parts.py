"""The parts of the hart by themselves, and the size of its TLB."""

from __future__ import annotations

import pytest
from unicorn import riscv_const, unicorn_const

from starrylab.machine.api import EXEC, LEFT, READ, WRITE, Hart
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import EngineError, UnicornHart, context, decode, engine
from tests.machine.unicorn import riscv_assembler as rv
from tests.machine.unicorn.riscv_bench import CODE, DATA, Bench

PAGE_SIZE = 4096


@pytest.mark.parametrize("name", ["X0", "FFLAGS", "FRM", "MSTATUS", "F0", "PC", "PRIV"])
def test_register_numbers(name):
    assert getattr(engine, f"REG_{name}") == getattr(riscv_const, f"UC_RISCV_REG_{name}")


def test_other_numbers():
    ours = (
        engine.ARCH_RISCV,
        engine.MODE_RISCV64,
        engine.HOOK_INTR,
        engine.HOOK_TLB_FILL,
        engine.ERR_INSN_INVALID,
        engine.ACCESS_READ,
        engine.ACCESS_WRITE,
        engine.ACCESS_FETCH,
    )
    names = "ARCH_RISCV MODE_RISCV64 HOOK_INTR HOOK_TLB_FILL ERR_INSN_INVALID MEM_READ MEM_WRITE"
    theirs = [getattr(unicorn_const, f"UC_{name}") for name in [*names.split(), "MEM_FETCH"]]
    assert list(ours) == theirs
    permissions = engine.PROT_READ, engine.PROT_WRITE, engine.PROT_EXEC
    assert permissions == (READ, WRITE, EXEC)


def test_flags_translate_both_ways():
    for flags in range(32):
        soft = context.FLAGS_TO_SOFTFLOAT[flags]
        assert context.SOFTFLOAT_TO_FLAGS[soft] == flags
        assert context.SOFTFLOAT_TO_FLAGS[soft | 0x40] == flags  # a denormal input: no flag


def test_a_missing_library_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("LIBUNICORN_PATH", str(tmp_path))
    with pytest.raises(EngineError, match="installed"):
        UnicornHart(HostRam(PAGE_SIZE))


@pytest.mark.parametrize(
    ("instruction", "offset"),
    [
        (rv.ld(5, rv.S0, 2047), 2047),
        (rv.ld(5, rv.S0, -2048), -2048),
        (rv.sd(5, rv.S0, 2047), 2047),
        (rv.sd(5, rv.S0, -2048), -2048),
        (rv.sc_d(5, 6, rv.S0), 0),
        (0x7C7C, 248),  # c.ld a5,248(s0)
        (0x5C7C, 124),  # c.lw a5,124(s0)
        (0xFC7C, 248),  # c.sd a5,248(s0)
        (0x3C7C, 248),  # c.fld fa5,248(s0)
    ],
)
def test_data_addresses(instruction, offset):
    registers = [0] * 32
    registers[rv.S0] = 0x10_0000
    assert decode.data_address(instruction, registers) == 0x10_0000 + offset


@pytest.mark.parametrize(
    ("instruction", "offset"),
    [(0x77FE, 504), (0x57FE, 252), (0xFFBE, 504), (0xDFBE, 252), (0x37FE, 504), (0xBFBE, 504)],
)
def test_data_addresses_from_the_stack_pointer(instruction, offset):
    registers = [0] * 32
    registers[rv.SP] = 0x20_0000
    assert decode.data_address(instruction, registers) == 0x20_0000 + offset


@pytest.mark.parametrize("instruction", [rv.add(1, 2, 3), rv.ECALL, 0x0001, 0x9002, 0x4501])
def test_what_accesses_nothing(instruction):
    assert decode.data_address(instruction, [0] * 32) is None
    assert not decode.is_atomic_store(instruction)


def test_addresses_wrap_around():
    assert decode.data_address(rv.ld(5, rv.S0, -8), [0] * 32) == (1 << 64) - 8


class TouchBench(Bench):
    """Touches many pages over and over, and counts TLB misses."""

    def __init__(self, hart, n_pages):
        super().__init__(hart)
        self.n_pages = n_pages
        loop = (
            rv.ld(rv.T0, rv.A0),
            rv.add(rv.A0, rv.A0, rv.A2),
            rv.addi(rv.A1, rv.A1, -1),
            rv.bne(rv.A1, rv.ZERO, -12),
            rv.ECALL,
        )
        self.load(*loop)
        for i in range(n_pages):
            self.map(DATA + i * PAGE_SIZE, READ | WRITE, 0x10_0000)

    def misses(self):
        before = self.hart.tlb.misses()
        program = self.context(CODE, a0=DATA, a1=self.n_pages, a2=PAGE_SIZE)
        assert self.finish(program) is LEFT
        return self.hart.tlb.misses() - before


def test_the_tlb_is_large_from_the_start():
    hart: Hart = UnicornHart(HostRam(4 << 20))
    bench = TouchBench(hart, 900)
    assert bench.misses() >= 900
    assert bench.misses() < 50
    hart.close()


@pytest.mark.parametrize(("forgotten", "misses"), [(1, 1), (3, 3), (16, 16), (17, 101)])
def test_single_pages_are_forgotten(forgotten, misses):
    hart = UnicornHart(HostRam(4 << 20))
    bench = TouchBench(hart, 100)
    bench.misses()
    assert bench.misses() == 0
    hart.flush_pages([(DATA >> 12) + 5 * i for i in range(forgotten)])
    assert bench.misses() == misses  # one of code when all are forgotten
    hart.close()


def test_what_forgets_no_page_is_not_used(monkeypatch):
    monkeypatch.setattr(engine.Engine, "page_flusher", lambda *_: lambda _: None)
    hart = UnicornHart(HostRam(4 << 20))
    bench = TouchBench(hart, 100)
    bench.misses()
    hart.flush_pages([DATA >> 12])
    assert bench.misses() == 101
    hart.close()


def test_the_tlb_grows_when_it_is_crowded():
    hart = UnicornHart(HostRam(4 << 20))
    bench = TouchBench(hart, 3500)
    hart.set_tick(1_000_000)
    passes = [bench.misses() for _ in range(300)]
    assert passes[0] >= 3500
    assert min(passes) < 200
    hart.close()


def test_a_closed_hart_runs_nothing():
    hart = UnicornHart(HostRam(4 << 20))
    context = hart.new_context()
    context.pc = 77
    hart.close()
    hart.flush_tlb()
    hart.code_changed(0)
    hart.interrupt()
    with pytest.raises(RuntimeError, match="closed"):
        hart.run(context)
    assert context.pc == 77


def test_a_hart_without_a_kernel_says_so():
    hart = UnicornHart(HostRam(4 << 20))
    hart.ram.view[:4] = rv.code(rv.ECALL)
    hart.use({CODE >> 12: READ | EXEC})
    context = hart.new_context()
    context.pc = CODE
    with pytest.raises(RuntimeError, match="bind"):
        hart.run(context)
    hart.close()
