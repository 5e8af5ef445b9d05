"""What the verifier lets in never goes wrong, and does what Linux makes of it."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi import bpf as b
from starrylab.abi.errno import LinuxError
from starrylab.kernel.bpf.instructions import Instruction, encode
from starrylab.kernel.bpf.maps.base import Map
from starrylab.kernel.bpf.program import Program
from starrylab.kernel.bpf.verifier.refusal import Refused
from tests.kernel.bpf.assembly import Bench
from tests.kernel.bpf.random_programs import ARRAY, HASH, Generator
from tests.oracle import bpf as native

_PACKET = bytes(range(100, 164))
_ETHERNET = 14  #: bytes that BPF_PROG_TEST_RUN takes as a header
_KEY = b"\1\0\0\0"


def attempt(
    code: list[Instruction], which: list[int], **rights: bool
) -> tuple[Bench, list[Map], Program | None]:
    """Show a program to the verifier."""
    bench = Bench()
    maps = [bench.map(b.BPF_MAP_TYPE_HASH, 4, 16, 8), bench.map(b.BPF_MAP_TYPE_ARRAY, 4, 64, 4)]
    maps[HASH].update(_KEY, bytes(range(16)), 0)
    maps[ARRAY].update(_KEY, bytes(range(64)), 0)
    try:
        return bench, maps, bench.load(code, *(maps[w] for w in which), **rights)
    except Refused:
        return bench, maps, None


def execute(bench: Bench, program: Program) -> int:
    packet = _PACKET[_ETHERNET:]
    context = bytearray(192)
    context[:4] = len(packet).to_bytes(4, "little")
    context[16:18] = _PACKET[12:14]  # protocol
    return bench.interpreter.run(program, context, packet) & 0xFFFF_FFFF


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1 << 62), st.integers(1, 12))
def test_what_is_let_in_stays_inside_its_memory(seed, parts):
    """Any access outside a map, the stack or the context raises in the interpreter."""
    generator = Generator(Random(seed))
    code = generator.program(parts)
    bench, _, program = attempt(code, generator.maps)
    if program is not None:
        execute(bench, program)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(
            Instruction, st.integers(0, 255), st.integers(0, 11), st.integers(0, 11),
            st.integers(-4, 4), st.integers(-16, 200),
        ),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_any_bytes_are_refused_or_run(code):
    places = [n for n, i in enumerate(code) if i.is_wide and i.src not in (0, 4)]
    bench, _, program = attempt(code, [HASH] * len(places))
    if program is not None:
        execute(bench, program)


@pytest.mark.optional
@pytest.mark.skipif(not native.works(), reason="bpf(2) of this host is not for us")
@pytest.mark.parametrize("seed", range(8))
def test_linux_returns_the_same_and_leaves_the_same_in_maps(seed):
    generator = Generator(Random(seed))
    code = generator.program(10)
    # Without CAP_PERFMON no program may tell addresses, which differ.
    bench, maps, program = attempt(code, generator.maps, perfmon=False)
    if program is None or any(i.src == 6 or i.dst == 6 for i in code[1:]):
        return  # a context has more than this test knows
    fds = [native.create_map(1, 4, 16, 8), native.create_map(2, 4, 64, 4)]
    native.update(fds[HASH], _KEY, bytes(range(16)))
    native.update(fds[ARRAY], _KEY, bytes(range(64)))
    which = iter(generator.maps)
    there = [i._replace(imm=fds[next(which)]) if i.is_wide and i.src == 1 else i for i in code]
    fd, _ = native.load(encode(there))
    try:
        if fd < 0:
            return  # this verifier knows more of constants
        assert execute(bench, program) == native.run(fd, _PACKET)
        for ours, theirs, size in zip(maps, fds, (16, 64), strict=True):
            for key in (_KEY, bytes(4), b"\2\0\0\0"):
                found = native.lookup(theirs, key, size)
                assert _value(ours, key) == (found if isinstance(found, bytes) else None)
    finally:
        for number in (*fds, fd):
            if number >= 0:
                os.close(number)


def _value(found: Map, key: bytes) -> bytes | None:
    try:
        return found.value(key)
    except LinuxError:
        return None
