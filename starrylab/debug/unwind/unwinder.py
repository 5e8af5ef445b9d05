"""From frame to frame: call frame information first, then instructions, then frame records.

A walk is bounded and cannot loop: the canonical frame address of a caller lies above that of
its callee (except across a signal frame, where the stack may change), no frame comes twice,
and there is a limit.  Where a walk ends before the first function, the last frame says why.

Sources: DWARF 5, 6.4; psABI chapters on the stack; gdb's rules for which address to look up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from ...abi.arch import ArchLayout, BadRegisters
from ...abi.arch.layout import MCONTEXT_OFFSET
from ...abi.arch.unwinding import UnwindLayout
from ..symbols.go_table import GoFrame
from . import rows
from .cursor import CfiError
from .expression import evaluate
from .tables import Found

_M64: Final = (1 << 64) - 1
LIMIT: Final = 512  #: frames of one walk, unless the caller says otherwise
_SCANNED: Final = 1 << 16  #: bytes of a function whose instructions are read, at most
_AHEAD: Final = 96  #: bytes behind the program counter that may be its epilogue
_CONTEXT_WORDS: Final = 7  #: fields of the frame before the machine context
_SIGNAL_DEPTH: Final = 64  #: signal frames in one walk

_KEPT: Final[rows.Rule] = (rows.SAME, 0)

Registers = list[int | None]  #: by DWARF number


class Memory(Protocol):
    """User memory that can be looked at without side effects."""

    def word(self, addr: int) -> int | None:
        """Return the 64-bit number at ``addr``, if it can be read."""
        ...

    def read(self, addr: int, size: int) -> bytes:
        """Return the bytes at ``addr``, fewer if not all are there."""
        ...


class Code(Protocol):
    """What is known about the code at an address; all addresses are those of the process."""

    def executable(self, addr: int) -> bool:
        """Tell whether instructions can be fetched from ``addr``."""
        ...

    def rules(self, addr: int) -> Found | None:
        """Return the call frame information at ``addr``; raise `CfiError`."""
        ...

    def go_frame(self, addr: int) -> GoFrame | None:
        """Return what a Go program's own table says of the frame at ``addr``."""
        ...

    def function_start(self, addr: int) -> int | None:
        """Return where the function at ``addr`` begins, if symbols tell."""
        ...

    def together(self, first: int, second: int) -> bool:
        """Tell whether two addresses lie in the same file or piece of memory."""
        ...

    def is_stub(self, addr: int) -> bool:
        """Tell whether ``addr`` lies in a procedure linkage table."""
        ...

    def is_entry(self, addr: int) -> bool:
        """Tell whether ``addr`` lies in the function where its image is entered."""
        ...


@dataclass(slots=True)
class RawFrame:
    """One physical frame: the registers of a function as it will go on."""

    pc: int
    lookup: int  #: the address that names function and line: inside of the call
    registers: Registers
    cfa: int = 0  #: 0: unknown
    how: str = ""  #: what led to the caller
    signal: int = 0  #: the signal number, if this is the kernel's signal frame
    reason: str = ""  #: why the walk ends here; "" at the bottom of the stack
    start: int | None = None  #: where the function begins, if that is known


@dataclass(slots=True)
class _Caller:
    """What one step found."""

    pc: int
    cfa: int
    registers: Registers
    how: str
    exact: bool = False  #: the caller was interrupted at ``pc``, it did not call


class Stop(Exception):
    """The walk ends; the message is the reason, "" for the bottom of the stack."""


@dataclass(slots=True)
class Unwinder:
    """Walks the stacks of one process."""

    layout: UnwindLayout
    arch: ArchLayout
    code: Code
    memory: Memory
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def registers(self, general: bytes, floating: bytes = b"") -> tuple[int, Registers]:
        """Return program counter and registers of NT_PRSTATUS and NT_PRFPREG data."""
        layout = self.layout
        found: Registers = [None] * len(layout.names)
        words = memoryview(general)[: len(general) & ~7].cast("Q")
        for number, value in zip(layout.general, words, strict=False):
            if number >= 0:
                found[number] = value
        if layout.floating and floating:
            size = layout.floating_size
            for index in range(len(layout.names) - layout.floating):
                raw = floating[index * size : index * size + size]
                found[layout.floating + index] = int.from_bytes(raw, "little")
        pc = words[layout.pc_word] if layout.pc_word < len(words) else 0
        return pc, found

    def walk(self, general: bytes, floating: bytes = b"", limit: int = LIMIT) -> list[RawFrame]:
        """Return the frames of a thread with these registers, innermost first; never raises."""
        pc, registers = self.registers(general, floating)
        frame = RawFrame(pc, pc, registers)
        frames = [frame]
        self._seen.clear()
        exact, signals, below = True, 0, 0
        while True:
            try:
                caller = self._step(frame, exact)
                signals += bool(frame.signal)
                if signals > _SIGNAL_DEPTH:
                    raise Stop(f"more than {_SIGNAL_DEPTH} signal frames")
                self._check(frame, caller, below)
            except Stop as stop:
                frame.reason = str(stop)
                return frames
            if len(frames) >= limit:
                frame.reason = f"more than {limit} frames"
                return frames
            below = 0 if frame.signal else caller.cfa
            exact = caller.exact
            lookup = caller.pc if exact or self.is_trampoline(caller.pc) else caller.pc - 1
            frame = RawFrame(caller.pc, lookup & _M64, caller.registers)
            frames.append(frame)

    def _check(self, frame: RawFrame, caller: _Caller, below: int) -> None:
        """Note the frame's address; raise `Stop` if the walk cannot be right."""
        frame.cfa, frame.how = caller.cfa, caller.how
        if caller.cfa < below:
            raise Stop("corrupt stack: the caller's frame lies below")
        if caller.pc == frame.pc and caller.cfa == below:
            raise Stop("")  # it would return to itself: the first function of a thread
        identity = (frame.pc, caller.cfa)
        if identity in self._seen:
            raise Stop("corrupt stack: the same frame again")
        self._seen.add(identity)
        if caller.pc == 0:
            raise Stop("")
        if caller.pc % self.layout.pc_align:
            raise Stop(f"corrupt stack: {caller.pc:#x} is no return address")

    # -- one step ----------------------------------------------------------------------------

    def _step(self, frame: RawFrame, exact: bool) -> _Caller:
        """Return the caller of ``frame``; raise `Stop`."""
        if self.is_trampoline(frame.pc):
            return self._through_signal(frame)
        if not self.code.executable(frame.lookup):
            if exact:
                return self._leaf(frame, "call of a bad address")
            raise Stop(f"{frame.pc:#x} is not in executable memory")
        try:
            found = self.code.rules(frame.lookup)
        except CfiError as error:
            raise Stop(f"call frame information: {error}") from None
        if found is not None:
            frame.start = frame.lookup - found.into
            caller = self._by_rules(frame, found)
            return caller if caller.pc != frame.pc else self._otherwise(frame, caller)
        return self._without_rules(frame, exact)

    def _otherwise(self, frame: RawFrame, caller: _Caller) -> _Caller:
        """Return the caller where rules lead back to the frame itself.

        Assembly may have an entry that says nothing, as glibc's _dl_runtime_resolve has.
        """
        other = self._by_instructions(frame, frame.start)
        believed = other is not None and other.pc != frame.pc and self._returns_to(other.pc)
        return other if other is not None and believed else caller

    def _by_rules(self, frame: RawFrame, found: Found) -> _Caller:
        row, registers = found.row, frame.registers
        view = _View(registers, self.memory)
        try:
            cfa = self._cfa(row, view)
            caller = list(registers)
            caller[self.layout.stack_pointer] = cfa
            for number, rule in row.rules.items():
                if number < len(caller):
                    caller[number] = self._value(number, rule, cfa, view)
        except CfiError as error:
            raise Stop(str(error)) from None
        column = found.return_register
        if row.rules.get(column, _KEPT)[0] == rows.UNDEFINED:
            frame.cfa, frame.how = cfa, "call frame information"
            raise Stop("")
        pc = caller[column] if column < len(caller) else None
        if pc is None:
            frame.cfa, frame.how = cfa, "call frame information"
            raise Stop("the return address cannot be read")
        return _Caller(pc, cfa, caller, "call frame information", found.signal_frame)

    def _cfa(self, row: rows.Row, view: _View) -> int:
        if row.cfa_register < 0:
            if not row.cfa_expression:
                raise CfiError("the call frame information does not say where the frame is")
            return evaluate(row.cfa_expression, view)
        registers = view.registers
        base = registers[row.cfa_register] if row.cfa_register < len(registers) else None
        if base is None:
            raise CfiError("the register that the frame is found by is lost")
        return base + row.cfa_offset & _M64

    def _value(self, number: int, rule: rows.Rule, cfa: int, view: _View) -> int | None:
        kind, value = rule
        if isinstance(value, bytes):
            result = evaluate(value, view, (cfa,))
            return result if kind == rows.VAL_EXPRESSION else self.memory.word(result)
        if kind == rows.OFFSET:
            return self.memory.word(cfa + value & _M64)
        if kind == rows.VAL_OFFSET:
            return cfa + value & _M64
        if kind == rows.SAME:
            return view.registers[number]
        if kind == rows.REGISTER:
            return view.registers[value] if value < len(view.registers) else None
        return None

    # -- without call frame information ----------------------------------------------------------

    def _without_rules(self, frame: RawFrame, exact: bool) -> _Caller:
        code = self.code
        if code.is_entry(frame.lookup):
            raise Stop("")
        go = code.go_frame(frame.lookup)
        if go is not None:
            return self._by_go_frame(frame, go)
        if exact and code.is_stub(frame.pc):
            return self._leaf(frame, "linkage stub")
        start = frame.start = code.function_start(frame.lookup)
        attempts = [self._by_instructions(frame, start), self._by_record(frame)]
        if start is None:
            attempts.reverse()
            if exact and self._just_called(frame):
                return self._leaf(frame, "return address register")
        for caller in attempts:
            if caller is not None and (caller.pc == 0 or self._returns_to(caller.pc)):
                return caller
        if exact:
            return self._leaf(frame, "return address register")
        raise Stop("no call frame information, and no frame record")

    def _by_go_frame(self, frame: RawFrame, go: GoFrame) -> _Caller:
        layout, caller = self.layout, list(frame.registers)
        stack = caller[layout.stack_pointer]
        frame.start = go.start
        if go.is_first:
            raise Stop("")
        if go.moves_stack or stack is None:
            raise Stop("Go changes to another stack here")
        if go.size:
            caller[layout.return_address] = self.memory.word(stack)
        pc, cfa = caller[layout.return_address], stack + go.size & _M64
        if pc is None:
            raise Stop("the return address cannot be read")
        caller[layout.stack_pointer] = cfa
        return _Caller(pc, cfa, caller, "Go's table")

    def _by_instructions(self, frame: RawFrame, start: int | None) -> _Caller | None:
        """Analyse the function's own instructions."""
        scan, registers = self.layout.scan, frame.registers
        first = frame.pc if start is None else start
        if scan is None or not 0 <= frame.pc - first < _SCANNED:
            return None
        text = self.memory.read(first, frame.pc - first + _AHEAD)
        if len(text) < frame.pc - first:
            return None
        recovery = scan(text, first, frame.pc)
        base = registers[recovery.register]
        if base is None:
            return None
        cfa = base + recovery.offset & _M64
        caller = list(registers)
        for number, offset in recovery.saved.items():
            caller[number] = self.memory.word(cfa + offset & _M64)
        caller[self.layout.stack_pointer] = cfa
        pc = caller[self.layout.return_address]
        return None if pc is None else _Caller(pc, cfa, caller, "instructions")

    def _by_record(self, frame: RawFrame) -> _Caller | None:
        """Follow the frame pointer to the pair (caller's frame pointer, return address)."""
        layout, registers = self.layout, frame.registers
        pointer = registers[layout.frame_pointer]
        stack = registers[layout.stack_pointer]
        if pointer is None or stack is None or pointer & 7 or pointer < stack:
            return None
        at = pointer + layout.record_offset
        old, pc = self.memory.word(at & _M64), self.memory.word(at + 8 & _M64)
        if old is None or pc is None:
            return None
        cfa = at + 16 & _M64
        caller = list(registers)
        caller[layout.frame_pointer] = old
        caller[layout.return_address] = pc
        caller[layout.stack_pointer] = cfa
        return _Caller(pc, cfa, caller, "frame pointer")

    def _leaf(self, frame: RawFrame, how: str) -> _Caller:
        """Take the return address register: nothing was saved yet, or nothing ever is."""
        layout, registers = self.layout, frame.registers
        pc, cfa = registers[layout.return_address], registers[layout.stack_pointer]
        if pc is None or cfa is None or pc == frame.pc:
            raise Stop("no call frame information, and no return address")
        if pc and not self.code.executable(pc - 1) and not self.is_trampoline(pc):
            raise Stop(f"{frame.pc:#x} is not in known code, and register ra has no return address")
        return _Caller(pc, cfa, list(registers), how)

    def _just_called(self, frame: RawFrame) -> bool:
        """Tell whether the return address is that of other code, so nothing was called since."""
        pc = frame.registers[self.layout.return_address]
        if not pc or not self._returns_to(pc):
            return False
        return not self.code.together(frame.pc, pc - 1)

    def _returns_to(self, pc: int) -> bool:
        """Tell whether ``pc`` can be a return address: code, right behind a call."""
        if self.is_trampoline(pc):
            return True
        if pc % self.layout.pc_align or not self.code.executable(pc - 1):
            return False
        test = self.layout.is_call
        return test is None or test(self.memory.read(pc - 4, 4))

    # -- signal frames ---------------------------------------------------------------------------

    def is_trampoline(self, pc: int) -> bool:
        """Tell whether ``pc`` is at one of the two instructions that end a handler."""
        text = self.arch.trampoline
        size = self.arch.syscall_size
        got = self.memory.read(pc, len(text))
        if got[:size] == text[:size]:
            return got == text
        return got[:size] == text[size:] and self.memory.read(pc - size, len(text)) == text

    def _through_signal(self, frame: RawFrame) -> _Caller:
        """Restore the registers that the handler's end would restore."""
        shape = self.arch.frame
        stack = frame.registers[self.layout.stack_pointer]
        data = self.memory.read(stack, shape.size) if stack is not None else b""
        if stack is None or len(data) < shape.size:
            raise Stop("the signal frame cannot be read")
        frame.signal = int.from_bytes(data[:4], "little") or -1
        try:
            saved = self.arch.decode_context(*shape.unpack(data)[_CONTEXT_WORDS:])
        except BadRegisters as error:
            raise Stop(f"the signal frame was overwritten: {error}") from None
        pc, registers = self.registers(*saved)
        return _Caller(pc, stack + MCONTEXT_OFFSET, registers, "signal frame", exact=True)


@dataclass(frozen=True, slots=True)
class _View:
    """What DWARF expressions see of a frame."""

    registers: Sequence[int | None]
    memory: Memory

    def load(self, addr: int, size: int) -> int | None:
        data = self.memory.read(addr, size)
        return int.from_bytes(data, "little") if len(data) == size else None
