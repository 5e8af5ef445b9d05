"""Walks over stacks made by hand: where they end, and that they always do."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.arch import RISCV64
from starrylab.abi.arch.unwinding import UNWINDING
from starrylab.debug.symbols.go_table import GoFrame
from starrylab.debug.unwind.cfi import FrameSection
from starrylab.debug.unwind.rows import row_at
from starrylab.debug.unwind.tables import Found
from starrylab.debug.unwind.unwinder import RawFrame, Unwinder

from .frame_writer import Function, advance, cfa_offset, def_cfa, eh_frame, saved

CODE, STACK = 0x1_0000, 0x7_0000
CALL = bytes.fromhex("ef000000")  # jal ra,.
TRAMPOLINE = 0x3_F000


@dataclass
class Memory:
    """Sparse bytes; whole 8-byte words at a time."""

    words: dict[int, int] = field(default_factory=dict)
    blocks: dict[int, bytes] = field(default_factory=dict)

    def word(self, addr: int) -> int | None:
        return self.words.get(addr)

    def read(self, addr: int, size: int) -> bytes:
        for start, data in self.blocks.items():
            if start <= addr < start + len(data):
                return data[addr - start : addr - start + size]
        out = b""
        while len(out) < size and (addr + len(out)) in self.words:
            out += self.words[addr + len(out)].to_bytes(8, "little")
        return out[:size]


@dataclass
class Code:
    section: FrameSection | None = None
    low: int = CODE
    high: int = CODE + 0x8000
    starts: tuple[int, ...] = ()
    stubs: range = range(0)
    entry: range = range(0)
    go: dict[int, GoFrame] = field(default_factory=dict)  #: by the address that is looked up

    def executable(self, addr: int) -> bool:
        return self.low <= addr < self.high

    def rules(self, addr: int) -> Found | None:
        fde = self.section.find(addr) if self.section is not None else None
        if fde is None:
            return None
        cie = fde.cie
        return Found(row_at(fde, addr), addr - fde.start, cie.return_register, cie.signal_frame)

    def go_frame(self, addr: int) -> GoFrame | None:
        return self.go.get(addr)

    def function_start(self, addr: int) -> int | None:
        return max((start for start in self.starts if start <= addr), default=None)

    def together(self, first: int, second: int) -> bool:
        return first >> 12 == second >> 12

    def is_stub(self, addr: int) -> bool:
        return addr in self.stubs

    def is_entry(self, addr: int) -> bool:
        return addr in self.entry


def registers(**values: int) -> bytes:
    return struct.pack("<32Q", *(values.get(name, 0) for name in RISCV64.general))


def walk(memory: Memory, code: Code, limit: int = 100, **values: int) -> list[RawFrame]:
    unwinder = Unwinder(UNWINDING["riscv64"], RISCV64, code, memory)
    return unwinder.walk(registers(**values), bytes(264), limit)


def pcs(frames: list[RawFrame]) -> list[int]:
    return [frame.pc for frame in frames]


def text(size: int = 0x8000) -> bytes:
    """Code in which every address follows a call."""
    return CALL * (size // 4)


FRAME = cfa_offset(32) + saved(1, 1) + saved(8, 2)


def with_rules(*functions: Function) -> Code:
    return Code(FrameSection(eh_frame(0, functions), 0, eh=True))


def test_rules_lead_from_frame_to_frame() -> None:
    code = with_rules(Function(CODE, 64, FRAME), Function(CODE + 64, 64, FRAME))
    memory = Memory({STACK + 24: CODE + 100, STACK + 16: 0xABC, STACK + 56: 0})
    frames = walk(memory, code, pc=CODE + 8, sp=STACK, s0=1)
    assert pcs(frames) == [CODE + 8, CODE + 100]
    assert [frame.lookup for frame in frames] == [CODE + 8, CODE + 99]
    assert [frame.cfa for frame in frames] == [STACK + 32, STACK + 64]
    assert frames[1].registers[8] == 0xABC
    assert frames[1].reason == ""


def test_a_return_address_marked_undefined_is_the_bottom() -> None:
    code = with_rules(Function(CODE, 64, b"\x07\x01"))
    frames = walk(Memory(), code, pc=CODE, sp=STACK, ra=CODE + 8)
    assert [(frame.pc, frame.reason, frame.cfa) for frame in frames] == [(CODE, "", STACK)]


def test_a_leaf_uses_the_register() -> None:
    code = with_rules(Function(CODE, 32), Function(CODE + 32, 32, b"\x07\x01"))
    assert pcs(walk(Memory(), code, pc=CODE, sp=STACK, ra=CODE + 40)) == [CODE, CODE + 40]


def test_a_call_of_address_zero_shows_the_caller() -> None:
    code = with_rules(Function(CODE, 64, b"\x07\x01"))
    frames = walk(Memory(), code, pc=0, sp=STACK, ra=CODE + 8)
    assert pcs(frames) == [0, CODE + 8]
    assert frames[0].how == "call of a bad address"


def test_a_call_of_a_bad_address_without_return_address() -> None:
    frames = walk(Memory(), Code(), pc=0x10, sp=STACK, ra=0x20)
    assert pcs(frames) == [0x10]
    assert "no return address" in frames[0].reason


def test_a_linkage_stub_has_no_frame_even_with_a_frame_pointer() -> None:
    code = with_rules(Function(CODE, 64, b"\x07\x01"))
    code.stubs = range(CODE + 0x100, CODE + 0x110)
    memory = Memory({STACK + 48: 1, STACK + 56: CODE + 4}, {CODE: text()})
    frames = walk(memory, code, pc=CODE + 0x100, sp=STACK, s0=STACK + 64, ra=CODE + 8)
    assert pcs(frames) == [CODE + 0x100, CODE + 8]
    assert frames[0].how == "linkage stub"


def test_frame_records_where_nothing_else_is_known() -> None:
    memory = Memory(
        {STACK + 16: STACK + 96, STACK + 24: CODE + 8, STACK + 80: 0, STACK + 88: 0}, {CODE: text()}
    )
    frames = walk(memory, Code(), pc=CODE + 0x100, sp=STACK, s0=STACK + 32)
    assert pcs(frames) == [CODE + 0x100, CODE + 8]
    assert [frame.how for frame in frames] == ["frame pointer", "frame pointer"]


def test_unknown_code_that_was_just_called() -> None:
    code = with_rules(Function(CODE, 64, b"\x07\x01"))
    memory = Memory({STACK + 16: STACK + 96, STACK + 24: CODE + 40}, {CODE: text()})
    for unknown, how in ((CODE + 0x1000, "return address register"), (CODE + 80, "frame pointer")):
        frames = walk(memory, code, pc=unknown, sp=STACK, s0=STACK + 32, ra=CODE + 8)
        assert frames[0].how == how
        assert frames[1].pc == (CODE + 8 if how.startswith("return") else CODE + 40)


def test_a_record_that_no_call_left_is_not_believed() -> None:
    memory = Memory({STACK + 16: 0, STACK + 24: CODE + 8}, {CODE: bytes(0x8000)})
    frames = walk(memory, Code(), pc=CODE + 0x100, sp=STACK, s0=STACK + 32, ra=0)
    assert pcs(frames) == [CODE + 0x100]


def test_instructions_tell_in_the_middle_of_a_prologue() -> None:
    # addi sp,sp,-32; sd ra,24(sp); jal ra,. ...
    start = CODE + 0x200
    body = bytes.fromhex("0111 06ec") + CALL * 8
    memory = Memory({STACK + 24: CODE + 8}, {start: body, CODE: text(0x200)})
    code = with_rules(Function(CODE, 0x100, b"\x07\x01"))
    code.starts = (CODE, start)
    for offset, sp, ra in ((0, STACK + 32, CODE + 8), (2, STACK, CODE + 8), (8, STACK, start + 8)):
        frames = walk(memory, code, pc=start + offset, sp=sp, ra=ra)
        assert pcs(frames) == [start + offset, CODE + 8]
        assert frames[0].how == "instructions"
        assert frames[0].cfa == STACK + 32


def test_frames_of_go_begin_with_the_return_address() -> None:
    leaf, caller, first = (
        GoFrame(CODE, 0, is_first=False, moves_stack=False),
        GoFrame(CODE + 64, 48, is_first=False, moves_stack=False),
        GoFrame(CODE + 128, 0, is_first=True, moves_stack=False),
    )
    code = Code(go={CODE + 8: leaf, CODE + 79: caller, CODE + 139: first})
    memory = Memory({STACK: CODE + 140})
    frames = walk(memory, code, pc=CODE + 8, sp=STACK, ra=CODE + 80)
    assert pcs(frames) == [CODE + 8, CODE + 80, CODE + 140]
    assert [frame.cfa for frame in frames[:2]] == [STACK, STACK + 48]
    assert frames[-1].reason == ""
    code.go[CODE + 139] = GoFrame(CODE + 128, 16, is_first=False, moves_stack=True)
    assert "another stack" in walk(memory, code, pc=CODE + 8, sp=STACK, ra=CODE + 80)[-1].reason
    memory.words.clear()
    last = walk(memory, code, pc=CODE + 8, sp=STACK, ra=CODE + 80)[-1]
    assert (last.pc, last.reason) == (CODE + 80, "the return address cannot be read")


def test_the_entry_is_the_bottom() -> None:
    code = Code(entry=range(CODE, CODE + 32))
    memory = Memory(blocks={CODE: text()})
    assert pcs(walk(memory, code, pc=CODE + 4, sp=STACK, ra=CODE + 64)) == [CODE + 4]


def test_a_function_that_would_return_to_itself_is_the_bottom() -> None:
    code = with_rules(Function(CODE, 32), Function(CODE + 32, 32, FRAME))
    memory = Memory({STACK + 24: CODE + 8, STACK + 16: 0})
    frames = walk(memory, code, pc=CODE + 40, sp=STACK)
    assert pcs(frames) == [CODE + 40, CODE + 8]
    assert frames[-1].reason == ""


def test_rules_that_say_nothing_give_way_to_the_instructions() -> None:
    """As in glibc's _dl_runtime_resolve: the entry is there, and its rules were left out."""
    start = CODE + 0x200
    body = bytes.fromhex("0111 06ec") + CALL * 8  # addi sp,sp,-32; sd ra,24(sp); jal ra,. ...
    leaf = start + 0x100
    memory = Memory({STACK + 24: CODE + 8}, {start: body, CODE: text(0x200)})
    code = with_rules(
        Function(CODE, 0x100, b"\x07\x01"), Function(start, 0x40), Function(leaf, 0x40)
    )
    frames = walk(memory, code, pc=leaf, sp=STACK, ra=start + 8)
    assert pcs(frames) == [leaf, start + 8, CODE + 8]
    assert [frame.how for frame in frames[:2]] == ["call frame information", "instructions"]
    assert frames[1].cfa == STACK + 32


def signal_frame(pc: int, sp: int, signo: int = 11, reserved: int = 0) -> bytes:
    context = (registers(pc=pc, sp=sp, ra=CODE + 8), bytes(264), bytes([reserved] * 12))
    return RISCV64.frame.pack(struct.pack("<i", signo), 0, 0, 0, 0, 0, 0, *context)


def test_through_a_signal_frame_to_another_stack() -> None:
    code = with_rules(Function(CODE, 64, b"\x07\x01"), Function(CODE + 64, 64, FRAME))
    other = STACK - 0x5000
    memory = Memory(
        {STACK + 24: TRAMPOLINE, STACK + 16: 0},
        {TRAMPOLINE: RISCV64.trampoline, STACK + 32: signal_frame(CODE + 64, other)},
    )
    memory.words |= {other + 24: CODE + 8, other + 16: 0}
    frames = walk(memory, code, pc=CODE + 72, sp=STACK)
    assert pcs(frames) == [CODE + 72, TRAMPOLINE, CODE + 64, CODE + 8]
    assert frames[1].signal == 11
    assert frames[2].lookup == CODE + 64  # interrupted there: no call to step back to
    assert frames[2].cfa < frames[1].cfa


def test_a_handler_at_its_end() -> None:
    code = with_rules(Function(CODE, 64, b"\x07\x01"))
    memory = Memory(
        blocks={TRAMPOLINE: RISCV64.trampoline, STACK: signal_frame(CODE + 16, STACK + 4096)}
    )
    frames = walk(memory, code, pc=TRAMPOLINE + 4, sp=STACK)
    assert pcs(frames) == [TRAMPOLINE + 4, CODE + 16]


def test_a_spoilt_signal_frame_is_named() -> None:
    memory = Memory(
        blocks={TRAMPOLINE: RISCV64.trampoline, STACK: signal_frame(CODE, STACK, reserved=1)}
    )
    frames = walk(memory, Code(), pc=TRAMPOLINE, sp=STACK)
    assert "was overwritten" in frames[0].reason
    frames = walk(memory, Code(), pc=TRAMPOLINE, sp=STACK + 64)
    assert frames[0].reason == "the signal frame cannot be read"


def test_signal_frames_that_lead_to_each_other_end() -> None:
    memory = Memory(blocks={TRAMPOLINE: RISCV64.trampoline, STACK: signal_frame(TRAMPOLINE, STACK)})
    frames = walk(memory, Code(), pc=TRAMPOLINE, sp=STACK)
    assert len(frames) < 5
    assert frames[-1].reason == "corrupt stack: the same frame again"


def test_a_stack_that_goes_down_is_corrupt() -> None:
    code = with_rules(Function(CODE, 64, def_cfa(8, 0) + saved(1, 1) + saved(8, 2)))
    memory = Memory({STACK - 8: CODE + 4, STACK - 16: STACK - 64, STACK - 72: CODE + 12})
    memory.words[STACK - 80] = STACK
    frames = walk(memory, code, pc=CODE + 8, sp=STACK - 128, s0=STACK)
    assert frames[-1].reason == "corrupt stack: the caller's frame lies below"


def test_an_endless_recursion_is_cut() -> None:
    code = with_rules(Function(CODE, 64, FRAME))
    memory = Memory({STACK + 32 * n + 24: CODE + 4 + 8 * (n & 1) for n in range(1000)})
    frames = walk(memory, code, pc=CODE + 8, sp=STACK, limit=50)
    assert len(frames) == 50
    assert frames[-1].reason == "more than 50 frames"


def test_a_return_address_that_cannot_be_read() -> None:
    code = with_rules(Function(CODE, 64, FRAME))
    frames = walk(Memory(), code, pc=CODE + 8, sp=STACK)
    assert frames[0].reason == "the return address cannot be read"


def test_an_odd_return_address() -> None:
    code = with_rules(Function(CODE, 64, FRAME))
    frames = walk(Memory({STACK + 24: CODE + 5}), code, pc=CODE + 8, sp=STACK)
    assert frames[0].reason == f"corrupt stack: {CODE + 5:#x} is no return address"


def test_broken_rules_are_named() -> None:
    code = with_rules(Function(CODE, 64, b"\x3d"))
    frames = walk(Memory(), code, pc=CODE + 8, sp=STACK)
    assert frames[0].reason == "call frame information: call frame instruction 0x3d is not known"


# -- whatever is on the stack, a walk ends -------------------------------------------------------

values = st.one_of(
    st.integers(0, 64).map(lambda n: STACK + 8 * n),
    st.integers(0, 256).map(lambda n: CODE + 2 * n),
    st.integers(0, 3).map(lambda n: TRAMPOLINE + 4 * n),
    st.sampled_from([0, 1, (1 << 64) - 8, STACK + 4]),
)
programs = st.lists(
    st.one_of(
        st.builds(def_cfa, st.sampled_from([1, 2, 8, 40]), st.integers(0, 64)),
        st.builds(saved, st.sampled_from([1, 2, 8]), st.integers(0, 8)),
        st.builds(cfa_offset, st.integers(0, 128)),
        st.builds(advance, st.integers(0, 16)),
        st.binary(max_size=6),
    ),
    max_size=6,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(values, min_size=8, max_size=64),
    st.lists(programs, min_size=1, max_size=4),
    st.binary(max_size=256),
    st.tuples(values, values, values, values),
)
def test_random_stacks_and_rules_end_without_an_error(
    stack: list[int], functions: list[bytes], code_bytes: bytes, start: tuple[int, int, int, int]
) -> None:
    made = [Function(CODE + 128 * n, 128, program) for n, program in enumerate(functions)]
    code = with_rules(*made)
    code.starts = (CODE, CODE + 128, CODE + 200, CODE + 256)
    memory = Memory({STACK + 8 * n: value for n, value in enumerate(stack)})
    memory.blocks = {CODE: code_bytes, TRAMPOLINE: RISCV64.trampoline}
    pc, sp, ra, s0 = start
    frames = walk(memory, code, limit=64, pc=pc, sp=sp, ra=ra, s0=s0)
    assert 1 <= len(frames) <= 64
    assert not any(frame.reason for frame in frames[:-1])
    assert all("\n" not in frame.reason for frame in frames)
