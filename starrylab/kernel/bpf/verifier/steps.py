"""What each instruction does to what is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ....abi import ebpf as e
from ..instructions import Instruction, immediate
from . import access, calls, registers, scalar
from .arithmetic import calculate, negate, swap
from .compare import refined
from .refusal import Refused, malformed
from .registers import CERTAIN, UNKNOWN, UNSET, Kind, Reg
from .scalar import Scalar, extended, known, low_half
from .state import State

if TYPE_CHECKING:
    from .walk import Walk

Step = Callable[["Walk", Instruction, int], int | None]


# -- arithmetic ------------------------------------------------------------------------------


def _alu(walk: Walk, i: Instruction, index: int) -> int:
    operation = i.code & e.OPERATION
    width = 64 if i.kind == e.ALU64 else 32
    if operation == e.MOV:
        walk.set(i.dst, _moved(walk, i, width))
    elif operation in (e.END, e.NEG):
        value = walk.read(i.dst)
        if value.is_pointer:
            raise Refused(f"R{i.dst} pointer arithmetic prohibited")
        if operation == e.NEG:
            walk.set(i.dst, registers.of(negate(value.var, width)))
        else:
            swaps = width == 64 or bool(i.code & e.TO_BE)
            walk.set(i.dst, registers.of(swap(value.var, i.imm, swaps=swaps)))
    else:
        right = walk.read(i.src) if i.code & e.X else registers.number(i.imm)
        walk.set(i.dst, _two(walk, i, walk.read(i.dst), right, width))
    return index + 1


def _moved(walk: Walk, i: Instruction, width: int) -> Reg:
    if not i.code & e.X:
        return registers.of(known(i.imm if width == 64 else i.imm & scalar.M32))
    source = walk.read(i.src)
    if source.is_pointer:
        if i.off:
            raise Refused(f"R{i.src} sign-extension part of pointer")
        if width == 64:
            return source
        if not walk.subject.perfmon:
            raise Refused(f"R{i.src} partial copy of pointer")
        return registers.of(scalar.between(0, scalar.M32))
    if i.off:
        var = extended(source.var, i.off // 8)
        return registers.of(var if width == 64 else low_half(var))
    if width == 32 and source.var.high > scalar.M32:
        return registers.of(low_half(source.var))
    if not source.var.is_constant and not source.id:
        source = source._replace(id=walk.new_id())
        walk.state.regs[i.src] = source  # both are the same number from now on
    return source


def _two(walk: Walk, i: Instruction, left: Reg, right: Reg, width: int) -> Reg:
    operation = i.code & e.OPERATION
    if not left.is_pointer and not right.is_pointer:
        is_signed = operation in (e.DIV, e.MOD) and i.off == 1
        return registers.of(calculate(operation, left.var, right.var, width, is_signed=is_signed))
    if width == 32:
        raise Refused(f"R{i.dst} 32-bit pointer arithmetic prohibited")
    if left.is_pointer and right.is_pointer:
        if operation != e.SUB or not walk.subject.perfmon:
            raise Refused(
                f"R{i.dst} pointer {'-=' if operation == e.SUB else '+='} pointer prohibited"
            )
        return UNKNOWN
    if i.code & e.X:
        walk.note_pointer_sum()
    if left.is_pointer:
        return access.move_pointer(i.dst, left, right, operation)
    if operation != e.ADD:
        raise Refused(f"R{i.dst} tried to subtract pointer from scalar")
    return access.move_pointer(i.dst, right, left, operation)


# -- memory ----------------------------------------------------------------------------------


def _load(walk: Walk, i: Instruction, index: int) -> int:
    walk.set(i.dst, access.load(walk, i))
    return index + 1


def _store(walk: Walk, i: Instruction, index: int) -> int:
    value = registers.number(i.imm) if i.kind == e.ST else walk.read(i.src)
    access.store(walk, i, value)
    return index + 1


def _store_register(walk: Walk, i: Instruction, index: int) -> int:
    if i.code & e.MODE == e.ATOMIC:
        access.atomic(walk, i)
        return index + 1
    return _store(walk, i, index)


def _load_special(walk: Walk, i: Instruction, index: int) -> int:
    if i.is_wide:
        walk.set(i.dst, _wide(walk, i, index))
        return index + 2
    if not walk.subject.context.reads_packets:
        raise malformed("BPF_LD_[ABS|IND] instructions not allowed for this program type")
    if len(walk.state.frames) > 1 or len(walk.flow.starts) > 1:
        raise malformed("BPF_LD_[ABS|IND] instructions cannot be mixed with bpf-to-bpf calls")
    if walk.state.refs:
        raise malformed("BPF_LD_[ABS|IND] would lead to reference leak")
    if walk.read(e.R6) != Reg(Kind.CTX):
        raise malformed("at the time of BPF_LD_ABS|IND R6 != pointer to skb")
    if i.code & e.MODE == e.IND and walk.read(i.src).is_pointer:
        raise Refused(f"R{i.src} leaks a pointer into BPF_LD_IND")
    for number in range(6):
        walk.state.regs[number] = UNSET
    walk.set(e.R0, registers.of(scalar.between(0, (1 << 8 * i.size) - 1)))
    return index + 1


def _wide(walk: Walk, i: Instruction, index: int) -> Reg:
    if not i.src:
        return registers.number(immediate(walk.subject.code, index))
    if i.src == e.PSEUDO_FUNC:
        if not walk.subject.typed:
            raise malformed("missing btf func_info")
        return Reg(Kind.FUNCTION, function=index + i.imm + 1)
    found = walk.subject.maps.get(index)
    if found is None:
        raise malformed(f"insn {index} names no map")
    if i.src in (e.PSEUDO_MAP_VALUE, e.PSEUDO_MAP_IDX_VALUE):
        return Reg(Kind.VALUE, known(walk.subject.code[index + 1].imm & scalar.M32), found)
    return Reg(Kind.MAP, map=found)


# -- jumps -----------------------------------------------------------------------------------


def _jump(walk: Walk, i: Instruction, index: int) -> int | None:
    if i.code == e.CALL_INSN:
        return calls.call(walk, i, index)
    if i.code == e.EXIT_INSN:
        return calls.leave(walk)
    if i.code in (e.GOTO, e.GOTO_LONG):
        return index + 1 + i.jump()
    return _conditional(walk, i, index)


def _conditional(walk: Walk, i: Instruction, index: int) -> int | None:
    left = walk.read(i.dst)
    right = walk.read(i.src) if i.code & e.X else registers.number(i.imm)
    width = 64 if i.kind == e.JMP else 32
    target = index + 1 + i.off
    if left.is_scalar and right.is_scalar:
        return _compare_numbers(walk, i, (left, right), width, (target, index + 1))
    null = right.is_scalar and right.var == scalar.ZERO and width == 64
    if null and i.code & e.OPERATION in (e.JEQ, e.JNE):
        equal, other = target, index + 1
        if i.code & e.OPERATION == e.JNE:
            equal, other = other, equal
        return _compare_null(walk, left, equal, other)
    if not walk.subject.perfmon:
        raise Refused(f"R{i.dst} pointer comparison prohibited")
    if target != index + 1:
        walk.later(walk.state.copy(), target)
    return index + 1


def _compare_numbers(
    walk: Walk, i: Instruction, both: tuple[Reg, Reg], width: int, ways: tuple[int, int]
) -> int | None:
    """Go both ways, or the only one that is possible."""
    operation = i.code & e.OPERATION
    found = []
    for taken, way in zip((True, False), ways, strict=True):
        pair = refined(operation, both[0].var, both[1].var, width, taken=taken)
        if pair is not None:
            found.append((way, pair))
    if not found:
        return None
    if len(found) == 2:
        way, pair = found[0]
        state = walk.state.copy()
        _learn(state, i, both, pair)
        walk.later(state, way)
    way, pair = found[-1]
    _learn(walk.state, i, both, pair)
    return way


def _learn(
    state: State, i: Instruction, both: tuple[Reg, Reg], pair: tuple[Scalar, Scalar]
) -> None:
    """Note what two numbers are, and those that are the same as one of them."""
    numbers = (i.dst, i.src if i.code & e.X else -1)
    for number, reg, var in zip(numbers, both, pair, strict=True):
        if number < 0 or var == reg.var:
            continue
        if reg.id:
            for where, place, other in list(state.slots()):
                if other.id == reg.id and other.is_scalar:
                    where[place] = other._replace(var=scalar.meet(other.var, var))
        else:
            state.regs[number] = reg._replace(var=var)


def _compare_null(walk: Walk, pointer: Reg, equal: int, other: int) -> int:
    """Go on where a pointer is null, and where it is not."""
    if pointer.kind not in CERTAIN:
        return other  # it never is
    null = walk.state.copy()
    if pointer.kind is Kind.RECORD_OR_NULL:
        null.refs.pop(pointer.ref, None)
    for state, is_null in ((null, True), (walk.state, False)):
        for where, place, reg in list(state.slots()):
            if reg.id == pointer.id and reg.kind in CERTAIN:
                certain = reg._replace(kind=CERTAIN[reg.kind], id=0)
                where[place] = registers.number(0) if is_null else certain
    walk.later(null, equal)
    return other


STEPS: Final[dict[int, Step]] = {
    e.LD: _load_special, e.LDX: _load, e.ST: _store, e.STX: _store_register, e.ALU: _alu,
    e.ALU64: _alu, e.JMP: _jump, e.JMP32: _jump,
}  # fmt: skip
