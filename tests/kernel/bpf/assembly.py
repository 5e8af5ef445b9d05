"""eBPF instructions by name, and programs made of them without a kernel."""

from __future__ import annotations

from starrylab.abi import bpf as b
from starrylab.abi import ebpf as e
from starrylab.abi.errno import EFAULT
from starrylab.kernel.bpf.helpers.table import HELPERS
from starrylab.kernel.bpf.instructions import Instruction
from starrylab.kernel.bpf.interpreter import Interpreter
from starrylab.kernel.bpf.maps.base import Map, Room, Shape
from starrylab.kernel.bpf.maps.making import make_map
from starrylab.kernel.bpf.memory import Memory
from starrylab.kernel.bpf.program import Origin, Program
from starrylab.kernel.bpf.services import Task
from starrylab.kernel.bpf.verifier.log import Log
from starrylab.kernel.bpf.verifier.refusal import Refused
from starrylab.kernel.bpf.verifier.subject import Subject
from starrylab.kernel.bpf.verifier.walk import verify
from starrylab.kernel.mm.frames import FrameAllocator
from starrylab.machine.scripted import ScriptedRam

I = Instruction  # noqa: E741
FILTER = b.BPF_PROG_TYPE_SOCKET_FILTER


def mov(dst: int, imm: int) -> I:
    return I(e.ALU64 | e.MOV | e.K, dst, 0, 0, imm)


def movr(dst: int, src: int) -> I:
    return I(e.ALU64 | e.MOV | e.X, dst, src, 0, 0)


def alu(op: int, dst: int, imm: int, kind: int = e.ALU64, off: int = 0) -> I:
    return I(kind | op | e.K, dst, 0, off, imm)


def alur(op: int, dst: int, src: int, kind: int = e.ALU64, off: int = 0) -> I:
    return I(kind | op | e.X, dst, src, off, 0)


def ldx(dst: int, src: int, off: int, width: int = e.DW, mode: int = e.MEM) -> I:
    return I(e.LDX | mode | width, dst, src, off, 0)


def stx(dst: int, src: int, off: int, width: int = e.DW) -> I:
    return I(e.STX | e.MEM | width, dst, src, off, 0)


def st(dst: int, off: int, imm: int, width: int = e.DW) -> I:
    return I(e.ST | e.MEM | width, dst, 0, off, imm)


def jmp(op: int, dst: int, imm: int, off: int, kind: int = e.JMP) -> I:
    return I(kind | op | e.K, dst, 0, off, imm)


def jmpr(op: int, dst: int, src: int, off: int, kind: int = e.JMP) -> I:
    return I(kind | op | e.X, dst, src, off, 0)


def goto(off: int) -> I:
    return I(e.GOTO, 0, 0, off, 0)


def call(name: str) -> I:
    from starrylab.abi.bpf_helpers import NUMBERS

    return I(e.CALL_INSN, 0, 0, 0, NUMBERS[name])


def invoke(off: int) -> I:
    return I(e.CALL_INSN, 0, e.PSEUDO_CALL, 0, off)


def wide(dst: int, value: int, src: int = 0) -> list[I]:
    low, high = value & 0xFFFF_FFFF, value >> 32 & 0xFFFF_FFFF
    return [
        I(e.LD_IMM64, dst, src, 0, (low ^ 1 << 31) - (1 << 31)),
        I(0, 0, 0, 0, (high ^ 1 << 31) - (1 << 31)),
    ]


def map_fd(dst: int) -> list[I]:
    """The address of a map; which one is said when the program is made."""
    return wide(dst, 0, e.PSEUDO_MAP_FD)


EXIT = I(e.EXIT_INSN, 0, 0, 0, 0)


class FakeServices:
    """A kernel that stands still."""

    def __init__(self) -> None:
        self.user: dict[int, bytes] = {}
        self.lines: list[bytes] = []

    def monotonic_ns(self) -> int:
        return 1_000_000_000

    def boottime_ns(self) -> int:
        return 2_000_000_000

    def tai_ns(self) -> int:
        return 3_000_000_000

    def random(self) -> int:
        return 4

    def task(self) -> Task:
        return Task(7, 5, 1000, 100, b"name")

    def read_user(self, addr: int, size: int) -> bytes:
        for start, data in self.user.items():
            if start <= addr and addr + size <= start + len(data):
                return data[addr - start : addr - start + size]
        raise EFAULT

    def write_user(self, addr: int, data: bytes) -> None:
        self.read_user(addr, len(data))

    def read_user_text(self, addr: int, limit: int) -> bytes:
        for start, data in self.user.items():
            if start <= addr < start + len(data):
                return data[addr - start :].split(b"\0")[0][:limit]
        raise EFAULT

    def user_chain(self, limit: int) -> list[int]:
        return [0x1000, 0x2000][:limit]

    def signal(self, number: int, *, thread: bool) -> int:
        return 0

    def trace(self, text: bytes) -> None:
        self.lines.append(text)


class Bench:
    """Where tests load and run programs."""

    def __init__(self) -> None:
        self.room = Room(Memory(), FrameAllocator(ScriptedRam(1 << 20)))
        self.services = FakeServices()
        self.interpreter = Interpreter(self.room.memory, self.room.handles, self.services)
        self.log = b""

    def map(self, kind: int, key: int, value: int, entries: int, **more: object) -> Map:
        made = make_map(Shape(kind, key, value, entries, **more), self.room)  # type: ignore[arg-type]
        made.acquire()
        return made

    def load(
        self, code: list[I], *maps: Map, kind: int = FILTER, level: int = 1, **rights: bool
    ) -> Program:
        places = [n for n, i in enumerate(code) if i.is_wide and i.src not in (0, e.PSEUDO_FUNC)]
        subject = Subject(kind, code, dict(zip(places, maps, strict=True)), HELPERS, **rights)
        log = Log(level)
        try:
            verify(subject, log)
        finally:
            self.log = log.text()
        program = Program(subject, self.room.memory, Origin())
        program.acquire()
        return program

    def run(self, code: list[I], *maps: Map, packet: bytes = bytes(64), kind: int = FILTER) -> int:
        program = self.load(code, *maps, kind=kind)
        return self.interpreter.run(program, bytearray(8192), packet)

    def refusal(self, code: list[I], *maps: Map, kind: int = FILTER, **rights: bool) -> str:
        try:
            self.load(code, *maps, kind=kind, **rights)
        except Refused as refused:
            return refused.text
        raise AssertionError("the verifier let it in")
