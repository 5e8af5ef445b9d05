"""Loads, stores and what helpers do with memory: is each byte one that may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi import bpf as b
from ....abi import ebpf as e
from ..instructions import Instruction
from . import registers, scalar, stack
from .arithmetic import calculate
from .refusal import Refused, malformed
from .registers import UNKNOWN, Kind, Reg
from .scalar import extended
from .state import MISC

if TYPE_CHECKING:
    from .walk import Walk

#: what the log calls memory and its size
_WORDS: Final = {
    Kind.VALUE: ("map value", "value_size"),
    Kind.KEY: ("map key", "key_size"),
    Kind.RECORD: ("memory", "mem_size"),
}
_FAR: Final = 1 << 29  #: BPF_MAX_VAR_OFF, bytes


def load(walk: Walk, i: Instruction) -> Reg:
    """Return what the destination of a load is."""
    pointer = walk.read(i.src)
    found = _load(walk, i.src, pointer, i.off, i.size)
    if i.code & e.MODE == e.MEMSX:
        if found.is_pointer:
            raise Refused(f"R{i.src} sign-extending load of a pointer")
        return registers.of(extended(found.var, i.size))
    return found


def _load(walk: Walk, number: int, pointer: Reg, offset: int, size: int) -> Reg:
    if pointer.kind is Kind.STACK:
        frame = walk.state.frames[pointer.frame]
        if not pointer.var.is_constant:
            low, high = _stack_range(walk, number, pointer, offset, size)
            stack.check_written(frame, low, high, f"R{number}", leaks=walk.subject.perfmon)
            return _unknown(size)
        low = _stack_offset(walk, number, pointer, offset, size)
        return stack.read(frame, low, size, leaks=walk.subject.perfmon)
    if pointer.kind is Kind.CTX:
        _context(walk, pointer, offset, size, write=False)
    else:
        check_memory(number, pointer, offset, size, write=False)
        constant = _constant(pointer, offset, size)
        if constant is not None:
            return registers.number(constant)
    return _unknown(size)


def _unknown(size: int) -> Reg:
    return UNKNOWN if size == 8 else registers.of(scalar.between(0, (1 << 8 * size) - 1))


def _constant(pointer: Reg, offset: int, size: int) -> int | None:
    """Return a number that a program cannot change, and nobody else any more."""
    found = pointer.map
    if pointer.kind is not Kind.VALUE or found is None or not pointer.var.is_constant:
        return None
    shape = found.shape
    fixed = found.frozen and shape.flags & b.BPF_F_RDONLY_PROG
    if not fixed or shape.type != b.BPF_MAP_TYPE_ARRAY or shape.max_entries != 1:
        return None
    start = pointer.var.slow + offset
    return int.from_bytes(bytes(found.store[start : start + size]), "little")


def store(walk: Walk, i: Instruction, value: Reg) -> None:
    """Check a store of ``value``."""
    pointer = walk.read(i.dst)
    size = i.size
    leaks = walk.subject.perfmon
    if pointer.kind is Kind.STACK and not pointer.var.is_constant:
        _store_somewhere(walk, i, pointer, value)
        return
    if pointer.kind is Kind.STACK:
        low = _stack_offset(walk, i.dst, pointer, i.off, size)
        stack.write(walk.state.frames[pointer.frame], low, size, value, leaks=leaks)
        return
    if value.is_pointer and not leaks:
        raise Refused(f"R{i.src} leaks addr into {pointer.kind.value}")
    if pointer.kind is Kind.CTX:
        if i.kind == e.ST:
            raise Refused(f"BPF_ST stores into R{i.dst} ctx is not allowed")
        _context(walk, pointer, i.off, size, write=True)
    else:
        check_memory(i.dst, pointer, i.off, size, write=True)


def atomic(walk: Walk, i: Instruction) -> None:
    """Check an atomic operation, and set what it fetches."""
    operand = walk.read(i.src)
    pointer = walk.read(i.dst)
    if operand.is_pointer and not walk.subject.perfmon:
        raise Refused(f"R{i.src} leaks addr into mem")
    if pointer.kind is Kind.CTX:
        raise Refused(f"BPF_ATOMIC stores into R{i.dst} ctx is not allowed")
    if i.imm == e.CMPXCHG:
        expected = walk.read(e.R0)
        if expected.is_pointer and not walk.subject.perfmon:
            raise Refused("R0 leaks addr into mem")
    if pointer.kind is Kind.STACK:
        low = _stack_offset(walk, i.dst, pointer, i.off, i.size)
        frame = walk.state.frames[pointer.frame]
        stack.read(frame, low, i.size, leaks=walk.subject.perfmon)
        stack.fill(frame, low, i.size, MISC, leaks=walk.subject.perfmon)
    else:
        check_memory(i.dst, pointer, i.off, i.size, write=True)
        if (pointer.var.value + i.off) % i.size or pointer.var.mask & (i.size - 1):
            raise Refused(f"misaligned access off {i.off} size {i.size}")
    if i.imm & e.FETCH:
        fetched = UNKNOWN if i.size == 8 else registers.of(scalar.between(0, scalar.M32))
        walk.set(e.R0 if i.imm == e.CMPXCHG else i.src, fetched)


def _store_somewhere(walk: Walk, i: Instruction, pointer: Reg, value: Reg) -> None:
    """Store at an offset that is not known: every byte that it may reach is unknown then."""
    frame = walk.state.frames[pointer.frame]
    leaks = walk.subject.perfmon
    low, high = _stack_range(walk, i.dst, pointer, i.off, i.size)
    stack.check_written(frame, low, high, f"R{i.dst}", leaks=leaks)
    if value.is_pointer and (i.size != 8 or not leaks):
        raise Refused(f"R{i.src} leaks addr into the stack")
    stack.fill(frame, low, high - low, MISC, leaks=leaks)


def _stack_range(walk: Walk, number: int, pointer: Reg, offset: int, size: int) -> tuple[int, int]:
    """Return the bytes of the stack that an access at an unknown offset may reach."""
    var = pointer.var
    if (var.value + offset) % size or var.mask & (size - 1):
        raise Refused(f"misaligned variable stack access R{number} off={offset} size={size}")
    low, high = var.slow + offset, var.shigh + offset + size
    stack.check_range(low, high, f"invalid variable-offset access to stack R{number}")
    walk.note_depth(pointer.frame, low)
    return low, high


def _stack_offset(walk: Walk, number: int, pointer: Reg, offset: int, size: int) -> int:
    """Return where on the stack a load or store goes."""
    if not pointer.var.is_constant:
        raise Refused(f"R{number} variable stack access is not supported: off={offset} size={size}")
    low = pointer.var.slow + offset
    if low % size:
        raise Refused(f"misaligned stack access off {low}+0 size {size}")
    stack.check_range(low, low + size, f"invalid stack access: R{number}")
    walk.note_depth(pointer.frame, low)
    return low


def _context(walk: Walk, pointer: Reg, offset: int, size: int, *, write: bool) -> None:
    if not pointer.var.is_constant:
        raise Refused("variable ctx access is not allowed")
    at = pointer.var.slow + offset
    if not walk.subject.context.allows(at, size, write):
        raise Refused(f"invalid bpf_context access off={at} size={size}")
    walk.subject.context_used = max(walk.subject.context_used, at + size)


def check_memory(number: int, pointer: Reg, offset: int, size: int, *, write: bool) -> None:
    """Check ``size`` bytes from ``offset`` beyond a pointer to other memory than the stack."""
    room = _room(number, pointer, write=write)
    low = pointer.var.slow + offset
    high = pointer.var.shigh + offset + size
    if pointer.var.slow < 0 and not pointer.var.is_constant and low < 0:
        raise Refused(
            f"R{number} min value is negative, "
            "either use unsigned index or do a if (index >=0) check."
        )
    if low < 0 or high > room:
        what, sized = _WORDS[pointer.kind]
        end = "min" if low < 0 or low + size > room else "max"
        raise Refused(
            f"invalid access to {what}, {sized}={room} off={low} size={size}\n"
            f"R{number} {end} value is outside of the allowed memory range"
        )


def _room(number: int, pointer: Reg, *, write: bool) -> int:
    """Return how many bytes there are where a pointer began."""
    kind, found = pointer.kind, pointer.map
    if kind is Kind.VALUE and found is not None:
        flags = found.shape.flags
        if flags & (b.BPF_F_RDONLY_PROG if write else b.BPF_F_WRONLY_PROG):
            what = "write into" if write else "read from"
            raise Refused(f"{what} map forbidden, value_size={found.shape.value_size}")
        return _value_room(pointer)
    if kind is Kind.KEY and found is not None:
        if write:
            raise Refused(f"R{number} cannot write into map_key")
        return found.shape.key_size
    if kind is Kind.RECORD:
        return pointer.size
    raise Refused(f"R{number} invalid mem access '{kind.value}'")


def _value_room(pointer: Reg) -> int:
    """Return bytes of a value; the address of an array's value in the code means all of them."""
    assert pointer.map is not None
    return pointer.size or pointer.map.shape.value_size


def helper_memory(walk: Walk, number: int, low_size: int, size: int, *, write: bool) -> None:
    """Check up to ``size`` bytes that a helper reads or writes through an argument."""
    pointer = walk.read(number)
    if pointer.kind is not Kind.STACK:
        if not size:
            _room(number, pointer, write=write)
        check_memory(number, pointer, 0, size, write=write)
        return
    low, high = pointer.var.slow, pointer.var.shigh + size
    if not size:
        return
    stack.check_range(low, high, f"invalid indirect access to stack R{number}")
    walk.note_depth(pointer.frame, low)
    frame = walk.state.frames[pointer.frame]
    leaks = walk.subject.perfmon
    if not write:
        stack.check_written(frame, low, high, f"R{number}", leaks=leaks)
        return
    if low_size != size or not pointer.var.is_constant:
        stack.check_written(frame, low, high, f"R{number}", leaks=leaks)
    stack.fill(frame, low, high - low, MISC, leaks=leaks)


def move_pointer(number: int, pointer: Reg, by: Reg, operation: int) -> Reg:
    """Return ``pointer`` + or - a number."""
    kind = pointer.kind
    if kind is Kind.CTX and not by.var.is_constant:
        raise Refused("variable ctx access is not allowed")
    if kind not in registers.MOVABLE and kind is not Kind.CTX:
        hint = ", null-check it first" if kind in registers.CERTAIN else ""
        raise Refused(f"R{number} pointer arithmetic on {kind.value} prohibited{hint}")
    if operation == e.SUB and kind is Kind.STACK:
        raise Refused(f"R{number} subtraction from stack pointer prohibited")
    if operation not in (e.ADD, e.SUB):
        raise Refused(f"R{number} bitwise operator on pointer prohibited")
    _check_distance(kind, by.var)
    var = calculate(operation, pointer.var, by.var, 64, is_signed=False)
    _check_distance(kind, var)
    return pointer._replace(var=var)


def _check_distance(kind: Kind, var: scalar.Scalar) -> None:
    if var.slow <= -_FAR or var.slow >= _FAR:
        what = "unbounded min value"
        raise malformed(
            f"math between {kind.value} pointer and register with {what} is not allowed"
            if not var.is_constant
            else f"value {var.slow} makes {kind.value} pointer be out of bounds"
        )
