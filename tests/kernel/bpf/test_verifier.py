"""Programs that the verifier has to let in, and ones that it must not."""

from __future__ import annotations

import pytest

from starrylab.abi import bpf as b
from starrylab.kernel.bpf.verifier import walk
from tests.kernel.bpf.assembly import (
    EXIT,
    Bench,
    I,
    alu,
    alur,
    call,
    e,
    goto,
    invoke,
    jmp,
    jmpr,
    ldx,
    map_fd,
    mov,
    movr,
    st,
    stx,
    wide,
)  # fmt: skip

TRACEPOINT = b.BPF_PROG_TYPE_TRACEPOINT


def function(dst: int, off: int) -> list[I]:
    return wide(dst, off & 0xFFFF_FFFF, e.PSEUDO_FUNC)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_loop_that_a_helper_does(bench) -> None:
    """bpf_loop(): each turn adds its number to what lies on the caller's stack."""
    code = [
        st(10, -8, 0), mov(1, 100), *function(2, 7), movr(3, 10), alu(e.ADD, 3, -8), mov(4, 0),
        call("loop"), ldx(0, 10, -8), EXIT,
        ldx(0, 2, 0), alur(e.ADD, 0, 1), stx(2, 0, 0), mov(0, 0), EXIT,
    ]  # fmt: skip
    assert bench.run(code) == 4950
    code[-2] = mov(0, 1)  # "no more"
    assert bench.run(code) == 0
    code[-2] = mov(0, 2)
    assert "should be in [0, 1]" in bench.refusal(code)


def test_what_a_loop_has_changed_is_not_known_afterwards(bench) -> None:
    """The offset is in range before the loop only."""
    found = bench.map(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)
    code = [
        st(10, -8, 0), mov(1, 100), *function(2, 19), movr(3, 10), alu(e.ADD, 3, -8), mov(4, 0),
        call("loop"), st(10, -12, 0, e.W), movr(2, 10), alu(e.ADD, 2, -12), *map_fd(1),
        call("map_lookup_elem"), jmp(e.JEQ, 0, 0, 4), ldx(1, 10, -8), alur(e.ADD, 0, 1),
        ldx(0, 0, 0, e.B), goto(0), mov(0, 0), EXIT,
        ldx(0, 2, 0), alu(e.ADD, 0, 1), stx(2, 0, 0), mov(0, 0), EXIT,
    ]  # fmt: skip
    starts = [n for n, i in enumerate(code) if i == EXIT]
    place = next(n for n, i in enumerate(code) if i.is_wide and i.src == e.PSEUDO_FUNC)
    code[place] = code[place]._replace(imm=starts[0] + 1 - place - 1)
    assert "unbounded min" in bench.refusal(code, found)


def test_each_element_of_a_map(bench) -> None:
    found = bench.map(b.BPF_MAP_TYPE_HASH, 4, 8, 8)
    for number in range(5):
        found.update(number.to_bytes(4, "little"), (number * 10).to_bytes(8, "little"), 0)
    code = [
        st(10, -8, 0), *map_fd(1), *function(2, 7), movr(3, 10), alu(e.ADD, 3, -8), mov(4, 0),
        call("for_each_map_elem"), ldx(0, 10, -8), EXIT,
        ldx(1, 2, 0, e.W), ldx(3, 3, 0), ldx(0, 4, 0), alur(e.ADD, 0, 1), alur(e.ADD, 0, 3),
        stx(4, 0, 0), mov(0, 0), EXIT,
    ]  # fmt: skip
    assert bench.run(code, found) == 110
    code[12] = ldx(1, 2, 4, e.W)  # beyond the key
    assert "map key" in bench.refusal(code, found)


REFUSED = {
    "a pointer that may be null": (
        [*map_fd(1), st(10, -4, 0, e.W), movr(2, 10), alu(e.ADD, 2, -4), call("map_lookup_elem"),
         ldx(0, 0, 0), EXIT], "map_value_or_null"),
    "a null check of another lookup": (
        [st(10, -4, 0, e.W), movr(2, 10), alu(e.ADD, 2, -4), *map_fd(1), call("map_lookup_elem"),
         movr(6, 0), movr(2, 10), alu(e.ADD, 2, -4), *map_fd(1), call("map_lookup_elem"),
         jmp(e.JEQ, 0, 0, 1), ldx(0, 6, 0), mov(0, 0), EXIT], "map_value_or_null"),
    "one byte beyond a value": (
        [st(10, -4, 0, e.W), movr(2, 10), alu(e.ADD, 2, -4), *map_fd(1), call("map_lookup_elem"),
         jmp(e.JEQ, 0, 0, 1), ldx(0, 0, 9, e.B), mov(0, 0), EXIT], "value_size=8"),
    "a signed comparison that lets negative numbers pass": (
        [movr(6, 1), st(10, -4, 0, e.W), movr(2, 10), alu(e.ADD, 2, -4), *map_fd(1),
         call("map_lookup_elem"), jmp(e.JEQ, 0, 0, 4), ldx(1, 0, 0),
         jmp(e.JSGT, 1, 7, 2), alur(e.ADD, 0, 1), ldx(0, 0, 0, e.B), mov(0, 0), EXIT],
        "unbounded min"),
    "a register of before a call": ([mov(3, 1), call("ktime_get_ns"), movr(0, 3), EXIT], "R3"),
    "what the callee has on its stack": (
        [invoke(1), EXIT, movr(0, 10), EXIT], "stack pointer"),
    "32 bits of pointers in arithmetic": (
        [movr(0, 10), alu(e.ADD, 0, 1, e.ALU), EXIT], "32-bit pointer"),
    "an address at a distance that nobody knows": (
        [movr(6, 10), ldx(1, 1, 0, e.W), alur(e.SUB, 6, 1), mov(0, 0), EXIT], "stack pointer"),
    "a part of a pointer": (
        [stx(10, 10, -8), ldx(0, 10, -8, e.W), EXIT], "fill"),
    "too much stack in all": (
        [st(10, -512, 0), invoke(1), EXIT, st(10, -8, 0), mov(0, 0), EXIT], "combined stack"),
    "packets in a tracepoint": (
        [movr(6, 1), I(e.LD | e.ABS | e.W, 0, 0, 0, 0), EXIT], "not allowed for this program"),
    "the first 8 bytes of a trace event": ([ldx(0, 1, 0), EXIT], "invalid bpf_context access"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(bench, name) -> None:
    code, text = REFUSED[name]
    maps = [bench.map(b.BPF_MAP_TYPE_ARRAY, 4, 8, 2) for i in code if i.is_wide]
    kind = TRACEPOINT if "trace" in name else b.BPF_PROG_TYPE_SOCKET_FILTER
    assert text in bench.refusal(code, *maps[:1] * len(maps), kind=kind)


def test_ways_that_meet_are_followed_once(bench) -> None:
    """Twenty decisions in a row are a million ways, and no more than some hundred steps."""
    code = [movr(6, 1), mov(0, 0)]
    for _ in range(20):
        code += [ldx(1, 6, 0, e.W), jmp(e.JGT, 1, 5, 1), mov(2, 1), mov(2, 0)]
    program = bench.load([*code, EXIT])
    assert program.verified < 500


def test_a_number_is_known_through_its_copies(bench) -> None:
    found = bench.map(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)
    code = [
        ldx(7, 1, 0, e.W), st(10, -4, 0, e.W), movr(2, 10), alu(e.ADD, 2, -4), *map_fd(1),
        call("map_lookup_elem"), jmp(e.JEQ, 0, 0, 4), movr(3, 7), jmp(e.JGT, 3, 7, 2),
        alur(e.ADD, 0, 7), ldx(0, 0, 0, e.B), mov(0, 5), EXIT,
    ]  # fmt: skip
    assert bench.run(code, found) == 5


def test_values_that_nobody_can_change_are_known(bench) -> None:
    """.rodata: a branch that is never taken may be wrong."""
    found = bench.map(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1, flags=b.BPF_F_RDONLY_PROG)
    code = [*wide(1, 0, e.PSEUDO_MAP_VALUE), ldx(1, 1, 0), jmp(e.JEQ, 1, 0, 1), ldx(0, 9, 0),
            mov(0, 6), EXIT]  # fmt: skip
    assert "R9" in bench.refusal(code, found)
    found.frozen = True
    assert bench.run(code, found) == 6


def test_a_loop_without_an_end(bench, monkeypatch) -> None:
    monkeypatch.setattr(walk, "COMPLEXITY_LIMIT", 5000)
    assert "infinite loop" in bench.refusal([mov(0, 0), mov(1, 0), jmp(e.JEQ, 1, 0, -2), EXIT])
    endless = [mov(0, 0), alu(e.ADD, 0, 1), jmpr(e.JNE, 0, 10, -2), EXIT]
    assert "too large" in bench.refusal(endless)


def test_a_program_of_the_wrong_licence(bench) -> None:
    code = [movr(2, 10), movr(1, 10), alu(e.ADD, 1, -8), mov(2, 8), mov(3, 0),
            call("probe_read_kernel"), mov(0, 0), EXIT]  # fmt: skip
    assert "GPL" in bench.refusal(code, gpl=False)
    assert "cannot use helper" in bench.refusal(code, perfmon=False)


def test_a_place_on_the_stack_that_is_not_known(bench) -> None:
    """An array on the stack: a store may have hit each element, so none is known."""
    code = [
        ldx(7, 1, 0, e.W), alu(e.AND, 7, 7), st(10, -8, 0), movr(2, 10), alu(e.ADD, 2, -8),
        alur(e.ADD, 2, 7), st(2, 0, 5, e.B), ldx(0, 2, 0, e.B), EXIT,
    ]  # fmt: skip
    assert bench.run(code) == 5
    code[-2] = ldx(0, 10, -8, e.B)
    code.insert(-1, jmp(e.JEQ, 0, 0, 1))
    code.insert(-1, ldx(0, 9, 0))
    assert "R9" in bench.refusal(code)
    code[1] = alu(e.AND, 7, 15)
    assert "variable-offset" in bench.refusal(code)


def test_a_number_that_decides_nothing_does_not_multiply_ways(bench) -> None:
    """Thirty times something is counted, or not: that is no billion of ways."""
    code = [movr(6, 1), mov(7, 0)]
    for _ in range(30):
        code += [ldx(1, 6, 0, e.W), jmp(e.JGT, 1, 5, 1), alu(e.ADD, 7, 1)]
    assert bench.load([*code, movr(0, 7), EXIT]).verified < 1000


def test_a_number_that_is_added_to_a_pointer_decides(bench) -> None:
    """Both ways meet with other numbers, and only one of them is too large."""
    found = bench.map(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)
    code = [
        movr(6, 1), st(10, -4, 0, e.W), movr(2, 10), alu(e.ADD, 2, -4), *map_fd(1),
        call("map_lookup_elem"), jmp(e.JNE, 0, 0, 1), EXIT, ldx(1, 6, 0, e.W), mov(7, 100),
        jmp(e.JGT, 1, 5, 1), mov(7, 0), mov(1, 0), mov(2, 0), mov(3, 0), mov(4, 0),
        jmp(e.JEQ, 1, 0, 0), jmp(e.JEQ, 2, 0, 0), alur(e.ADD, 0, 7), ldx(0, 0, 0, e.B), EXIT,
    ]  # fmt: skip
    assert "outside" in bench.refusal(code, found)
    code[code.index(mov(7, 100))] = mov(7, 7)
    assert bench.run(code, found) == 0
