"""Random programs that are likely to mean something: what verifiers are tried with."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.kernel.bpf.assembly import (
    EXIT,
    I,
    alu,
    alur,
    call,
    e,
    goto,
    invoke,
    jmp,
    jmpr,
    ldx,
    map_fd,
    mov,
    movr,
    st,
    stx,
    wide,
)  # fmt: skip

_ALU = (e.ADD, e.SUB, e.MUL, e.DIV, e.OR, e.AND, e.LSH, e.RSH, e.MOD, e.XOR, e.ARSH, e.MOV)
_JUMPS = (e.JEQ, e.JGT, e.JGE, e.JSET, e.JNE, e.JSGT, e.JSGE, e.JLT, e.JLE, e.JSLT, e.JSLE)
_WIDTHS = (e.B, e.H, e.W, e.DW)
_NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 255, 256, -1, -2, -8, 1 << 30, -(1 << 31),
            (1 << 31) - 1)  # fmt: skip
HASH, ARRAY = 0, 1  #: the maps: 4-byte keys; values of 16 and of 64 bytes


class Generator:
    """Makes one program; `maps` tells which map each address of one means."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.maps: list[int] = []
        self._parts: tuple[Callable[[], list[I]], ...] = (
            self._arithmetic, self._arithmetic, self._arithmetic, self._constant, self._move,
            self._to_stack, self._from_stack, self._lookup, self._lookup, self._value, self._value,
            self._branch, self._branch, self._bound, self._bound, self._loop, self._pointer,
            self._stack_pointer, self._atomic, self._packet, self._update, self._context,
            self._swap, self._function,
        )  # fmt: skip
        self._function_calls: list[int] = []

    def program(self, parts: int) -> list[I]:
        """Return a program."""
        code = [movr(6, 1)]
        code += [mov(register, self._number()) for register in (0, 1, 2, 3, 7, 8, 9)]
        for _ in range(parts):
            code += self.random.choice(self._parts)()
        code += [movr(0, self._register())] if self.random.random() < 0.5 else [mov(0, 1)]
        code.append(EXIT)
        if self._function_calls:
            code = self._with_function(code)
        return code

    def _with_function(self, code: list[I]) -> list[I]:
        start = len(code)
        body = [movr(0, 1), *self._arithmetic(), alur(e.ADD, 0, 2), EXIT]
        return [
            i._replace(imm=start - n - 1) if i.calls_function else i for n, i in enumerate(code)
        ] + body

    def _number(self) -> int:
        return self.random.choice(_NUMBERS)

    def _register(self) -> int:
        return self.random.choice((0, 1, 2, 3, 7, 8, 9, 9, 8, 7))

    def _arithmetic(self) -> list[I]:
        op = self.random.choice(_ALU)
        kind = self.random.choice((e.ALU, e.ALU64, e.ALU64))
        off = self.random.choice((0, 0, 1)) if op in (e.DIV, e.MOD) else 0
        if self.random.random() < 0.5:
            return [alur(op, self._register(), self._register(), kind, off)]
        number = self._number()
        if op in (e.LSH, e.RSH, e.ARSH):
            number &= 31 if kind == e.ALU else 63
        if op in (e.DIV, e.MOD) and not number:
            number = 3
        return [alu(op, self._register(), number, kind, off)]

    def _constant(self) -> list[I]:
        if self.random.random() < 0.5:
            return wide(self._register(), self.random.getrandbits(64))
        return [mov(self._register(), self._number())]

    def _move(self) -> list[I]:
        kind = self.random.choice((e.ALU, e.ALU64))
        off = self.random.choice((0, 0, 8, 16, 32 if kind == e.ALU64 else 8))
        return [alur(e.MOV, self._register(), self._register(), kind, off)]

    def _swap(self) -> list[I]:
        size = self.random.choice((16, 32, 64))
        kind = self.random.choice((e.ALU | e.TO_BE, e.ALU | e.TO_LE, e.ALU64))
        if self.random.random() < 0.3:
            return [I(self.random.choice((e.ALU, e.ALU64)) | e.NEG, self._register(), 0, 0, 0)]
        return [I(kind | e.END, self._register(), 0, 0, size)]

    def _offset(self, width: int) -> int:
        size = e.BYTES[width]
        return -size * self.random.randint(1, 32 // size)

    def _to_stack(self) -> list[I]:
        width = self.random.choice(_WIDTHS)
        if self.random.random() < 0.5:
            return [st(10, self._offset(width), self._number(), width)]
        return [stx(10, self._register(), self._offset(width), width)]

    def _from_stack(self) -> list[I]:
        width = self.random.choice(_WIDTHS)
        mode = e.MEMSX if width != e.DW and self.random.random() < 0.3 else e.MEM
        return [ldx(self._register(), 10, self._offset(width), width, mode)]

    def _lookup(self) -> list[I]:
        which = self.random.choice((HASH, ARRAY))
        self.maps.append(which)
        code = [st(10, -4, self.random.choice((0, 1, 2, 9)), e.W), movr(2, 10), alu(e.ADD, 2, -4)]
        code += [*map_fd(1), call("map_lookup_elem")]
        checked = self.random.random() < 0.9
        code += [jmp(e.JNE, 0, 0, 2), mov(0, 0), EXIT] if checked else []
        return [*code, movr(self.random.choice((7, 8, 9)), 0), mov(1, 1), mov(2, 2), mov(3, 3)]

    def _value(self) -> list[I]:
        width = self.random.choice(_WIDTHS)
        pointer = self.random.choice((0, 7, 8, 9))
        offset = self.random.choice((0, 0, 1, 4, 8, 8, 12, 15, 16, 60, -1, -8))
        kind = self.random.random()
        if kind < 0.4:
            return [ldx(self._register(), pointer, offset, width)]
        if kind < 0.6:
            return [stx(pointer, self._register(), offset, width)]
        return [st(pointer, offset, self._number(), width)]

    def _pointer(self) -> list[I]:
        op = self.random.choice((e.ADD, e.ADD, e.ADD, e.SUB))
        return [alur(op, self.random.choice((7, 8, 9)), self._register())]

    def _stack_pointer(self) -> list[I]:
        pointer = self.random.choice((7, 8, 9))
        return [movr(pointer, 10), alu(e.ADD, pointer, -32), alur(e.ADD, pointer, self._register())]

    def _bound(self) -> list[I]:
        """Make a number small, in one of the ways compilers do."""
        register = self._register()
        limit = self.random.choice((1, 3, 4, 7, 8, 15, 16, 31))
        kind = self.random.random()
        if kind < 0.4:
            return [alu(e.AND, register, limit, self.random.choice((e.ALU, e.ALU64)))]
        way = self.random.choice((e.JMP, e.JMP32))
        op = self.random.choice((e.JLE, e.JLT, e.JSLE, e.JSLT))
        return [jmp(op, register, limit, 2, way), mov(0, 2), EXIT]

    def _branch(self) -> list[I]:
        op = self.random.choice(_JUMPS)
        way = self.random.choice((e.JMP, e.JMP, e.JMP32))
        inside = [i for _ in range(self.random.randint(1, 3)) for i in self._arithmetic()]
        if self.random.random() < 0.4:
            return [jmpr(op, self._register(), self._register(), len(inside), way), *inside]
        return [jmp(op, self._register(), self._number(), len(inside), way), *inside]

    def _loop(self) -> list[I]:
        counter = self._register()
        inside = self._arithmetic()
        if self.random.random() < 0.1:
            return [goto(0), *inside]
        times = self.random.randint(2, 6)
        return [
            mov(counter, 0), *inside, alu(e.ADD, counter, 1),
            jmp(self.random.choice((e.JLT, e.JSLT, e.JNE)), counter, times, -len(inside) - 2),
        ]  # fmt: skip

    def _atomic(self) -> list[I]:
        width = self.random.choice((e.W, e.DW))
        what = self.random.choice(
            (e.ADD, e.AND, e.OR, e.XOR, e.ADD | e.FETCH, e.XOR | e.FETCH, e.XCHG, e.CMPXCHG)
        )
        base = self.random.choice((10, 7, 8, 9))
        offset = self._offset(width) if base == 10 else self.random.choice((0, 8))
        return [I(e.STX | e.ATOMIC | width, base, self._register(), offset, what)]

    def _packet(self) -> list[I]:
        width = self.random.choice((e.B, e.H, e.W))
        at = self.random.choice((0, 1, 2, 12, 20, 63))
        if self.random.random() < 0.3:
            code = [I(e.LD | e.IND | width, 0, self._register(), 0, at)]
        else:
            code = [I(e.LD | e.ABS | width, 0, 0, 0, at)]
        return [*code, mov(1, 1), mov(2, 2), mov(3, 3)]

    def _update(self) -> list[I]:
        which = self.random.choice((HASH, ARRAY))
        self.maps.append(which)
        size = 16 if which == HASH else 64
        code = [st(10, -4, self.random.choice((0, 1, 2, 9)), e.W)]
        code += [stx(10, self._register(), -8 - size + 8 * n) for n in range(size // 8)]
        code += [movr(2, 10), alu(e.ADD, 2, -4), movr(3, 10), alu(e.ADD, 3, -8 - size), mov(4, 0)]
        code += [*map_fd(1), call("map_update_elem")]
        return [*code, mov(1, 1), mov(2, 2), mov(3, 3)]

    def _context(self) -> list[I]:
        offset = self.random.choice((0, 0, 16, 48, 52, 56, 64, 72, 80, 3))
        if self.random.random() < 0.3:
            return [stx(6, self._register(), offset, e.W)]
        return [ldx(self._register(), 6, offset, self.random.choice((e.W, e.W, e.H, e.B)))]

    def _function(self) -> list[I]:
        self._function_calls.append(1)
        return [movr(1, self._register()), mov(2, 5), invoke(0), mov(1, 1), mov(2, 2), mov(3, 3)]
