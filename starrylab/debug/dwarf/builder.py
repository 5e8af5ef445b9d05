"""From debugging information entries to types; an entry is read when its type is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ..symbols.die import Die
from . import dw
from .errors import BadDwarf
from .scopes import Scopes
from .types import (
    Array,
    Base,
    Body,
    Dimension,
    Dynamic,
    Encoding,
    Enum,
    Function,
    Member,
    MemberPointer,
    Pointer,
    Qualified,
    Resolve,
    Struct,
    Type,
    Typedef,
    Variant,
    VariantPart,
    Void,
)

_SIGNS: Final = {
    dw.TAG_POINTER_TYPE: "*",
    dw.TAG_REFERENCE_TYPE: "&",
    dw.TAG_RVALUE_REFERENCE_TYPE: "&&",
}
_QUALIFIERS: Final = {
    dw.TAG_CONST_TYPE: "const",
    dw.TAG_VOLATILE_TYPE: "volatile",
    dw.TAG_RESTRICT_TYPE: "restrict",
    dw.TAG_ATOMIC_TYPE: "_Atomic",
}
_LARGEST: Final = 64  #: bytes of a number
_KEYWORDS: Final = {
    dw.TAG_STRUCTURE_TYPE: "struct",
    dw.TAG_CLASS_TYPE: "class",
    dw.TAG_UNION_TYPE: "union",
}


class TypeBuilder:
    """Makes each type of a file once."""

    def __init__(self) -> None:
        self.scopes = Scopes()
        self._known: dict[tuple[int, bool, int], Type] = {}

    def of(self, die: Die | None) -> Type:
        """Return the type that an entry describes; no entry is ``void``."""
        if die is None:
            return Void()
        key = (id(die.unit.info), die.unit.types, die.offset)
        found = self._known.get(key)
        if found is None:
            whole = die.reference(dw.AT_SIGNATURE)  # the type itself is in a type unit
            if whole is not None and dw.AT_SIGNATURE not in whole:
                die = whole
            rule = _RULES.get(die.tag)
            if rule is None:
                raise BadDwarf(f"the entry at {die.offset:#x} is no type")
            found = self._known[key] = rule(self, die)
        return found

    def typed(self, die: Die) -> Type:
        """Return the type of a variable, member or parameter, from where it was declared."""
        for origin in die.origins():
            if dw.AT_TYPE in origin:
                return self.of(origin.reference(dw.AT_TYPE))
        return Void()

    def later(self, die: Die, attribute: int = dw.AT_TYPE) -> Resolve:
        """Return a promise of the type that an attribute refers to."""
        return lambda: self.of(die.reference(attribute))

    # One rule for each kind of entry.

    def base(self, die: Die) -> Type:
        """Return a number type."""
        encoding = die.number(dw.AT_ENCODING) or Encoding.UNSIGNED
        return Base(die.name, _size(die), encoding)

    def string(self, die: Die) -> Type:
        """Return Fortran's CHARACTER."""
        char = Base("char", 1, Encoding.SIGNED_CHAR)
        return Array(die.name, lambda: char, (Dimension(die.number(dw.AT_BYTE_SIZE) or 0),))

    def unspecified(self, die: Die) -> Type:
        """Return a type without a description, such as that of nullptr."""
        return Void(die.name or "void")

    def pointer(self, die: Die) -> Type:
        """Return a pointer or reference type."""
        size = die.number(dw.AT_BYTE_SIZE)
        size = die.unit.address_size if size is None else size
        return Pointer(die.name, self.later(die), size, _SIGNS[die.tag])

    def member_pointer(self, die: Die) -> Type:
        """Return a C++ pointer to a member."""
        container = self.later(die, dw.AT_CONTAINING_TYPE)
        target = die.reference(dw.AT_TYPE)
        is_method = target is not None and target.tag == dw.TAG_SUBROUTINE_TYPE
        size = die.unit.address_size * (2 if is_method else 1)
        return MemberPointer(die.name, self.later(die), container, size)

    def qualified(self, die: Die) -> Type:
        """Return a type with a qualifier."""
        return Qualified("", self.later(die), _QUALIFIERS[die.tag])

    def typedef(self, die: Die) -> Type:
        """Return another name of a type."""
        return Typedef(self.scopes.qualified(die), self.later(die))

    def function(self, die: Die) -> Type:
        """Return the type of a function."""
        parameters = []
        variadic = False
        for child in die.children():
            if child.tag == dw.TAG_FORMAL_PARAMETER:
                parameters.append(self._typed_later(child))
            variadic = variadic or child.tag == dw.TAG_UNSPECIFIED_PARAMETERS
        prototyped = die.flag(dw.AT_PROTOTYPED) or die.unit.language not in dw.LANG_C
        result = self._typed_later(die)
        return Function("", result, tuple(parameters), variadic, prototyped)

    def _typed_later(self, die: Die) -> Resolve:
        return lambda: self.typed(die)

    def array(self, die: Die) -> Type:
        """Return an array type."""
        children = [c for c in die.children() if c.tag in _DIMENSIONS]
        dimensions = tuple(self._dimension(child) for child in children)
        stride = die.number(dw.AT_BYTE_STRIDE)
        vector = die.flag(dw.AT_GNU_VECTOR)
        return Array(
            die.name,
            self.later(die),
            dimensions or (Dimension(None),),
            stride,
            vector,
            die.unit.language,
        )

    def _dimension(self, die: Die) -> Dimension:
        if die.tag == dw.TAG_ENUMERATION_TYPE:
            return Dimension(sum(c.tag == dw.TAG_ENUMERATOR for c in die.children()))
        lower = die.number(dw.AT_LOWER_BOUND)
        if lower is None:
            lower = int(die.unit.language in dw.FROM_ONE)
        count, upper = _constant(die, dw.AT_COUNT), _constant(die, dw.AT_UPPER_BOUND)
        if isinstance(count, int):
            return Dimension(max(count, 0), lower)
        if isinstance(upper, int):
            # A size of zero is written as an upper bound of -1, in whatever width.
            is_minus_one = upper in (-1, 0xFFFFFFFF, (1 << 64) - 1)
            return Dimension(0 if is_minus_one else max(upper - lower + 1, 0), lower)
        return Dimension(None, lower, upper, count)

    def subrange(self, die: Die) -> Type:
        """Return the type that a range is taken from."""
        return self.of(die.reference(dw.AT_TYPE))

    def enum(self, die: Die) -> Type:
        """Return an enumeration."""
        size = _size(die)
        names = [
            (child.name, child.number(dw.AT_CONST_VALUE) or 0)
            for child in die.children()
            if child.tag == dw.TAG_ENUMERATOR
        ]
        underlying = die.reference(dw.AT_TYPE)
        signed = any(value < 0 for _, value in names)
        if underlying is not None:
            base = self.of(underlying).stripped()
            signed = base.is_signed if isinstance(base, Base) else signed
        bits = 8 * size
        known = tuple((name, cut(value, bits, signed)) for name, value in names)
        is_class = die.flag(dw.AT_ENUM_CLASS)
        return Enum(self.scopes.qualified(die), size, signed, known, is_class, die)

    # Structures.

    def struct(self, die: Die) -> Type:
        """Return a structure, class or union."""
        size = die.number(dw.AT_BYTE_SIZE)
        declared = die.flag(dw.AT_DECLARATION)
        name = self.scopes.qualified(die)
        return Struct(name, _KEYWORDS[die.tag], size, lambda: self._body(die), declared, die)

    def _body(self, die: Die) -> Body:
        members: list[Member] = []
        parts: list[VariantPart] = []
        arguments: list[tuple[str, Resolve]] = []
        for child in die.children():
            if child.tag in _MEMBERS:
                members.append(self.member(child))
            elif child.tag == dw.TAG_VARIANT_PART:
                parts.append(self._variant_part(child))
            elif child.tag == dw.TAG_TEMPLATE_TYPE:
                arguments.append((child.name, self.later(child)))
        return Body(tuple(members), tuple(parts), tuple(arguments))

    def member(self, die: Die) -> Member:
        """Return a member, base class or static member."""
        is_base = die.tag == dw.TAG_INHERITANCE
        # A static member is a variable (DWARF 5), or a declared member without a place.
        is_static = die.tag == dw.TAG_VARIABLE or (
            die.flag(dw.AT_EXTERNAL) and die.flag(dw.AT_DECLARATION)
        )
        target = self.later(die)
        bits = die.number(dw.AT_BIT_SIZE)
        if bits is not None and not 0 <= bits <= 8 * _LARGEST:
            raise BadDwarf(f"a bit-field of {bits} bits")
        name = die.name
        if is_base and not name:
            base = die.reference(dw.AT_TYPE)
            name = self.scopes.qualified(base) if base is not None else ""
        return Member(
            name,
            target,
            self._offset(die),
            bits,
            is_base,
            is_static,
            die.flag(dw.AT_ARTIFICIAL),
            die,
        )

    def _offset(self, die: Die) -> int | Dynamic:
        """Return where a member starts, in bits (DWARF 5, 5.7.6; DWARF 3 for the old form)."""
        new = die.number(dw.AT_DATA_BIT_OFFSET)
        if new is not None:
            return new
        place = _constant(die, dw.AT_DATA_MEMBER_LOCATION)
        if isinstance(place, Dynamic):
            simple = _plus_uconst(die.block(dw.AT_DATA_MEMBER_LOCATION) or b"")
            if simple is None:
                return place
            place = simple
        bits = 8 * (place or 0)
        old = die.number(dw.AT_BIT_OFFSET)
        if old is None:
            return bits
        # Counted from the most significant bit of a storage unit.
        storage = die.number(dw.AT_BYTE_SIZE) or self.typed(die).size or 0
        return bits + 8 * storage - old - (die.number(dw.AT_BIT_SIZE) or 0)

    def _variant_part(self, die: Die) -> VariantPart:
        discriminant = die.reference(dw.AT_DISCR)
        tag = self.member(discriminant) if discriminant is not None else None
        size = 0
        if tag is not None:
            size = 8 * min(tag.target.size or 0, _LARGEST)
        variants = [
            Variant(
                tuple(_discriminants(child, size)),
                tuple(self.member(m) for m in child.children() if m.tag in _MEMBERS),
            )
            for child in die.children()
            if child.tag == dw.TAG_VARIANT
        ]
        return VariantPart(tag, tuple(variants))


def _discriminants(die: Die, bits: int) -> Iterator[tuple[int, int]]:
    """Yield the values that select a variant, as unsigned numbers of the tag's size."""
    mask = (1 << bits) - 1 if bits else -1
    value = die.number(dw.AT_DISCR_VALUE)
    if value is None and (block := die.block(dw.AT_DISCR_VALUE)):
        value = int.from_bytes(block, "little")
    if value is not None:
        yield value & mask, value & mask


def _size(die: Die) -> int:
    """Return the bytes of a number: DW_AT_byte_size, or what DW_AT_bit_size fills."""
    size = die.number(dw.AT_BYTE_SIZE)
    if size is None:
        size = -(-(die.number(dw.AT_BIT_SIZE) or 0) // 8)
    if not 0 <= size <= _LARGEST:
        raise BadDwarf(f"a number of {size} bytes")
    return size


def _constant(die: Die, attribute: int) -> int | Dynamic | None:
    """Return an attribute that is a number, or is to be computed; ``None`` without it."""
    value = die.get(attribute)
    if value is None:
        return None
    if isinstance(value.raw, bytes) or die.reference(attribute) is not None:
        return Dynamic(die, attribute)
    return value.raw


def _plus_uconst(code: bytes) -> int | None:
    """Return the operand of a lone DW_OP_plus_uconst, as DWARF 2 wrote offsets."""
    from .cursor import Cursor
    from .opcodes import Op

    if code[:1] != bytes((Op.PLUS_UCONST,)):
        return None
    cursor = Cursor(code, 1)
    value = cursor.uleb()
    return None if cursor else value


def cut(value: int, bits: int, signed: bool) -> int:
    """Return the low ``bits`` of a number, as a signed one if asked for."""
    if not bits:
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> bits - 1 else value


_DIMENSIONS: Final = frozenset({dw.TAG_SUBRANGE_TYPE, dw.TAG_ENUMERATION_TYPE})
_MEMBERS: Final = frozenset({dw.TAG_MEMBER, dw.TAG_INHERITANCE, dw.TAG_VARIABLE})

_RULES: Final[dict[int, Callable[[TypeBuilder, Die], Type]]] = {
    dw.TAG_BASE_TYPE: TypeBuilder.base,
    dw.TAG_STRING_TYPE: TypeBuilder.string,
    dw.TAG_UNSPECIFIED_TYPE: TypeBuilder.unspecified,
    dw.TAG_PTR_TO_MEMBER_TYPE: TypeBuilder.member_pointer,
    dw.TAG_TYPEDEF: TypeBuilder.typedef,
    dw.TAG_SUBROUTINE_TYPE: TypeBuilder.function,
    dw.TAG_SUBPROGRAM: TypeBuilder.function,
    dw.TAG_ARRAY_TYPE: TypeBuilder.array,
    dw.TAG_SUBRANGE_TYPE: TypeBuilder.subrange,
    dw.TAG_ENUMERATION_TYPE: TypeBuilder.enum,
    **dict.fromkeys(_SIGNS, TypeBuilder.pointer),
    **dict.fromkeys(_QUALIFIERS, TypeBuilder.qualified),
    **dict.fromkeys(_KEYWORDS, TypeBuilder.struct),
}
