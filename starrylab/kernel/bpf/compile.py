"""From instructions to closures (RFC 9669, section 4 and 5)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from ...abi import ebpf as e
from .instructions import END, Code, Instruction, immediate
from .memory import BASE, FORMATS, IN_REGION, SHIFT, Store
from .verifier.arithmetic import divide, remainder
from .verifier.scalar import signed, signed32

if TYPE_CHECKING:
    from .helpers.declare import Helper
    from .interpreter import Run

Operation = Callable[["Run", list[int]], int]
Two = Callable[[int, int], int]

_M64: Final = (1 << 64) - 1
_M32: Final = (1 << 32) - 1

#: what an operation does with unsigned numbers of a width; its result is cut to that
_UNSIGNED: Final[Mapping[int, Two]] = {
    e.ADD: operator.add,
    e.SUB: operator.sub,
    e.MUL: operator.mul,
    e.DIV: lambda a, c: a // c if c else 0,
    e.MOD: lambda a, c: a % c if c else a,
    e.OR: operator.or_,
    e.AND: operator.and_,
    e.XOR: operator.xor,
}
_SIGNED: Final[Mapping[int, Two]] = {e.DIV: divide, e.MOD: remainder}
_SHIFTS: Final[Mapping[int, Two]] = {e.LSH: operator.lshift, e.RSH: operator.rshift}
_TESTS: Final[Mapping[int, Callable[[int, int], object]]] = {
    e.JEQ: operator.eq,
    e.JNE: operator.ne,
    e.JGT: operator.gt,
    e.JGE: operator.ge,
    e.JLT: operator.lt,
    e.JLE: operator.le,
    e.JSET: operator.and_,
}
_SIGNED_TESTS: Final[Mapping[int, Callable[[int, int], object]]] = {
    e.JSGT: operator.gt,
    e.JSGE: operator.ge,
    e.JSLT: operator.lt,
    e.JSLE: operator.le,
}


class Compiler:
    """Makes the closures of one program."""

    def __init__(
        self,
        code: Code,
        regions: dict[int, Store],
        helpers: Mapping[int, Helper],
        addresses: Mapping[int, int],
    ) -> None:
        """``addresses`` are what the immediates that name maps stand for, by instruction."""
        self._code = code
        self._regions = regions
        self._helpers = helpers
        self._addresses = addresses

    def compile(self) -> list[Operation]:
        """Return an operation for each slot; those of second halves are never reached."""
        makers = {
            e.ALU: self._alu, e.ALU64: self._alu, e.JMP: self._jump, e.JMP32: self._jump,
            e.LDX: self._load, e.ST: self._store, e.STX: self._store, e.LD: self._special,
        }  # fmt: skip
        return [makers[i.kind](i, index) for index, i in enumerate(self._code)]

    # -- arithmetic --------------------------------------------------------------------------

    def _alu(self, i: Instruction, index: int) -> Operation:
        following = index + 1
        wide = i.kind == e.ALU64
        cut = _M64 if wide else _M32
        operation = i.code & e.OPERATION
        dst, src = i.dst, i.src
        if operation == e.END:
            return _swap(i, following)
        if operation == e.NEG:

            def neg(_: Run, r: list[int]) -> int:
                r[dst] = -r[dst] & cut
                return following

            return neg
        if operation == e.MOV:
            return _move(i, following, cut)
        function = _function(i, wide=wide)
        if i.code & e.X:

            def with_register(_: Run, r: list[int]) -> int:
                r[dst] = function(r[dst] & cut, r[src] & cut) & cut
                return following

            return with_register
        constant = i.imm & cut

        def with_constant(_: Run, r: list[int]) -> int:
            r[dst] = function(r[dst] & cut, constant) & cut
            return following

        return with_constant

    # -- memory ------------------------------------------------------------------------------

    def _load(self, i: Instruction, index: int) -> Operation:
        regions, following = self._regions, index + 1
        dst, src, off, size = i.dst, i.src, i.off, i.size
        unpack = FORMATS[size].unpack_from
        if i.code & e.MODE == e.MEMSX:
            top = 1 << 8 * size - 1

            def load_signed(_: Run, r: list[int]) -> int:
                addr = r[src] + off
                value = unpack(regions[addr - BASE >> SHIFT], addr & IN_REGION)[0]
                r[dst] = (value ^ top) - top & _M64
                return following

            return load_signed

        def load(_: Run, r: list[int]) -> int:
            addr = r[src] + off
            r[dst] = unpack(regions[addr - BASE >> SHIFT], addr & IN_REGION)[0]
            return following

        return load

    def _store(self, i: Instruction, index: int) -> Operation:
        if i.kind == e.STX and i.code & e.MODE == e.ATOMIC:
            return self._atomic(i, index)
        regions, following = self._regions, index + 1
        dst, src, off, size = i.dst, i.src, i.off, i.size
        pack = FORMATS[size].pack_into
        cut = (1 << 8 * size) - 1
        constant = i.imm & cut
        if i.kind == e.ST:

            def store_constant(_: Run, r: list[int]) -> int:
                addr = r[dst] + off
                pack(regions[addr - BASE >> SHIFT], addr & IN_REGION, constant)
                return following

            return store_constant

        def store(_: Run, r: list[int]) -> int:
            addr = r[dst] + off
            pack(regions[addr - BASE >> SHIFT], addr & IN_REGION, r[src] & cut)
            return following

        return store

    def _atomic(self, i: Instruction, index: int) -> Operation:
        regions, following = self._regions, index + 1
        dst, src, off, size, what = i.dst, i.src, i.off, i.size, i.imm
        layout = FORMATS[size]
        cut = (1 << 8 * size) - 1
        fetches = bool(what & e.FETCH) and what != e.CMPXCHG
        function = _UNSIGNED.get(what & e.OPERATION)

        def change(_: Run, r: list[int]) -> int:
            addr = r[dst] + off
            store, place = regions[addr - BASE >> SHIFT], addr & IN_REGION
            old: int = layout.unpack_from(store, place)[0]
            if what == e.CMPXCHG:
                new = r[src] & cut if old == r[0] & cut else old
                r[0] = old
            elif what == e.XCHG or function is None:
                new = r[src] & cut
            else:
                new = function(old, r[src] & cut) & cut
            layout.pack_into(store, place, new)
            if fetches:
                r[src] = old
            return following

        return change

    def _special(self, i: Instruction, index: int) -> Operation:
        if not i.is_wide:
            return _load_packet(i, index + 1)
        dst, following = i.dst, index + 2
        if i.src == e.PSEUDO_FUNC:
            value = index + i.imm + 1
        elif i.src:
            value = self._addresses[index]
        else:
            value = immediate(self._code, index) if following <= len(self._code) else 0

        def load_constant(_: Run, r: list[int]) -> int:
            r[dst] = value
            return following

        return load_constant

    # -- jumps -------------------------------------------------------------------------------

    def _jump(self, i: Instruction, index: int) -> Operation:
        if i.code == e.EXIT_INSN:
            return lambda run, _: run.leave()
        if i.code == e.CALL_INSN:
            if i.src == e.PSEUDO_CALL:
                target, back = index + i.imm + 1, index + 1
                return lambda run, _: run.enter(target, back)
            return self._call(i, index + 1)
        if i.code in (e.GOTO, e.GOTO_LONG):
            there = index + 1 + i.jump()
            return lambda _run, _r: there
        return _conditional(i, index)

    def _call(self, i: Instruction, following: int) -> Operation:
        helper = self._helpers[i.imm]
        function, last = helper.call, 1 + len(helper.args)
        if helper.name == "tail_call":

            def tail_call(run: Run, r: list[int]) -> int:
                jumped = function(run, *r[1:4])
                r[0] = 0
                return jumped or following

            return tail_call

        def call(run: Run, r: list[int]) -> int:
            r[0] = function(run, *r[1:last]) & _M64
            return following

        return call


def _function(i: Instruction, *, wide: bool) -> Two:
    """Return what an operation does with two numbers, which were cut to its width."""
    operation = i.code & e.OPERATION
    as_signed = signed if wide else signed32
    if operation in _SIGNED and i.off == 1:
        plain = _SIGNED[operation]
        return lambda a, c: plain(as_signed(a), as_signed(c))
    bits = 63 if wide else 31
    if operation == e.ARSH:
        return lambda a, c: as_signed(a) >> (c & bits)
    if operation in _SHIFTS:
        shift = _SHIFTS[operation]
        return lambda a, c: shift(a, c & bits)
    return _UNSIGNED[operation]


def _move(i: Instruction, following: int, cut: int) -> Operation:
    dst, src, constant = i.dst, i.src, i.imm & cut
    if not i.code & e.X:

        def set_constant(_: Run, r: list[int]) -> int:
            r[dst] = constant
            return following

        return set_constant
    if i.off:
        low, top = (1 << i.off) - 1, 1 << i.off - 1

        def move_signed(_: Run, r: list[int]) -> int:
            r[dst] = ((r[src] & low) ^ top) - top & cut
            return following

        return move_signed

    def move(_: Run, r: list[int]) -> int:
        r[dst] = r[src] & cut
        return following

    return move


def _swap(i: Instruction, following: int) -> Operation:
    dst, size = i.dst, i.imm // 8
    cut = (1 << i.imm) - 1
    order: str = "big" if i.kind == e.ALU64 or i.code & e.TO_BE else "little"

    def swap(_: Run, r: list[int]) -> int:
        value = r[dst] & cut
        if order == "big":
            value = int.from_bytes(value.to_bytes(size, "little"), "big")
        r[dst] = value
        return following

    return swap


def _load_packet(i: Instruction, following: int) -> Operation:
    src, size, constant = i.src, i.size, i.imm
    indirect = i.code & e.MODE == e.IND

    def load(run: Run, r: list[int]) -> int:
        at = signed32(constant + r[src]) if indirect else constant
        if not 0 <= at <= len(run.packet) - size:
            r[0] = 0
            return END
        r[0] = int.from_bytes(run.packet[at : at + size], "big")
        return following

    return load


def _conditional(i: Instruction, index: int) -> Operation:
    operation = i.code & e.OPERATION
    following, target = index + 1, index + 1 + i.off
    dst, src = i.dst, i.src
    wide = i.kind == e.JMP
    cut = _M64 if wide else _M32
    as_signed = signed if wide else signed32
    if operation in _SIGNED_TESTS:
        test = _SIGNED_TESTS[operation]
        if i.code & e.X:
            return lambda _, r: target if test(as_signed(r[dst]), as_signed(r[src])) else following
        number = i.imm
        return lambda _, r: target if test(as_signed(r[dst]), number) else following
    test = _TESTS[operation]
    if i.code & e.X:
        return lambda _, r: target if test(r[dst] & cut, r[src] & cut) else following
    constant = i.imm & cut
    return lambda _, r: target if test(r[dst] & cut, constant) else following
