"""A stopped thread as its user looks at it: stack, variables, registers, code, expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import CodeType
from typing import TYPE_CHECKING

from .. import registers
from ..disasm import Disassembler, Row, listing
from ..dwarf.describe import describe
from ..dwarf.errors import PROBLEMS, Unavailable
from ..dwarf.format import Style, show_typed
from ..dwarf.spelling import spell
from ..dwarf.tree import Node, expand, roots
from ..inspect import InspectedThread, Inspector
from ..language import Evaluator, examine
from ..language.examine import Format
from ..stack import Frame, FrameKind, shown_file
from . import evaluation
from .api import CallStop, ControlError
from .memory import write_memory

if TYPE_CHECKING:
    from ...kernel.thread import Thread
    from ..dwarf.values import Value
    from .debugger import Debugger

_WINDOW = 1 << 12  #: bytes of code that are disassembled without a function


class Look:
    """What a debugger shows; all methods raise `ControlError`."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self.code = debugger.code
        self._inspector = Inspector(debugger.stacks)
        self._disassembler = Disassembler(debugger.kernel.arch)
        debugger.condition = self.condition

    # -- frames

    def stack(self, thread: Thread, limit: int = 0) -> list[Frame]:
        """Return the one stack, the kernel's handler on top where a call is about to be served."""
        stacks = self._debugger.stacks
        frames = stacks.of(thread, limit) if limit else stacks.of(thread)
        t = self._debugger.tracer.of(thread)
        if not t.call_held or t.call is None:
            return frames
        frames = [frame for frame in frames if frame.kind is not FrameKind.KERNEL]
        entry = self._debugger.kernel.calls.entry(t.call.number)
        if t.call.result is not None or entry is None:
            return frames
        return [_handler(entry.function.__code__), *frames]

    def inspected(self, thread: Thread) -> InspectedThread:
        """Return the data side of a thread."""

        def poke(address: int, data: bytes) -> None:
            try:
                write_memory(thread.mm, address, data)
            except ControlError as error:
                raise Unavailable(str(error)) from None

        return self._inspector.thread(thread, poke)

    def place(self, thread: Thread, number: int) -> tuple[int, int]:
        """Return the physical frame and the inlining depth of frame ``number`` of the stack."""
        frames = self.stack(thread)
        if not 0 <= number < len(frames):
            raise ControlError(f"no frame {number}")
        if frames[number].kind in (FrameKind.KERNEL, FrameKind.SYSCALL):
            raise ControlError(f"frame {number} is the kernel's")
        index, depth = 0, 0
        for frame in frames[:number]:
            if frame.kind is FrameKind.INLINED:
                depth += 1
            elif frame.kind in (FrameKind.USER, FrameKind.SIGNAL):
                index, depth = index + 1, 0
        return index, depth

    def user_frame(self, thread: Thread, number: int) -> int:
        """Return the number of a frame among the user's alone."""
        frames = self.stack(thread)
        kernel = [f.kind in (FrameKind.KERNEL, FrameKind.SYSCALL) for f in frames[:number]]
        return number - sum(kernel)

    def first_user_frame(self, thread: Thread) -> int:
        """Return the number of the innermost user frame in the stack."""
        kinds = (FrameKind.KERNEL, FrameKind.SYSCALL)
        return sum(frame.kind in kinds for frame in self.stack(thread))

    # -- values

    def evaluate(self, thread: Thread, number: int, text: str, letter: str = "") -> str:
        """Return the value of an expression in a frame, as ``print`` shows it."""
        inspected = self.inspected(thread)
        try:
            value = self._value(inspected, thread, number, text)
            style = Style(letter=letter, symbol=inspected.symbol)
            return show_typed(value, style)
        except PROBLEMS as error:
            raise ControlError(str(error)) from None

    def _value(self, inspected: InspectedThread, thread: Thread, number: int, text: str) -> Value:
        index, depth = self.place(thread, number)
        return Evaluator(inspected.scope(index, depth)).evaluate(text)

    def address(self, thread: Thread, number: int, text: str) -> int:
        """Return the integer value of an expression: an address to look at."""
        try:
            value = self._value(self.inspected(thread), thread, number, text)
            found = value.address if _has_place(value) else None
            return (value.integer() if found is None else found) & (1 << 64) - 1
        except PROBLEMS as error:
            raise ControlError(str(error)) from None

    def memory_of(self, thread: Thread, number: int, text: str) -> tuple[int, int]:
        """Return address and size of what an expression names, for a watchpoint."""
        try:
            value = self._value(self.inspected(thread), thread, number, text)
            address, size = value.address, value.size
        except PROBLEMS as error:
            raise ControlError(str(error)) from None
        if address is None or not size:
            raise ControlError(f"cannot watch {text}: it is in no memory")
        return address, size

    def condition(self, thread: Thread, text: str, call: CallStop | None) -> int:
        """Return whether a breakpoint's condition holds."""
        try:
            return evaluation.condition(thread, text, call)
        except ControlError:
            if call is not None:
                raise
        try:
            scope = self.inspected(thread).scope()
            return int(Evaluator(scope).condition(text))
        except PROBLEMS as error:
            raise ControlError(str(error)) from None

    def locals(self, thread: Thread, number: int) -> list[Node]:
        """Return arguments and locals of a frame, those that others hide as well."""
        inspected = self.inspected(thread)
        style = Style(symbol=inspected.symbol)
        try:
            variables = inspected.variables(*self.place(thread, number))
            return roots(variables, style, style.size)
        except PROBLEMS as error:
            raise ControlError(str(error)) from None

    def parts(self, thread: Thread, number: int, path: Sequence[int], portion: range) -> list[Node]:
        """Return the parts of a variable of a frame; see `dwarf.tree.expand`."""
        inspected = self.inspected(thread)
        style = Style(symbol=inspected.symbol)
        try:
            variables = inspected.variables(*self.place(thread, number))
            return expand(variables, path, style, portion.start, len(portion))
        except PROBLEMS as error:
            raise ControlError(str(error)) from None

    def describe(self, thread: Thread, number: int, text: str, form: str) -> list[str]:
        """Return the type of an expression, or a type: its name, definition or layout."""
        inspected = self.inspected(thread)
        try:
            scope = inspected.scope(*self.place(thread, number))
            kind, owner = Evaluator(scope).type_or_value(text)
            if form == "name":
                return [spell(kind)]
            return describe(kind, owner, offsets=form == "layout")
        except PROBLEMS as error:
            raise ControlError(str(error)) from None

    def registers(self, thread: Thread, number: int) -> list[tuple[str, int | None]]:
        """Return the registers of a frame, ``None`` for those that its callees lost."""
        index, _ = self.place(thread, number)
        inspected = self.inspected(thread)
        raw, names = inspected.raw[index], inspected.layout.names
        found: list[tuple[str, int | None]] = [
            (names[n], value) for n, value in enumerate(raw.registers[: len(names)])
        ]
        return [("pc", raw.pc), *found]

    def examine(self, thread: Thread, form: str, address: int) -> list[str]:
        """Return memory as the ``x`` command shows it."""
        inspected = self.inspected(thread)
        try:
            parsed = Format.parse(form)
            if parsed.letter == "i":
                return self._instructions(thread, address, parsed.count)
            return list(examine(address, parsed, inspected.memory, inspected.symbol))
        except PROBLEMS as error:
            raise ControlError(str(error)) from None

    def explain_register(self, thread: Thread, name: str, number: int = 0) -> list[str]:
        """Return what a register holds in a frame and is for, and what its fields mean."""
        frame = dict(self.registers(thread, number)) if number else None
        found = registers.explain(thread, name, frame)
        if not found:
            raise ControlError(f"invalid register {name}")
        return found

    # -- code

    def _instructions(self, thread: Thread, address: int, count: int) -> list[str]:
        rows = self.disassemble(thread, address, address + 4 * count)
        symbol = self.inspected(thread).symbol
        return [
            f"{r.instruction.address:#x} {symbol(r.instruction.address)}:\t"
            f"{r.instruction.text} {r.target}".rstrip()
            for r in rows[:count]
        ]

    def function_around(self, thread: Thread, address: int) -> tuple[int, int]:
        """Return the range of the function at ``address``, or of some code from there."""
        found = self._debugger.code.function_range(thread.mm, address)
        if found is not None and found[0] < found[1] <= found[0] + (1 << 18):
            return found
        raise ControlError("no function contains the address")

    def disassemble(self, thread: Thread, start: int, end: int) -> list[Row]:
        """Return the instructions from ``start`` to ``end`` with their lines."""
        debugger = self._debugger
        data = debugger.read_memory(thread.process, start, max(0, end - start))
        if not data:
            raise ControlError(f"cannot access memory at address {start:#x}")

        def line(address: int) -> tuple[str, int] | None:
            found = debugger.code.locations(thread.mm, address)
            return (found[0].file, found[0].line) if found and found[0].line else None

        symbol = self.inspected(thread).symbol
        return list(listing(self._disassembler, data, start, line, symbol))

    def source_files(self, thread: Thread) -> Iterator[str]:
        """Yield the paths of the source files of a process's modules."""
        for module in self._debugger.stacks.modules(thread.mm):
            yield from module.symbols.source_files()


def _handler(code: CodeType) -> Frame:
    """Return the frame of a kernel function that is about to be entered: at its first statement."""
    first = code.co_firstlineno
    line = min((n for _, _, n in code.co_lines() if n is not None and n > first), default=first)
    file = shown_file(code.co_filename)
    return Frame(FrameKind.KERNEL, function=code.co_name, file=file, line=line)


def _has_place(value: Value) -> bool:
    """Say whether an expression's value is an array or a function, which stand for addresses."""
    from ..dwarf.types import Array, Function

    return isinstance(value.type.stripped(), Array | Function)
