"""What each operation of a DWARF expression does (DWARF 5, 2.5.1; GNU's from GCC's wiki)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .errors import BadDwarf, Unavailable
from .locations import Implicit, ImplicitPointer, InRegister
from .opcodes import Op
from .operands import Kind, decode, unary, wrap

if TYPE_CHECKING:
    from .cursor import Cursor
    from .expression import Evaluation

_WIDEST: Final = 64  #: bytes of a base type that an expression computes with

_Handler = Callable[["Evaluation", "Cursor"], None]


def _const(size: int, *, signed: bool = False) -> _Handler:
    def push(e: Evaluation, c: Cursor) -> None:
        e.number(c.signed(size) if signed else c.unsigned(size))

    return push


def _addr(e: Evaluation, c: Cursor) -> None:
    e.number(e.env.relocate(c.unsigned(e.generic.size)))


def _addrx(e: Evaluation, c: Cursor) -> None:
    e.number(e.env.relocate(e.env.address_at(c.uleb())))


def _rot(e: Evaluation, _c: Cursor) -> None:
    e.peek(2)
    e.stack.insert(-2, e.stack.pop())


def _drop(e: Evaluation, _c: Cursor) -> None:
    e.pop()


def _swap(e: Evaluation, _c: Cursor) -> None:
    e.peek(1)
    e.stack.insert(-1, e.stack.pop())


def _unary(opcode: int) -> _Handler:
    return lambda e, _: e.push(unary(opcode, e.pop()))


def _plus_uconst(e: Evaluation, c: Cursor) -> None:
    left = e.pop()
    e.push(wrap(left.kind, left.integer() + c.uleb()))


def _skip(_e: Evaluation, c: Cursor) -> None:
    target = c.signed(2) + c.at
    if not 0 <= target <= c.end:
        raise BadDwarf("an expression branches out of itself")
    c.at = target


def _bra(e: Evaluation, c: Cursor) -> None:
    if e.pop().integer():
        _skip(e, c)
    else:
        c.take(2)


def _regx(e: Evaluation, c: Cursor) -> None:
    e.place = InRegister(c.uleb())


def _bregx(e: Evaluation, c: Cursor) -> None:
    number = c.uleb()
    e.number(e.env.register(number) + c.sleb())


def _fbreg(e: Evaluation, c: Cursor) -> None:
    offset = c.sleb()
    e.number(e.env.frame_base() + offset)


def _deref_size(e: Evaluation, c: Cursor) -> None:
    size = c.unsigned(1)
    if not 0 < size <= e.generic.size:
        raise BadDwarf(f"an access of {size} bytes for an address-sized value")
    e.number(e.load(Kind("u", size)).integer())


def _typed(e: Evaluation, c: Cursor) -> Kind:
    kind = e.env.kind(c.uleb())
    if not 0 < kind.size <= _WIDEST:
        raise BadDwarf(f"a base type of {kind.size} bytes in an expression")
    return kind


def _deref_type(e: Evaluation, c: Cursor) -> None:
    size = c.unsigned(1)
    kind = _typed(e, c)
    if size != kind.size:
        raise BadDwarf(f"an access of {size} bytes for a type of {kind.size}")
    e.push(e.load(kind))


def _no_spaces(_e: Evaluation, _c: Cursor) -> None:
    raise BadDwarf("there are no address spaces on this machine")


def _implicit_value(e: Evaluation, c: Cursor) -> None:
    e.place = Implicit(c.take(c.uleb()))


def _stack_value(e: Evaluation, _c: Cursor) -> None:
    e.place = Implicit(e.pop().to_bytes())


def _implicit_pointer(e: Evaluation, c: Cursor) -> None:
    die = c.unsigned(e.env.offset_size)
    e.place = ImplicitPointer(die, c.sleb())


def _piece(e: Evaluation, c: Cursor) -> None:
    e.piece(8 * c.uleb(), 0)


def _bit_piece(e: Evaluation, c: Cursor) -> None:
    size = c.uleb()
    e.piece(size, c.uleb())


def _entry_value(e: Evaluation, c: Cursor) -> None:
    e.number(e.env.entry_value(c.take(c.uleb())))


def _const_type(e: Evaluation, c: Cursor) -> None:
    kind = _typed(e, c)
    data = c.take(c.unsigned(1))
    if len(data) != kind.size:
        raise BadDwarf(f"a constant of {len(data)} bytes for a type of {kind.size}")
    e.push(decode(kind, data))


def _regval_type(e: Evaluation, c: Cursor) -> None:
    number = c.uleb()
    kind = _typed(e, c)
    bits = e.env.register(number) & (1 << 8 * kind.size) - 1
    e.push(decode(kind, bits.to_bytes(kind.size, "little")))


def _target(e: Evaluation, c: Cursor) -> Kind:
    """Return the type to convert to; offset 0 stands for the generic type."""
    mark = c.at
    if c.uleb() == 0:
        return e.generic
    c.at = mark
    return _typed(e, c)


def _convert(e: Evaluation, c: Cursor) -> None:
    kind = _target(e, c)
    operand = e.pop()
    e.push(wrap(kind, operand.value))


def _reinterpret(e: Evaluation, c: Cursor) -> None:
    kind = _target(e, c)
    data = e.pop().to_bytes()
    if len(data) != kind.size:
        raise BadDwarf("a reinterpretation as a type of another size")
    e.push(decode(kind, data))


def _parameter_ref(_e: Evaluation, c: Cursor) -> None:
    c.take(4)
    raise Unavailable("optimized out: the caller's argument is not described")


def _variable_value(e: Evaluation, c: Cursor) -> None:
    e.number(e.env.variable(c.unsigned(e.env.offset_size)))


#: What may stand between a complete location and the end or its piece.
AFTER_PLACE: Final = frozenset({Op.PIECE, Op.BIT_PIECE, Op.NOP, Op.GNU_UNINIT})

HANDLERS: Final[dict[int, _Handler]] = {
    Op.ADDR: _addr,
    Op.DEREF: lambda e, _: e.push(e.load(e.generic)),
    Op.CONST1U: _const(1),
    Op.CONST1S: _const(1, signed=True),
    Op.CONST2U: _const(2),
    Op.CONST2S: _const(2, signed=True),
    Op.CONST4U: _const(4),
    Op.CONST4S: _const(4, signed=True),
    Op.CONST8U: _const(8),
    Op.CONST8S: _const(8, signed=True),
    Op.CONSTU: lambda e, c: e.number(c.uleb()),
    Op.CONSTS: lambda e, c: e.number(c.sleb()),
    Op.DUP: lambda e, _: e.push(e.peek(0)),
    Op.DROP: _drop,
    Op.OVER: lambda e, _: e.push(e.peek(1)),
    Op.PICK: lambda e, c: e.push(e.peek(c.unsigned(1))),
    Op.SWAP: _swap,
    Op.ROT: _rot,
    Op.XDEREF: _no_spaces,
    Op.XDEREF_SIZE: _no_spaces,
    Op.XDEREF_TYPE: _no_spaces,
    Op.ABS: _unary(Op.ABS),
    Op.NEG: _unary(Op.NEG),
    Op.NOT: _unary(Op.NOT),
    Op.PLUS_UCONST: _plus_uconst,
    Op.BRA: _bra,
    Op.SKIP: _skip,
    Op.REGX: _regx,
    Op.FBREG: _fbreg,
    Op.BREGX: _bregx,
    Op.PIECE: _piece,
    Op.BIT_PIECE: _bit_piece,
    Op.DEREF_SIZE: _deref_size,
    Op.NOP: lambda *_: None,
    Op.GNU_UNINIT: lambda *_: None,
    Op.PUSH_OBJECT_ADDRESS: lambda e, _: e.number(e.env.object_address()),
    Op.CALL2: lambda e, c: e.call(c.unsigned(2), in_unit=True),
    Op.CALL4: lambda e, c: e.call(c.unsigned(4), in_unit=True),
    Op.CALL_REF: lambda e, c: e.call(c.unsigned(e.env.offset_size), in_unit=False),
    Op.FORM_TLS_ADDRESS: lambda e, _: e.number(e.env.tls(e.address())),
    Op.GNU_PUSH_TLS_ADDRESS: lambda e, _: e.number(e.env.tls(e.address())),
    Op.CALL_FRAME_CFA: lambda e, _: e.number(e.env.cfa()),
    Op.IMPLICIT_VALUE: _implicit_value,
    Op.STACK_VALUE: _stack_value,
    Op.IMPLICIT_POINTER: _implicit_pointer,
    Op.GNU_IMPLICIT_POINTER: _implicit_pointer,
    Op.ADDRX: _addrx,
    Op.GNU_ADDR_INDEX: _addrx,
    Op.CONSTX: lambda e, c: e.number(e.env.address_at(c.uleb())),
    Op.GNU_CONST_INDEX: lambda e, c: e.number(e.env.address_at(c.uleb())),
    Op.ENTRY_VALUE: _entry_value,
    Op.GNU_ENTRY_VALUE: _entry_value,
    Op.CONST_TYPE: _const_type,
    Op.GNU_CONST_TYPE: _const_type,
    Op.REGVAL_TYPE: _regval_type,
    Op.GNU_REGVAL_TYPE: _regval_type,
    Op.DEREF_TYPE: _deref_type,
    Op.GNU_DEREF_TYPE: _deref_type,
    Op.CONVERT: _convert,
    Op.GNU_CONVERT: _convert,
    Op.REINTERPRET: _reinterpret,
    Op.GNU_REINTERPRET: _reinterpret,
    Op.GNU_PARAMETER_REF: _parameter_ref,
    Op.GNU_VARIABLE_VALUE: _variable_value,
}
