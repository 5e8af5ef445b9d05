"""The signal frame and siginfo_t, byte by byte, against what C programs see."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.abi import signal as sig
from starrylab.abi.arch import ARCHES, BadRegisters
from starrylab.abi.arch.aarch64 import AARCH64
from starrylab.abi.arch.layout import MCONTEXT_OFFSET
from starrylab.abi.arch.loongarch64 import LOONGARCH64
from starrylab.abi.arch.riscv64 import RISCV64
from starrylab.abi.errno import EFAULT
from starrylab.kernel.signal import frame as frames
from starrylab.kernel.signal.actions import SignalAction
from starrylab.kernel.signal.deaths import DeathReport
from starrylab.kernel.signal.frame import (
    pop_frame,
    push_frame,
    register_words,
)
from starrylab.kernel.signal.info import SignalInfo, layout
from starrylab.kernel.signal.stack import NO_STACK, SignalStack
from starrylab.machine.scripted import ScriptedContext, ScriptedHart, ScriptedRam
from starrylab.userland import BuildError, compile_c
from tests.oracle import qemu

BASE = 0x10000
SIZE = 0x8000
TRAMPOLINE = 0x3F_0000_0000
HANDLER = 0x4_2420
FRAME_SIZE = RISCV64.frame.size


class Memory:
    """User memory from BASE on."""

    def __init__(self) -> None:
        self.data = bytearray(SIZE)

    def read(self, addr: int, size: int) -> bytes:
        if addr < BASE or addr + size > BASE + SIZE:
            raise EFAULT
        return bytes(self.data[addr - BASE : addr - BASE + size])

    def write(self, addr: int, data: bytes) -> None:
        if addr < BASE or addr + len(data) > BASE + SIZE:
            raise EFAULT
        self.data[addr - BASE : addr - BASE + len(data)] = data


@pytest.fixture
def context() -> ScriptedContext:
    made = ScriptedHart(ScriptedRam(1 << 16)).new_context()
    made.x = [0x1_0000_0000_0000_0000 - 7 * n & (1 << 64) - 1 for n in range(32)]
    made.x[0] = 0x1_2344
    made.sp = BASE + SIZE - 8
    made.fp_state = bytes(range(256)) + (0xE1).to_bytes(4, "little") + bytes(4)
    return made


def u64(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 8], "little")


@pytest.fixture(scope="module")
def c_layout() -> dict[str, list[int]]:
    """What a C program prints, run on another implementation of Linux's ABI."""
    source = Path(__file__).with_name("signal_layout.c")
    try:
        program = compile_c([source], "riscv64", flags=["-std=gnu11"])
        command = [qemu.interpreter(), str(program)]
    except (BuildError, qemu.Unavailable) as missing:
        pytest.skip(str(missing))
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    rows = (line.rsplit(" ", 2 if line.startswith("frame.signo") else 1)
            for line in output.stdout.splitlines())  # fmt: skip
    return {name: [int(number) for number in numbers] for name, *numbers in rows}


def test_offsets_of_the_frame(c_layout: dict[str, list[int]], context: ScriptedContext) -> None:
    """Every field lies where the C library's headers say."""

    def offset(name: str) -> int:
        return c_layout[name][0]

    memory = Memory()
    before = list(context.x)
    fp_state = context.fp_state
    stack = SignalStack(0x7000, sig.SS_ONSTACK, 0x2000)
    info = SignalInfo(12, sig.SI_QUEUE, 5, 6, value=0xABCD)
    action = SignalAction(HANDLER, sig.SA_SIGINFO)
    push_frame(context, memory, RISCV64, info, action, stack, 0x1234_5678_9ABC, TRAMPOLINE)
    addr = context.sp
    uc = addr + offset("frame.ucontext")
    assert context.x[0] == HANDLER
    assert context.x[1] == TRAMPOLINE
    assert context.x[10:13] == [12, addr, uc]
    assert context.x[3:10] == before[3:10]
    assert context.x[13:] == before[13:]
    data = memory.read(uc, FRAME_SIZE - offset("frame.ucontext"))
    assert (
        offset("frame.ucontext") + offset("ucontext_t.uc_mcontext") + offset("sizeof mcontext_t")
        == FRAME_SIZE
    )
    assert u64(data, offset("ucontext_t.uc_flags")) == 0
    assert u64(data, offset("ucontext_t.uc_link")) == 0
    at = offset("ucontext_t.uc_stack")
    assert u64(data, at + offset("stack_t.ss_sp")) == 0x7000
    assert u64(data, at + offset("stack_t.ss_flags")) == sig.SS_ONSTACK
    assert u64(data, at + offset("stack_t.ss_size")) == 0x2000
    assert u64(data, offset("ucontext_t.uc_sigmask")) == 0x1234_5678_9ABC
    for name, index in (("REG_PC", 0), ("REG_SP", 2), ("REG_A0", 10)):
        assert u64(data, offset(f"ucontext_t.uc_mcontext.__gregs[{name}]")) == before[index]
    at = offset("ucontext_t.uc_mcontext.__fpregs")
    assert data[at : at + 264] == fp_state
    at = offset("ucontext_t.uc_mcontext.__fpregs.__d.__f[31]")
    assert data[at : at + 8] == fp_state[248:256]
    assert u64(data, offset("ucontext_t.uc_mcontext.__fpregs.__d.__fcsr")) == 0xE1
    assert (addr, addr & 15) == (before[2] - FRAME_SIZE & ~15, 0)


def test_offsets_of_siginfo(c_layout: dict[str, list[int]]) -> None:
    def field(info: SignalInfo, name: str, size: int = 4) -> int:
        data = info.encode()
        assert len(data) == c_layout["sizeof siginfo_t"][0]
        at = c_layout[f"siginfo_t.{name}"][0]
        return int.from_bytes(data[at : at + size], "little", signed=True)

    queued = SignalInfo(35, sig.SI_QUEUE, 11, 22, value=1 << 40, errno=4)
    assert [field(queued, name) for name in ("si_signo", "si_errno", "si_code")] == [35, 4, -1]
    assert [field(queued, name) for name in ("si_pid", "si_uid")] == [11, 22]
    assert field(queued, "si_value", 8) == 1 << 40
    killed = SignalInfo(15, sig.SI_USER, 7, 8)
    assert [field(killed, name) for name in ("si_code", "si_pid", "si_uid")] == [0, 7, 8]
    child = SignalInfo(17, sig.CLD_EXITED, 3, 4, status=-5, utime=6, stime=7)
    assert [field(child, name) for name in ("si_pid", "si_uid", "si_status")] == [3, 4, -5]
    assert [field(child, name, 8) for name in ("si_utime", "si_stime")] == [6, 7]
    fault = SignalInfo(11, sig.SEGV_MAPERR, addr=0x7FFF_0000_1234)
    assert field(fault, "si_addr", 8) == 0x7FFF_0000_1234
    timer = SignalInfo(14, sig.SI_TIMER, timer=2, overrun=3, value=4)
    assert [field(timer, name) for name in ("si_timerid", "si_overrun")] == [2, 3]
    assert field(timer, "si_value", 8) == 4
    ready = SignalInfo(29, sig.POLL_IN, band=65, fd=9)
    assert [field(ready, "si_band", 8), field(ready, "si_fd")] == [65, 9]
    refused = SignalInfo(31, sig.SYS_SECCOMP, addr=0x1000, status=214, value=0xC00000F3)
    assert field(refused, "si_call_addr", 8) == 0x1000
    assert field(refused, "si_syscall") == 214
    assert field(refused, "si_arch") & 0xFFFFFFFF == 0xC00000F3


def test_a_real_frame_agrees(c_layout: dict[str, list[int]]) -> None:
    """What this kernel relies on is true of other kernels' frames too."""
    assert c_layout["frame.ucontext"] == [frames.UCONTEXT_OFFSET]
    assert c_layout["frame.aligned"] == [0]
    assert c_layout["frame.stack_flags"] == [NO_STACK.flags]
    assert c_layout["frame.mask"] == [1]
    assert c_layout["frame.sp"] == [1]


@pytest.mark.parametrize(
    ("signo", "code", "kind"),
    [
        (sig.SIGSEGV, sig.SEGV_ACCERR, "fault"), (sig.SIGTRAP, sig.TRAP_BRKPT, "fault"),
        (sig.SIGSEGV, sig.SI_KERNEL, "kill"), (sig.SIGSEGV, sig.SI_USER, "kill"),
        (sig.SIGCHLD, sig.CLD_STOPPED, "child"), (sig.SIGCHLD, sig.SI_TKILL, "queue"),
        (sig.SIGPOLL, sig.POLL_HUP, "poll"), (sig.SIGRTMIN, sig.POLL_IN, "poll"),
        (sig.SIGRTMIN, 7, "kill"), (sig.SIGSYS, sig.SYS_SECCOMP, "sys"),
        (40, sig.SI_TIMER, "timer"), (40, sig.SI_SIGIO, "poll"), (40, sig.SI_MESGQ, "queue"),
        (40, -77, "queue"), (40, 500, "kill"),
    ],
)  # fmt: skip
def test_union_member(signo: int, code: int, kind: str) -> None:
    assert layout(signo, code) == kind


@given(st.binary(min_size=128, max_size=128), st.integers(1, 64))
def test_user_siginfo_is_passed_on_unchanged(data: bytes, signo: int) -> None:
    info = SignalInfo.decode(signo.to_bytes(4, "little") + data[4:])
    assert info.signo == signo
    encoded = info.encode()
    assert encoded[:12] == signo.to_bytes(4, "little") + data[4:12]
    assert encoded[16:] == data[16:]


@given(st.sampled_from((10, 17, 11, 29, 31, 40)), st.integers(-6, 8))
def test_decode_undoes_encode(signo: int, code: int) -> None:
    numbers = {"pid": 1, "uid": 2, "value": 3, "addr": 4, "status": 5, "utime": 6, "stime": 7,
               "timer": 8, "overrun": 9, "band": 10, "fd": 11}  # fmt: skip
    info = SignalInfo(signo, code, **numbers)
    again = SignalInfo.decode(info.encode())
    for name, number in numbers.items():
        assert getattr(again, name) in (number, 0)
    assert SignalInfo.decode(again.encode()).encode() == info.encode()


def test_round_trip(context: ScriptedContext) -> None:
    memory = Memory()
    before, fp_state = list(context.x), context.fp_state
    stack = SignalStack(BASE + 0x1000, sig.SS_AUTODISARM, 0x2000)
    action = SignalAction(HANDLER)
    push_frame(context, memory, RISCV64, SignalInfo(10), action, stack, 77, TRAMPOLINE)
    sp = context.sp
    context.x = [sp] * 32
    context.fp_state = bytes(264)
    assert pop_frame(context, memory, RISCV64) == (77, tuple(stack), before[10])
    assert (context.x, context.fp_state) == (before, fp_state)


def test_alternate_stack(context: ScriptedContext) -> None:
    memory = Memory()
    stack = SignalStack(BASE + 0x1000, 0, 0x2000)
    plain, on_stack = SignalAction(HANDLER), SignalAction(HANDLER, sig.SA_ONSTACK)
    size = FRAME_SIZE

    def push(action: SignalAction) -> int:
        push_frame(context, memory, RISCV64, SignalInfo(10), action, stack, 0, TRAMPOLINE)
        return context.sp

    start = context.sp
    assert push(plain) == start - size & ~15
    assert push(on_stack) == BASE + 0x3000 - size  # from its top
    assert push(on_stack) == BASE + 0x3000 - 2 * size  # already there: go on below
    assert push(plain) == BASE + 0x3000 - 3 * size
    context.sp = BASE + 0x1000 + size
    registers = list(context.x)
    with pytest.raises(EFAULT):  # would leave the stack at its lower end
        push(plain)
    assert context.x == registers


def test_no_room_leaves_the_registers_alone(context: ScriptedContext) -> None:
    memory = Memory()
    for sp in (0, 8, BASE - 100, 1 << 63):
        context.sp = sp
        registers = list(context.x)
        with pytest.raises(EFAULT):
            push_frame(
                context, memory, RISCV64, SignalInfo(10), SignalAction(HANDLER), NO_STACK, 0, 1
            )
        assert context.x == registers
        with pytest.raises(EFAULT):
            pop_frame(context, memory, RISCV64)
        assert context.x == registers


def test_restored_frames_are_not_trusted(context: ScriptedContext) -> None:
    memory = Memory()
    action = SignalAction(HANDLER)
    push_frame(context, memory, RISCV64, SignalInfo(10), action, NO_STACK, 0, TRAMPOLINE)
    addr = context.sp
    good = memory.read(addr, FRAME_SIZE)
    registers = list(context.x)
    for offset in range(len(good) - 12, len(good)):
        memory.write(addr, good)
        memory.write(addr + offset, b"\1")
        with pytest.raises(BadRegisters):
            pop_frame(context, memory, RISCV64)
        assert context.x == registers
    memory.write(addr, good)
    memory.write(addr + MCONTEXT_OFFSET, b"\x45")  # an odd program counter
    memory.write(addr + MCONTEXT_OFFSET + 256 + 256, b"\xff" * 8)  # fcsr and padding
    pop_frame(context, memory, RISCV64)
    assert context.pc == 0x1_2344
    assert context.fp_state[256:] == b"\xff" + bytes(7)


def test_restorer_of_the_action_wins(context: ScriptedContext) -> None:
    action = SignalAction(HANDLER, 0, 0, 0x5000)
    push_frame(context, Memory(), RISCV64, SignalInfo(10), action, NO_STACK, 0, TRAMPOLINE)
    assert context.x[1] == 0x5000


@pytest.mark.parametrize("arch", ARCHES.values(), ids=lambda arch: arch.name)
def test_layouts_are_consistent(arch) -> None:
    general, floating = bytes(arch.general_size), bytes(arch.floating_size)
    fields = arch.encode_context(general, floating)
    frame = arch.frame.pack(bytes(128), 0, 0, 0, 0, 0, 0, *fields)
    assert len(frame) % 16 == 0
    assert arch.decode_context(*arch.frame.unpack(frame)[7:]) == (general, floating)
    assert arch.result_offset % 8 == 0
    assert arch.general[arch.result_offset // 8] in ("a0", "x0")
    assert len(set(arch.general)) == len(arch.general)
    assert len(arch.general) * 8 <= arch.general_size


def test_riscv_facts() -> None:
    # addi a7, zero, 139 and ecall, as the unwinder of libgcc compares them
    assert RISCV64.trampoline == (0x08B00893).to_bytes(4, "little") + (0x73).to_bytes(4, "little")
    assert RISCV64.hwcap == 0b1_0001_0010_1101
    assert RISCV64.general.index("sp") == 2
    assert RISCV64.general.index("a7") == 17
    assert RISCV64.floating.index("fa0") == 10


def test_death_report_reads_well() -> None:
    general = b"".join(n.to_bytes(8, "little") for n in range(32))
    report = DeathReport(
        pid=9, tid=10, comm="demo", signo=11, code=1, addr=16, sender=0, pc=0x1234,
        registers=register_words(RISCV64, general), floating=b"", area="1000-2000 r-xp demo",
    )  # fmt: skip
    assert str(report) == (
        "demo[10]: unhandled signal 11 (SIGSEGV) code 0x1 at 0x0000000000000010, "
        "pc 0x0000000000001234 in 1000-2000 r-xp demo"
    )
    lines = report.table().splitlines()
    assert len(lines) == 11
    assert lines[0].split() == ["pc", "0" * 16, "ra", "0" * 15 + "1", "sp", "0" * 15 + "2"]


def test_loongarch_facts() -> None:
    # as the unwinder of libgcc compares them
    words = (0x03822C0B, 0x002B0000)
    assert LOONGARCH64.trampoline == b"".join(word.to_bytes(4, "little") for word in words)
    assert LOONGARCH64.general_size == 45 * 8
    assert LOONGARCH64.frame.size == 128 + 176 + 272 + (16 + 528) + 16
    floating = bytes(range(256)) + bytes(range(16))
    *fields, records = LOONGARCH64.encode_context(bytes(range(256)) + bytes(104), floating)
    general, restored = LOONGARCH64.decode_context(*fields, records)
    assert general[:16] == bytes(8) + bytes(range(8, 16))
    assert restored == floating
    assert records[:16] == (0x46505501).to_bytes(4, "little") + (288).to_bytes(12, "little")
    assert records[16:] == floating + bytes(256 + 16)
    for wrong in (b"\2" + records[1:], records[:4] + b"\1" + records[5:], records[:288] + b"\1"):
        with pytest.raises(BadRegisters):
            LOONGARCH64.decode_context(*fields, wrong.ljust(len(records), b"\0"))


def test_loongarch_vectors_in_a_frame() -> None:
    lower, flags, upper = (bytes([n]) * size for n, size in ((1, 256), (2, 16), (3, 256)))
    *fields, records = LOONGARCH64.encode_context(bytes(360), lower + flags + upper)
    # struct lsx_context of <asm/sigcontext.h>: regs[2 * 32], fcc, fcsr
    assert records[:16] == (0x53580001).to_bytes(4, "little") + (544).to_bytes(12, "little")
    assert records[16:] == (b"\1" * 8 + b"\3" * 8) * 32 + flags + bytes(16)
    assert LOONGARCH64.decode_context(*fields, records)[1] == lower + flags + upper


def test_aarch64_facts() -> None:
    words = (0xD2801168, 0xD4000001)
    assert AARCH64.trampoline == b"".join(word.to_bytes(4, "little") for word in words)
    assert AARCH64.general_size == 34 * 8
    assert AARCH64.frame.size == 128 + 176 + 288 + 4096
    kernel_mode = bytes(264) + b"\x05" + bytes(7)
    with pytest.raises(BadRegisters):
        AARCH64.decode_context(*AARCH64.encode_context(kernel_mode, bytes(528)))
    fields = AARCH64.encode_context(bytes(272), bytes(528))
    with pytest.raises(BadRegisters):
        AARCH64.decode_context(*fields[:-2], 1, 8)
