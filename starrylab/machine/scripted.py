"""A machine without a CPU: the user program is a Python generator that yields traps.

Kernel tests run on it, so they need neither an emulator nor a cross compiler::

    def program(m: ScriptedContext) -> Program:
        fd = yield m.call("eventfd2", 0, 0)
        m.store(m.scratch, b"hello")
        n = yield m.call("write", fd, m.scratch, 8)
        yield m.call("exit_group", 0)

The program counter is a token: it names the generator that runs.  When the kernel sets it
to an address in `ScriptedHart.texts` (a signal handler, a new program), that generator
starts; when it sets it back to an older token (rt_sigreturn), the old one goes on.  Memory
is the real thing: `store` and `load` go through the page table and fault as a CPU would.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Generator, Sequence
from typing import Final

from ..abi import numbers
from .api import (
    INTERRUPT,
    LEFT,
    PAGE_MASK,
    PAGE_SHIFT,
    PTE_FRAME,
    READ,
    STEPPED,
    WRITE,
    Break,
    Fault,
    Interrupt,
    PageFault,
    PageTable,
    SyscallRegisters,
    Trap,
    TrapHandler,
    UserContext,
    Watch,
    Watched,
)
from .ram import HostRam

Request = SyscallRegisters | Fault | Interrupt
Program = Generator[Request, int, None]
ProgramFunction = Callable[["ScriptedContext"], Program]

_M64: Final = (1 << 64) - 1
_TOKENS: Final = 0x10_0000_0000  #: program counters that name generators
_STEP: Final = 16
_GENERAL: Final = struct.Struct("<32Q")


class Segv(Exception):
    """A `store` or `load` that the kernel refused; the machine turns it into a page fault."""

    def __init__(self, addr: int, access: int) -> None:
        super().__init__(f"{addr:#x}")
        self.addr = addr
        self.access = access


class ScriptedRam(HostRam):
    """Physical memory for tests."""

    def __init__(self, size: int = 64 << 20) -> None:
        super().__init__(size)


class ScriptedContext:
    """Registers of one thread, and what its program uses to talk to the machine."""

    def __init__(self, hart: ScriptedHart, template: ScriptedContext | None = None) -> None:
        self._hart = hart
        self.x: list[int] = list(template.x) if template else [0] * 32
        self.fp_state: bytes = template.fp_state if template else bytes(264)
        self.results: list[int] = []
        self.scratch: int = template.scratch if template else 0  #: memory for the program's use
        if template is not None and hart.next_child is not None:
            program, hart.next_child = hart.next_child, None
            self.x[0] = hart.start(program, self)

    # -- UserContext ----------------------------------------------------------------------

    @property
    def pc(self) -> int:
        """The token of the running program, or an address the kernel set."""
        return self.x[0]

    @pc.setter
    def pc(self, value: int) -> None:
        self.x[0] = value & _M64

    @property
    def sp(self) -> int:
        """Stack pointer (x2)."""
        return self.x[2]

    @sp.setter
    def sp(self, value: int) -> None:
        self.x[2] = value & _M64

    def arguments(self) -> SyscallRegisters:
        """See ``UserContext``: a0..a6, a7."""
        a = self.x[10:18]
        return (a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7])

    def set_result(self, value: int) -> None:
        """See ``UserContext``."""
        self.x[10] = value & _M64

    def set_argument(self, index: int, value: int) -> None:
        """See ``UserContext``."""
        self.x[10 + index] = value & _M64

    def set_tls(self, value: int) -> None:
        """See ``UserContext``."""
        self.x[4] = value & _M64

    def enter_function(
        self, pc: int, sp: int, return_address: int, arguments: tuple[int, int, int]
    ) -> None:
        """See ``UserContext``."""
        self.pc = pc
        self.sp = sp
        self.x[1] = return_address & _M64
        self.x[10:13] = arguments

    def restart_syscall(self, first_argument: int) -> None:
        """See ``UserContext``; the hart notices that the pc is 4 below a token."""
        self.x[0] -= 4
        self.x[10] = first_argument

    def general(self) -> bytes:
        """See ``UserContext``: pc, x1..x31."""
        return _GENERAL.pack(*self.x)

    def set_general(self, data: bytes) -> None:
        """See ``UserContext``."""
        self.x = list(_GENERAL.unpack(data))

    def floating(self) -> bytes:
        """See ``UserContext``."""
        return self.fp_state

    def set_floating(self, data: bytes) -> None:
        """See ``UserContext``."""
        self.fp_state = bytes(data)

    def save(self) -> tuple[bytes, bytes]:
        """See ``UserContext``."""
        return self.general(), self.floating()

    def restore(self, general: bytes, floating: bytes) -> None:
        """See ``UserContext``."""
        self.set_general(general)
        self.set_floating(floating)

    def clear(self, pc: int, sp: int) -> None:
        """See ``UserContext``."""
        self.x = [0] * 32
        self.pc, self.sp = pc, sp

    # -- what programs use -------------------------------------------------------------------

    @property
    def argument(self) -> int:
        """First argument register: a signal handler's signal number."""
        return self.x[10]

    def registers(self) -> tuple[int, ...]:
        """Return pc and x1..x31."""
        return tuple(self.x)

    def call(self, name: str, *args: int) -> SyscallRegisters:
        """Build the trap for system call ``name``; ``yield`` it to get its signed result."""
        number = self._hart.numbers[name]
        a = [value & _M64 for value in args] + [0] * (7 - len(args))
        return (a[0], a[1], a[2], a[3], a[4], a[5], a[6], number)

    def fork(self, child: ProgramFunction, flags: int = 17) -> SyscallRegisters:
        """Build a clone(2) whose child runs ``child``."""
        self._hart.next_child = child
        return self.call("clone", flags, 0, 0, 0, 0)

    def clone(self, child: ProgramFunction, flags: int, *args: int) -> SyscallRegisters:
        """Build a clone(2) with all its arguments; the child runs ``child``."""
        self._hart.next_child = child
        return self.call("clone", flags, *args)

    def store(self, addr: int, data: bytes) -> None:
        """Write user memory as the CPU would; a refused fault ends the program's turn."""
        for chunk, offset, size in _pieces(addr, len(data)):
            base = self._hart.translate(addr + offset, WRITE) + chunk
            self._hart.ram.view[base : base + size] = data[offset : offset + size]
        self._hart.touch(addr, len(data), WRITE)

    def load(self, addr: int, size: int) -> bytes:
        """Read user memory as the CPU would."""
        parts = []
        for chunk, offset, length in _pieces(addr, size):
            base = self._hart.translate(addr + offset, READ) + chunk
            parts.append(bytes(self._hart.ram.view[base : base + length]))
        self._hart.touch(addr, size, READ)
        return b"".join(parts)

    def string(self, addr: int, text: bytes) -> int:
        """Store ``text`` with a NUL at ``addr``; return ``addr``."""
        self.store(addr, text + b"\0")
        return addr


def _pieces(addr: int, size: int) -> list[tuple[int, int, int]]:
    """Split [addr, addr + size) at page borders: offset in page, offset in data, length."""
    found = []
    done = 0
    while done < size:
        inside = (addr + done) & PAGE_MASK
        length = min(PAGE_MASK + 1 - inside, size - done)
        found.append((inside, done, length))
        done += length
    return found


class ScriptedHart:
    """A `Hart` whose instructions are Python statements."""

    arch = "riscv64"

    def __init__(self, ram: ScriptedRam | None = None) -> None:
        self.ram = ram or ScriptedRam()
        self.numbers = {name: nr for nr, name in numbers.names("riscv64").items()}
        self.texts: dict[int, ProgramFunction] = {}  #: address -> what starts there
        self.next_child: ProgramFunction | None = None
        self.changed: list[int] = []
        self._running: dict[int, Program] = {}
        self._started: set[int] = set()
        self._last: dict[int, SyscallRegisters] = {}
        self._token = _TOKENS
        self.table: PageTable = {}
        self.breakpoints: dict[int, frozenset[int]] = {}  #: id of a page table -> tokens
        self.watched: dict[int, tuple[Watched, ...]] = {}
        self._watch: Watch | None = None
        self._handler: TrapHandler
        self._interrupted = False

    def start(self, program: ProgramFunction, context: ScriptedContext) -> int:
        """Begin ``program``; return the token that stands for it."""
        self._token += _STEP
        self._running[self._token] = program(context)
        return self._token

    # -- Hart ----------------------------------------------------------------------------------

    def bind(self, handler: TrapHandler) -> None:
        """See ``Hart``."""
        self._handler = handler

    def new_context(self, template: UserContext | None = None) -> ScriptedContext:
        """See ``Hart``."""
        assert template is None or isinstance(template, ScriptedContext)
        return ScriptedContext(self, template)

    def use(self, table: PageTable) -> None:
        """See ``Hart``."""
        self.table = table

    def flush_tlb(self) -> None:
        """See ``Hart``: every access looks into the table."""

    def flush_pages(self, pages: Sequence[int]) -> None:
        """See ``Hart``, and `flush_tlb`."""

    def code_changed(self, frame: int) -> None:
        """See ``Hart``; recorded."""
        self.changed.append(frame)

    def switch(self, context: UserContext) -> bool:
        """See ``Hart``; a script is always left."""
        return False

    def debug(self) -> ScriptedDebug:
        """See ``Hart``."""
        return ScriptedDebug(self)

    def interrupt(self) -> None:
        """See ``Hart``."""
        self._interrupted = True

    def set_clock(self, read: Callable[[], int]) -> bool:
        """See ``Hart``; scripts read no counters."""
        return False

    def set_tick(self, period_ns: int) -> None:
        """See ``Hart``; a script yields `Interrupt` where it wants a tick."""

    def close(self) -> None:
        """See ``Hart``."""

    def run(self, context: UserContext, *, once: bool = False) -> Trap:
        """See ``Hart``; ``once``: only up to the program's next request."""
        assert isinstance(context, ScriptedContext)
        breakpoints = frozenset[int]() if once else self.breakpoints.get(id(self.table), ())
        while True:
            if self._interrupted:
                self._interrupted = False
                return INTERRUPT
            pc = context.pc
            if pc in self.texts:
                pc = context.pc = self.start(self.texts[pc], context)
            if pc in breakpoints:
                return Break(pc)
            again = pc + 4 in self._running
            token = pc + 4 if again else pc
            program = self._running.get(token)
            if program is None:
                return PageFault(pc, 4)
            context.pc = token
            try:
                request = self._last[token] if again else self._advance(token, program, context)
            except StopIteration:
                # A handler that fell off its end returns through the trampoline, whose
                # only instruction is rt_sigreturn; a program that did so is broken.
                if context.x[1] not in (0, token):
                    request = context.call("rt_sigreturn")
                else:
                    return Fault("illegal instruction")
            except Segv as fault:
                return PageFault(fault.addr, fault.access)
            if isinstance(request, Interrupt):
                return INTERRUPT
            if isinstance(request, Fault):
                return request
            self._last[token] = request
            if self._watch is not None:
                watch, self._watch = self._watch, None
                context.pc = token - 4  # the request is made when the program goes on
                return watch
            context.x[10:18] = request
            result = self._handler.syscall(request)
            if result is None:
                return LEFT
            context.set_result(result)
            if once:
                return STEPPED

    def _advance(self, token: int, program: Program, context: ScriptedContext) -> Request:
        if token not in self._started:
            self._started.add(token)
            return next(program)
        value = context.x[10]
        signed = value - (1 << 64) if value >> 63 else value
        context.results.append(signed)
        return program.send(signed)

    def touch(self, addr: int, size: int, access: int) -> None:
        """Note an access, in case that its bytes are watched."""
        for at, length, kinds in self.watched.get(id(self.table), ()):
            if kinds & access and addr < at + length and at < addr + size:
                self._watch = Watch(addr, size, access)

    def translate(self, addr: int, access: int) -> int:
        """Return the RAM offset of the frame that holds ``addr``; raise `Segv`."""
        entry = self.table.get(addr >> PAGE_SHIFT, 0)
        if not entry & access:
            entry = self._handler.page_fault(addr & ~PAGE_MASK, access)
            if not entry:
                raise Segv(addr, access)
        return entry & PTE_FRAME


class ScriptedDebug:
    """See `HartDebug`.  An instruction is what a program does up to its next ``yield``.

    A breakpoint is at a token, so it is met before each of the generator's requests.
    """

    def __init__(self, hart: ScriptedHart) -> None:
        self._hart = hart

    def step(self, context: UserContext) -> Trap:
        """See ``HartDebug``."""
        return self._hart.run(context, once=True)

    def set_breakpoints(self, table: PageTable, addrs: Collection[int]) -> None:
        """See ``HartDebug``."""
        self._hart.breakpoints[id(table)] = frozenset(addrs)

    def set_watched(self, table: PageTable, watched: Collection[Watched]) -> None:
        """See ``HartDebug``."""
        self._hart.watched[id(table)] = tuple(watched)
