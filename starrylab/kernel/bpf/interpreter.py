"""Runs programs that the verifier has let in.

Each instruction becomes a closure once, when a program is loaded; it changes the registers, 64-bit
numbers, and returns the index of the next one.  Nothing is checked here any more: an address
outside every region raises `BadAddress`, ``KeyError`` or ``struct.error``, which is a bug of
the verifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import bpf as b
from ...abi import ebpf as e
from .instructions import END
from .memory import Memory

if TYPE_CHECKING:
    from .compile import Operation
    from .maps.base import Map
    from .maps.ring import RingBuffer
    from .program import Program
    from .services import Services

_STACK: Final = b.MAX_BPF_STACK


class Run:
    """One execution: registers, stack, context, and what helpers need."""

    __slots__ = (
        "context", "context_base", "cookie", "frames", "handles", "memory", "packet", "program",
        "r", "records", "services", "stack", "stack_base", "tail_calls",
    )  # fmt: skip

    def __init__(self, memory: Memory, handles: dict[int, Map], services: Services) -> None:
        self.memory = memory
        self.handles = handles  #: maps, as programs name them
        self.services = services
        self.stack = bytearray(_STACK * b.MAX_CALL_FRAMES)
        self.stack_base = memory.add(self.stack)
        self.context = bytearray()
        self.context_base = memory.add(self.context)
        self.packet = b""  #: what BPF_LD_ABS reads
        self.cookie = 0  #: bpf_get_attach_cookie()
        self.records: dict[int, tuple[RingBuffer, int, int]] = {}  #: reserved: address -> place
        self.frames: list[tuple[int, int, int, int, int]] = []  #: where to go back to, R6 to R9
        self.r = [0] * e.REGISTERS
        self.program: Program
        self.tail_calls = 0

    def start(self, program: Program, context: bytearray, packet: bytes, cookie: int) -> int:
        """Run a program; return R0."""
        self.memory.replace(self.context_base, context)
        self.context, self.packet, self.cookie = context, packet, cookie
        self.stack[:] = bytes(len(self.stack))
        self.program = program
        self.tail_calls = 0
        self.frames.clear()
        r = self.r
        r[:] = [0] * e.REGISTERS
        r[e.R1] = self.context_base
        r[e.FP] = self.stack_base + _STACK
        return self._execute(program.operations, 0)

    def _execute(self, operations: list[Operation], index: int) -> int:
        r = self.r
        while True:
            while index >= 0:
                index = operations[index](self, r)
            if index == END:
                return r[0]
            operations, index = self.program.operations, 0

    def enter(self, target: int, back: int) -> int:
        """Call a function of the program; return its first instruction."""
        r = self.r
        self.frames.append((back, r[6], r[7], r[8], r[9]))
        r[e.FP] += _STACK
        return target

    def leave(self) -> int:
        """Return from a function; return where to go on."""
        if not self.frames:
            return END
        r = self.r
        back, r[6], r[7], r[8], r[9] = self.frames.pop()
        r[e.FP] -= _STACK
        return back

    def call(self, target: int, *args: int) -> int:
        """Call a function of the program from a helper; return its result."""
        r = self.r
        kept = r[e.R1 : e.R6]
        r[e.R1 : e.R1 + len(args)] = args
        result = self._execute(self.program.operations, self.enter(target, END))
        r[e.R1 : e.R6] = kept
        return result

    def close(self) -> None:
        """Give the regions back."""
        self.memory.remove(self.stack_base)
        self.memory.remove(self.context_base)


class Interpreter:
    """All runs of a kernel.  A program may interrupt another one, which needs a second `Run`."""

    def __init__(self, memory: Memory, handles: dict[int, Map], services: Services) -> None:
        self.memory = memory
        self.handles = handles
        self.services = services
        self._idle: list[Run] = []

    def run(
        self, program: Program, context: bytearray, packet: bytes = b"", cookie: int = 0
    ) -> int:
        """Run a program over a context; return R0."""
        run = self._idle.pop() if self._idle else Run(self.memory, self.handles, self.services)
        try:
            return run.start(program, context, packet, cookie)
        finally:
            self._idle.append(run)
