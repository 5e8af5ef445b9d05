"""Debug information with damage: every frame still has an answer, or an error of one line."""

from __future__ import annotations

import random
from contextlib import suppress
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.debug.dwarf.describe import describe
from starrylab.debug.dwarf.errors import PROBLEMS
from starrylab.debug.dwarf.format import show
from starrylab.debug.dwarf.frame import FrameState
from starrylab.debug.dwarf.module import DebugData, ModuleData
from starrylab.debug.dwarf.shapes import children
from starrylab.debug.dwarf.variables import variables
from starrylab.debug.symbols.image import ElfImage

from .stopped import compiled

SECTIONS = [".debug_info", ".debug_abbrev", ".debug_loclists", ".debug_loc", ".debug_addr",
            ".debug_str_offsets", ".debug_rnglists"]  # fmt: skip
FLAGS = [("types.c", "-O0"), ("types.c", "-O2"), ("inlined.c", "-O2"), ("types.c", "-gdwarf-4")]


class Noise:
    """Memory with something everywhere."""

    def read(self, address: int, size: int) -> bytes:
        return random.Random(address).randbytes(size)

    def write(self, address: int, data: bytes) -> None:
        raise AssertionError


@cache
def healthy(which: int) -> tuple[bytes, tuple[tuple[int, int], ...], tuple[int, ...]]:
    """Return a program, where its debug sections are, and addresses in its functions."""
    name, *flags = FLAGS[which]
    data = compiled(name, *flags).read_bytes()
    image = ElfImage.from_bytes(data, name)
    table = [image.section_table.get(section) for section in SECTIONS]
    places = tuple((s.offset, min(s.size, 3000)) for s in table if s is not None and s.size)
    ranges = DebugData(image).functions._ranges[1]
    middles = tuple((start + end) // 2 & ~1 for start, end, _ in ranges[:40])
    return data, places, middles


DAMAGE = st.lists(
    st.tuples(st.integers(0, 6), st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=20
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(FLAGS) - 1), DAMAGE)
def test_damage_does_no_harm(which: int, damage: list[tuple[int, float, int]]) -> None:
    data, places, addresses = healthy(which)
    broken = bytearray(data)
    for section, where, byte in damage:
        offset, size = places[section % len(places)]
        broken[offset + int(where * size)] = byte
    module = ModuleData(DebugData(ElfImage.from_bytes(broken, "broken")), 0)
    for pc in addresses[::4]:
        frame = FrameState(pc, pc, dict.fromkeys(range(64), 0x4000), Noise(), 0x5000)
        with suppress(*PROBLEMS):
            for depth in range(len(module.levels(frame))):
                for variable in variables(module, frame, depth):
                    assert "\n" not in show(variable.value)
                    children(variable.value)
                    describe(variable.value.type, module, offsets=True)
    with suppress(*PROBLEMS):
        list(module.types_named("node_t"))
