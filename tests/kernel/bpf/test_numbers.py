"""What the verifier knows of numbers always contains what they are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi import ebpf as e
from starrylab.kernel.bpf.compile import _SIGNED_TESTS, _TESTS, Compiler
from starrylab.kernel.bpf.instructions import Instruction
from starrylab.kernel.bpf.verifier import arithmetic, compare, scalar, tnum
from starrylab.kernel.bpf.verifier.scalar import M32, M64, Scalar, signed, signed32

_EDGES = [0, 1, 2, 7, 8, 31, 32, 63, 64, 255, 256, M32, M32 + 1, 1 << 31, (1 << 31) - 1, M64,
          1 << 63, (1 << 63) - 1, M64 - 7]  # fmt: skip
words = st.one_of(st.sampled_from(_EDGES), st.integers(0, M64), st.integers(0, 300))


@st.composite
def sets(draw):
    """A number, and a set that contains it."""
    member = draw(words)
    others = [member, *draw(st.lists(words, max_size=3))]
    mask = 0
    for other in others:
        mask |= member ^ other
    low, high = min(others), max(others)
    slow, shigh = min(map(signed, others)), max(map(signed, others))
    halves = [other & M32 for other in others]
    parts = {
        "bits": (member & ~mask, mask), "low": low, "high": high, "slow": slow, "shigh": shigh,
        "wlow": min(halves), "whigh": max(halves),
    }  # fmt: skip
    chosen = draw(st.lists(st.sampled_from(sorted(parts)), unique=True))
    return member, scalar.narrowed(**{name: parts[name] for name in chosen})


def contains(s: Scalar, number: int) -> bool:
    return (
        not (number ^ s.value) & ~s.mask & M64
        and s.low <= number <= s.high
        and s.slow <= signed(number) <= s.shigh
        and s.wlow <= number & M32 <= s.whigh
    )


def run(i: Instruction, left: int, right: int) -> int:
    registers = [left, right, *[0] * 9]
    Compiler([i], {}, {}, {}).compile()[0](None, registers)
    return registers[0]


@settings(max_examples=300, deadline=None)
@given(sets(), sets(), st.sampled_from([*arithmetic.OPERATIONS, e.MOV]), st.booleans(),
       st.booleans(), st.integers(-(1 << 31), (1 << 31) - 1), st.booleans())  # fmt: skip
def test_results_are_contained(a, c, op, wide, is_signed, imm, by_register):
    off = int(is_signed and op in (e.DIV, e.MOD))
    kind = e.ALU64 if wide else e.ALU
    width = 64 if wide else 32
    if op in (e.LSH, e.RSH, e.ARSH):
        imm %= width
    i = Instruction(kind | op | (e.X if by_register else e.K), 0, 1, off, imm)
    result = run(i, a[0], c[0])
    right = c[1] if by_register else scalar.known(imm)
    if op == e.MOV:
        found = right if wide else scalar.low_half(right)
    else:
        found = arithmetic.calculate(op, a[1], right, width, is_signed=bool(off))
    assert contains(found, result)


@settings(max_examples=200, deadline=None)
@given(sets(), st.sampled_from((1, 2, 4)), st.sampled_from((16, 32, 64)), st.booleans())
def test_other_forms_of_a_number_are_contained(a, size, bits, swaps):
    number, known = a
    assert contains(scalar.low_half(known), number & M32)
    top = 1 << 8 * size - 1
    assert contains(scalar.extended(known, size), (number & 2 * top - 1 ^ top) - top & M64)
    code = e.ALU | e.END | (e.TO_BE if swaps else e.TO_LE)
    swapped = run(Instruction(code, 0, 0, 0, bits), number, 0)
    assert contains(arithmetic.swap(known, bits, swaps=swaps), swapped)
    for wide in (False, True):
        negated = run(Instruction((e.ALU64 if wide else e.ALU) | e.NEG, 0, 0, 0, 0), number, 0)
        assert contains(arithmetic.negate(known, 64 if wide else 32), negated)


@settings(max_examples=300, deadline=None)
@given(sets(), sets(), st.sampled_from(sorted(compare.JUMPS)), st.booleans())
def test_what_a_jump_says_is_true(a, c, op, wide):
    left, right = (a[0], c[0]) if wide else (a[0] & M32, c[0] & M32)
    if op in _SIGNED_TESTS:
        as_signed = signed if wide else signed32
        taken = bool(_SIGNED_TESTS[op](as_signed(left), as_signed(right)))
    else:
        taken = bool(_TESTS[op](left, right))
    found = compare.refined(op, a[1], c[1], 64 if wide else 32, taken=taken)
    assert found is not None
    assert contains(found[0], a[0])
    assert contains(found[1], c[0])


@given(st.integers(0, M64), st.integers(0, M64))
def test_a_range_spans_its_ends(one, other):
    low, high = sorted((one, other))
    value, mask = tnum.spanning(low, high)
    for number in (low, high, (low + high) // 2):
        assert number & ~mask == value


def test_division_by_zero_gives_zero_and_the_remainder_stays():
    assert arithmetic.divide(-7, 2) == -3
    assert arithmetic.remainder(-7, 2) == -1
    assert arithmetic.divide(5, 0) == 0
    assert arithmetic.remainder(5, 0) == 5
