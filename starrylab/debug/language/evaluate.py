"""The value of an expression in a scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from ..dwarf.locations import Implicit
from ..dwarf.types import Array, Base, Pointer, Struct, Type, Unknown
from ..dwarf.types import Member as TypeMember
from ..dwarf.values import Owner, Value, constant
from . import nodes, operators
from .ctypes_lp64 import CHAR, DOUBLE, FLOAT, INT, LONG, UINT, ULONG, array_of, builtin, pointer_to
from .errors import ExpressionError
from .parser import parse

_MOST: Final = 1 << 20  #: elements of ``array @ count``


class Scope(Protocol):
    """What names mean where a program stopped."""

    def variable(self, name: str) -> Value | None:
        """Return a variable, function or enumerator; ``None`` if there is none."""

    def type_named(self, name: str) -> Type | None:
        """Return a type: ``node_t``, or ``struct node``."""

    def register(self, name: str) -> Value | None:
        """Return a register of the selected frame."""

    def blank(self) -> Value:
        """Return any value of the frame, for its memory and registers."""


class Evaluator:
    """Evaluates expressions in one scope.  All methods raise `DebugDataError`, `ImageError`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._near = scope.blank()

    def evaluate(self, text: str) -> Value:
        """Return the value of an expression."""
        return self.value(parse(text, self._is_type))

    def type_or_value(self, text: str) -> tuple[Type, Owner]:
        """Return the type that ``text`` names, or that its value has, and who describes it."""
        node = parse(text, self._is_type)
        if isinstance(node, nodes.TypeName):
            return self.type_of(node), self._near.owner
        if isinstance(node, nodes.Name) and self._is_type(node.text):
            return self.type_of(nodes.TypeName(node.text)), self._near.owner
        value = self._any(node)
        return value.type, value.owner

    def condition(self, text: str) -> bool:
        """Return whether an expression is true, for a conditional breakpoint."""
        return operators.truth(self.evaluate(text))

    def _is_type(self, name: str) -> bool:
        return self._scope.variable(name) is None and self._scope.type_named(name) is not None

    def value(self, node: nodes.Node) -> Value:
        """Return the value of a tree; raise `ExpressionError` for data of an unknown type."""
        found = self._any(node)
        if isinstance(found.type, Unknown):
            name = node.text if isinstance(node, nodes.Name) else "the value"
            raise ExpressionError(f"'{name}' has unknown type; cast it to its declared type")
        return found

    def _any(self, node: nodes.Node) -> Value:
        rule: Callable[[Any], Value] = getattr(self, _RULES[type(node)])
        return rule(node)

    # Constants and names.

    def _number(self, node: nodes.Number) -> Value:
        if isinstance(node.value, float):
            return constant(FLOAT if "f" in node.suffix else DOUBLE, node.value, *self._where())
        kinds = [INT, UINT, LONG, ULONG]
        if "u" in node.suffix:
            kinds = [UINT, ULONG]
        elif node.decimal:
            kinds = [INT, LONG, ULONG]
        if "l" in node.suffix:
            kinds = [kind for kind in kinds if kind.bytes == 8]
        for kind in kinds:
            if node.value < 1 << 8 * kind.bytes - kind.is_signed:
                return constant(kind, node.value, *self._where())
        raise ExpressionError("numeric constant too large")

    def _where(self) -> tuple[Any, Any]:
        return self._near.frame, self._near.owner

    def _character(self, node: nodes.Character) -> Value:
        return constant(CHAR if node.value < 256 else INT, node.value, *self._where())

    def _string(self, node: nodes.String) -> Value:
        data = node.value + b"\0"
        return Value(array_of(CHAR, len(data)), Implicit(data), *self._where())

    def _name(self, node: nodes.Name) -> Value:
        found = self._scope.variable(node.text)
        if found is None:
            if self._scope.type_named(node.text) is not None:
                raise ExpressionError(f"{node.text} is a type, not a value")
            raise ExpressionError(f'no symbol "{node.text}" in current context')
        return found

    def _register(self, node: nodes.Register) -> Value:
        found = self._scope.register(node.text)
        if found is None:
            raise ExpressionError(f"no register ${node.text}")
        return found

    def type_of(self, name: nodes.TypeName) -> Type:
        """Return the type that a cast names."""
        kind = None if name.text == "char" else builtin(name.text)  # its sign is the program's
        kind = kind or self._scope.type_named(name.text) or builtin(name.text)
        if kind is None:
            raise ExpressionError(f"no type named {name.text}")
        for suffix in name.suffixes:
            base = kind
            if isinstance(suffix, int):
                kind = array_of(base, suffix)
            elif suffix == "*":
                kind = pointer_to(base)
            else:
                kind = Pointer("", (lambda target: lambda: target)(base), 8, suffix)
        return kind

    def _type(self, node: nodes.TypeName) -> Value:
        self.type_of(node)
        raise ExpressionError(f"{node.text} is a type, not a value")

    # Operators.

    def _unary(self, node: nodes.Unary) -> Value:
        if node.sign == "&":
            return self._address(node.operand)
        operand = self.value(node.operand)
        if node.sign == "*":
            return self._dereferenced(operand)
        if node.sign in ("++", "--"):
            return self._store(operand, operators.binary(node.sign[0], operand, self._one()))
        return operators.unary(node.sign, operand)

    def _one(self) -> Value:
        return constant(INT, 1, *self._where())

    def _address(self, operand: nodes.Node) -> Value:
        value = self._any(operand)
        kind = value.type.stripped()
        if isinstance(kind, Pointer) and kind.sign != "*":
            value = value.dereference()
        return operators.made(pointer_to(value.type), operators.address_of(value), value)

    def _dereferenced(self, operand: Value) -> Value:
        kind = operand.type.stripped()
        if isinstance(kind, Pointer):
            return operand.dereference()
        value = operators.decayed(operand)
        kind = value.type.stripped()
        if isinstance(kind, Pointer):
            return value.dereference()
        if isinstance(kind, Base) and not kind.is_float:
            return value.at(value.integer(), LONG)  # gdb: *0x1000 is a long there
        raise ExpressionError("attempt to take contents of a non-pointer value")

    def _step(self, node: nodes.Step) -> Value:
        operand = self.value(node.operand)
        old = operators.converted(operand.type, operand)
        self._store(operand, operators.binary(node.sign[0], operand, self._one()))
        return old

    def _binary(self, node: nodes.Binary) -> Value:
        if node.sign in ("&&", "||"):
            result = operators.truth(self.value(node.left))
            if result != (node.sign == "||"):
                result = operators.truth(self.value(node.right))
            return constant(INT, int(result), *self._where())
        left, right = self.value(node.left), self.value(node.right)
        if node.sign == ",":
            return right
        if node.sign == "@":
            return self._repeated(left, right)
        if node.sign in ("==", "!=") and nodes.String in (type(node.left), type(node.right)):
            return self._same_text(node.sign, left, right)
        return operators.binary(node.sign, left, right)

    def _same_text(self, sign: str, left: Value, right: Value) -> Value:
        """Compare with a string literal: the characters, not the addresses."""
        texts = [operators.text_of(left), operators.text_of(right)]
        if None in texts:
            raise ExpressionError("only a string can be compared with a string")
        return constant(INT, int((texts[0] == texts[1]) == (sign == "==")), *self._where())

    def _repeated(self, first: Value, count: Value) -> Value:
        operators.address_of(first)
        number = count.integer()
        if not 0 < number <= _MOST:
            raise ExpressionError("invalid number of repetitions after '@'")
        return first.cast(array_of(first.type, number))

    def _choice(self, node: nodes.Choice) -> Value:
        chosen = node.yes if operators.truth(self.value(node.condition)) else node.no
        return self.value(chosen)

    def _assign(self, node: nodes.Assign) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if node.sign:
            right = operators.binary(node.sign, left, right)
        return self._store(left, right)

    def _store(self, target: Value, value: Value) -> Value:
        kind = target.type.stripped()
        if isinstance(kind, Pointer) and kind.sign != "*":
            target = target.dereference()
        if isinstance(target.type.stripped(), Struct):
            return self._copy(target, value)
        target.assign(operators.scalar(value))
        return target

    @staticmethod
    def _copy(target: Value, value: Value) -> Value:
        if value.size != target.size or not isinstance(value.type.stripped(), Struct):
            raise ExpressionError("a structure is assigned from one of its own type")
        address = operators.address_of(target)
        target.frame.memory.write(address, value.data())
        return target

    # Parts.

    def _index(self, node: nodes.Index) -> Value:
        array, index = self.value(node.array), self.value(node.index)
        kind = array.type.stripped()
        if isinstance(kind, Pointer) and kind.sign != "*":
            array = array.dereference()
            kind = array.type.stripped()
        if isinstance(kind, Array):
            lower = kind.dimensions[0].lower if kind.dimensions else 0
            return array.element(index.integer() - lower)
        if isinstance(kind, Pointer):
            return operators.binary("+", array, index).dereference()
        raise ExpressionError("only arrays and pointers can be indexed")

    def _member(self, node: nodes.Member) -> Value:
        found = self.value(node.object)
        for _ in range(8):  # references and pointers to pointers; gdb takes . for -> as well
            kind = found.type.stripped()
            if not isinstance(kind, Pointer):
                break
            found = found.dereference()
        if not isinstance(found.type.stripped(), Struct):
            raise ExpressionError(
                "attempt to extract a component of a value that is not a structure"
            )
        member = find_member(found, node.name)
        if member is None:
            raise ExpressionError(f"there is no member named {node.name}")
        return member

    def _cast(self, node: nodes.Cast) -> Value:
        kind = self.type_of(node.type)
        operand = self._any(node.operand)
        target = kind.stripped()
        if isinstance(operand.type, Unknown):
            return operand.cast(kind)
        if isinstance(target, (Struct, Array)) and operand.address is not None:
            return operand.cast(kind)
        if isinstance(target, Pointer) and target.sign != "*":
            return operand.cast(target.target)
        return operators.converted(kind, operand)

    def _sizeof(self, node: nodes.SizeOf) -> Value:
        if isinstance(node.operand, nodes.TypeName):
            kind = self.type_of(node.operand)
            size = self._near.at(0, kind).size
        else:
            size = self.value(node.operand).size
        return constant(ULONG, size, *self._where())

    def _call(self, node: nodes.Call) -> Value:
        raise ExpressionError("functions cannot be called: the program would have to run")


def find_member(value: Value, name: str, depth: int = 8) -> Value | None:
    """Return a member by name, also of base classes and anonymous members."""
    members = list(value.members())
    for wanted in (name, f"__{name}"):  # Rust's tuples have __0, __1
        for member in members:
            if member.name == wanted and not member.is_base:
                return value.member(member)
    for member in members if depth else ():
        if _is_open(member):
            found = find_member(value.member(member), name, depth - 1)
            if found is not None:
                return found
    return None


def _is_open(member: TypeMember) -> bool:
    return member.is_base or (not member.name and isinstance(member.target.stripped(), Struct))


_RULES: Final[dict[type, str]] = {
    nodes.Number: "_number",
    nodes.Character: "_character",
    nodes.String: "_string",
    nodes.Name: "_name",
    nodes.Register: "_register",
    nodes.TypeName: "_type",
    nodes.Unary: "_unary",
    nodes.Step: "_step",
    nodes.Binary: "_binary",
    nodes.Assign: "_assign",
    nodes.Choice: "_choice",
    nodes.Member: "_member",
    nodes.Index: "_index",
    nodes.Cast: "_cast",
    nodes.SizeOf: "_sizeof",
    nodes.Call: "_call",
}
