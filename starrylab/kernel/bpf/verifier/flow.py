"""The shape of a program: its functions, what can be reached, which registers are still needed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

from ....abi import ebpf as e
from ..instructions import Code, Instruction
from .refusal import malformed

_ARGUMENTS: Final = 0b11_1110  #: R1 to R5, as bits
_CLOBBERED: Final = _ARGUMENTS | 1


class Flow:
    """What follows from the jumps alone."""

    def __init__(self, code: Code, arguments: Callable[[Instruction], int]) -> None:
        """Check the jumps; ``arguments`` tells how many a call of a helper takes."""
        self.code = code
        self._arguments = arguments
        self.starts = self._find_functions()
        self._check_ends()
        #: places where paths meet: it is worth while to remember what is known there
        self.meetings: set[int] = set()
        self._check_reached()
        self.live = self._find_live()

    def function_of(self, index: int) -> int:
        """Return the first instruction of the function that ``index`` is in."""
        return self.starts[bisect_right(self.starts, index) - 1]

    # -- functions ---------------------------------------------------------------------------

    def _find_functions(self) -> list[int]:
        starts = {0}
        for index, i in enumerate(self.code):
            target = None
            if i.calls_function or (i.is_wide and i.src == e.PSEUDO_FUNC):
                target = index + i.imm + 1
            if target is not None:
                if not 0 <= target < len(self.code):
                    raise malformed(f"call to invalid destination {target}")
                starts.add(target)
        return sorted(starts)

    def _check_ends(self) -> None:
        ends = [*self.starts[1:], len(self.code)]
        for start, end in zip(self.starts, ends, strict=True):
            index = start
            while index < end:
                i = self.code[index]
                target = self._target(index)
                if target is not None and not start <= target < end:
                    raise malformed(f"jump out of range from insn {index} to {target}")
                following = index + 1 + i.is_wide
                if following >= end and i.code not in (e.EXIT_INSN, e.GOTO, e.GOTO_LONG):
                    raise malformed("last insn is not an exit or jmp")
                index = following

    def _target(self, index: int) -> int | None:
        i = self.code[index]
        if i.kind not in (e.JMP, e.JMP32) or i.code in (e.CALL_INSN, e.EXIT_INSN):
            return None
        return index + 1 + i.jump()

    # -- what can be reached -----------------------------------------------------------------

    def successors(self, index: int) -> Iterator[int]:
        """Yield where a function may go on after ``index``."""
        i = self.code[index]
        if i.code == e.EXIT_INSN:
            return
        target = self._target(index)
        if target is not None:
            yield target
        if i.code not in (e.GOTO, e.GOTO_LONG):
            yield index + 1 + i.is_wide

    def _check_reached(self) -> None:
        seconds = set()
        for index, i in enumerate(self.code):
            if i.is_wide and index not in seconds:
                seconds.add(index + 1)
        reached = set(self.starts)
        pending = list(self.starts)
        while pending:
            index = pending.pop()
            if index in seconds:
                raise malformed("jump into the middle of ldimm64 insn")
            following = list(self.successors(index))
            if len(following) == 2 or self.code[index].code in (e.GOTO, e.GOTO_LONG):
                self.meetings.update(following)
            for target in following:
                if target not in reached:
                    reached.add(target)
                    pending.append(target)
        for index in range(len(self.code)):
            if index not in reached and index not in seconds:
                raise malformed(f"unreachable insn {index}")

    # -- registers ---------------------------------------------------------------------------

    def _find_live(self) -> list[int]:
        """Return for each instruction the registers, as bits, that are read before being set."""
        effects = [self._effect(i) for i in self.code]
        live = [0] * len(self.code)
        changed = True
        while changed:
            changed = False
            for index in range(len(self.code) - 1, -1, -1):
                after = 0
                if index and self.code[index - 1].is_wide and not self.code[index].code:
                    continue
                for target in self.successors(index):
                    after |= live[target]
                reads, writes = effects[index]
                now = reads | after & ~writes
                if now != live[index]:
                    live[index] = now
                    changed = True
        return live

    def find_critical(self, pointer_sums: frozenset[int]) -> list[int]:
        """Return for each instruction the registers, as bits, whose numbers decide what is safe.

        A number decides if a jump compares it, a helper or function gets it, it is kept on the
        stack, added to a pointer, or calculated into such a one.  ``pointer_sums`` are the
        instructions that add to pointers; of the others it is assumed that they do not.
        """
        critical = [0] * len(self.code)
        changed = True
        while changed:
            changed = False
            for index in range(len(self.code) - 1, -1, -1):
                after = 0
                for target in self.successors(index):
                    if target < len(self.code):
                        after |= critical[target]
                now = self._decides(index, after, index in pointer_sums)
                if now != critical[index]:
                    critical[index] = now
                    changed = True
        return critical

    def _decides(self, index: int, after: int, adds_to_pointer: bool) -> int:
        """Return what decides before an instruction, if ``after`` does behind it."""
        i = self.code[index]
        kind = i.kind
        dst, src = 1 << i.dst, 1 << i.src
        if kind in (e.ALU, e.ALU64):
            operand = src if i.code & e.X and i.code & e.OPERATION != e.END else 0
            if adds_to_pointer:
                return after | dst | operand
            if not after & dst:
                return after
            return after & ~dst | operand if i.code & e.OPERATION == e.MOV else after | operand
        if i.code == e.EXIT_INSN:
            return 0 if self.function_of(index) == 0 else 1
        reads, writes = self._effect(i)
        if kind in (e.LDX, e.LD):
            return after & ~writes
        if kind == e.STX and i.code & e.MODE == e.ATOMIC:
            return after & ~writes
        return after & ~writes | reads

    def _effect(self, i: Instruction) -> tuple[int, int]:
        """Return the registers that an instruction reads, and those that it sets."""
        kind = i.kind
        dst, src = 1 << i.dst, 1 << i.src
        if kind in (e.ALU, e.ALU64):
            operation = i.code & e.OPERATION
            reads = src if i.code & e.X and operation != e.END else 0
            return (reads if operation == e.MOV else reads | dst), dst
        if kind == e.LDX:
            return src, dst
        if kind == e.ST:
            return dst, 0
        if kind == e.STX:
            return self._store_effect(i)
        if kind == e.LD:
            if i.is_wide:
                return 0, dst
            return 1 << e.R6 | (src if i.code & e.MODE == e.IND else 0), _CLOBBERED
        return self._jump_effect(i)

    def _store_effect(self, i: Instruction) -> tuple[int, int]:
        dst, src = 1 << i.dst, 1 << i.src
        if i.code & e.MODE != e.ATOMIC:
            return dst | src, 0
        if i.imm == e.CMPXCHG:
            return dst | src | 1, 1
        return dst | src, src if i.imm & e.FETCH else 0

    def _jump_effect(self, i: Instruction) -> tuple[int, int]:
        if i.code == e.CALL_INSN:
            if i.calls_function:
                return _ARGUMENTS, _CLOBBERED
            return (1 << self._arguments(i) + 1) - 2, _CLOBBERED
        if i.code == e.EXIT_INSN:
            return 1, 0
        if i.code in (e.GOTO, e.GOTO_LONG):
            return 0, 0
        return 1 << i.dst | (1 << i.src if i.code & e.X else 0), 0
