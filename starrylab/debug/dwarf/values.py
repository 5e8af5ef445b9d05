"""Values: a type at a place, with parts that are made when somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias

from . import places
from .errors import BadDwarf, OptimizedOut, Unavailable
from .frame import FrameState
from .locations import Implicit, ImplicitPointer, InMemory, Location
from .operands import decode_float, encode_float
from .types import (
    Array,
    Base,
    Dimension,
    Dynamic,
    Encoding,
    Enum,
    Member,
    MemberPointer,
    Pointer,
    Struct,
    Type,
)

Number: TypeAlias = "int | float | complex"

#: Elements of an array that are looked at where no number is given.
ELEMENTS: Final = 200


class Owner(Protocol):
    """What values ask of the debug information that their types come from."""

    def bound(self, bound: Dynamic, frame: FrameState, address: int | None) -> int:
        """Return a bound of an array: an expression's value, or a variable's."""

    def member_address(self, offset: Dynamic, frame: FrameState, address: int) -> int:
        """Return where a member is whose place depends on the object."""

    def implied(self, entry: int, frame: FrameState) -> Value:
        """Return the object at an offset of .debug_info that an implicit pointer stands for."""

    def static_member(self, member: Member, frame: FrameState) -> Value:
        """Return a static member of a class."""

    def definition(self, declared: Struct) -> Struct:
        """Return the definition of a structure that is only declared, or the declaration."""


@dataclass(frozen=True, slots=True)
class Value:
    """``type`` at ``place``; ``bit_offset`` and ``bits`` narrow it to a part, or a bit-field."""

    type: Type
    place: Location
    frame: FrameState
    owner: Owner
    bit_offset: int = 0
    bits: int | None = None

    # Reading.

    @property
    def address(self) -> int | None:
        """The run-time address; ``None`` for what is not in memory, or not on a byte."""
        if isinstance(self.place, InMemory) and self.bits is None and not self.bit_offset % 8:
            return self.place.address + self.bit_offset // 8
        return None

    def data(self, size: int | None = None) -> bytes:
        """Return the bytes of the value; raise `Unavailable`."""
        if size is None:
            size = self.size
        if self.bits is not None:
            return self._bits().to_bytes(-(-self.bits // 8), "little").ljust(size, b"\0")
        if self.bit_offset % 8 and size <= places.LARGEST:
            bits = places.read_bits(self.place, self.bit_offset, 8 * size, self.frame)
            return bits.to_bytes(size, "little")
        return places.read_bytes(self.place, self.bit_offset // 8, size, self.frame)

    @property
    def size(self) -> int:
        """Bytes of the value, computed where the type does not say; raise `DebugDataError`."""
        kind = self.type.stripped()
        if isinstance(kind, Struct) and kind.declaration:
            kind = self.owner.definition(kind)
        size = kind.size
        if size is None and isinstance(kind, Array):
            size = (kind.stride or kind.target.size or 0) * self._elements(kind)
        if size is None:
            raise Unavailable("incomplete type")
        return size

    def _elements(self, kind: Array) -> int:
        total = 1
        for dimension in kind.dimensions:
            total *= self.count(dimension)
        return total

    def _bits(self) -> int:
        assert self.bits is not None
        return places.read_bits(self.place, self.bit_offset, self.bits, self.frame)

    def number(self) -> Number:
        """Return a scalar as a number; raise `Unavailable`, or `BadDwarf` for other types."""
        kind = self.type.stripped()
        if isinstance(kind, Base):
            return self._base(kind)
        if isinstance(kind, Enum):
            return self._integer(kind.bytes, kind.is_signed)
        if isinstance(kind, (Pointer, MemberPointer)):
            return self._integer(kind.bytes, False)
        raise BadDwarf("not a number")

    def integer(self) -> int:
        """Return a scalar as an integer; raise `DebugDataError` for fractions and other types."""
        value = self.number()
        if not isinstance(value, int):
            raise BadDwarf("not an integer")
        return value

    def _base(self, kind: Base) -> Number:
        if kind.encoding in (Encoding.FLOAT, Encoding.IMAGINARY_FLOAT):
            return decode_float(self.data(kind.bytes))
        if kind.encoding == Encoding.COMPLEX_FLOAT:
            data, half = self.data(kind.bytes), kind.bytes // 2
            return complex(decode_float(data[:half]), decode_float(data[half:]))
        return self._integer(kind.bytes, kind.is_signed)

    def _integer(self, size: int, signed: bool) -> int:
        bits = self.bits if self.bits is not None else 8 * size
        value = self._bits() if self.bits is not None else int.from_bytes(self.data(size), "little")
        return value - (1 << bits) if signed and bits and value >> bits - 1 else value

    # Parts.

    def cast(self, kind: Type) -> Value:
        """Return the same place seen as another type."""
        return replace(self, type=kind)

    def part(self, kind: Type, bit_offset: int, bits: int | None = None) -> Value:
        """Return a part that starts ``bit_offset`` bits into this value."""
        return replace(self, type=kind, bit_offset=self.bit_offset + bit_offset, bits=bits)

    def dereference(self) -> Value:
        """Return what a pointer or reference points to; raise `DebugDataError`."""
        kind = self.type.stripped()
        if not isinstance(kind, Pointer):
            raise BadDwarf("not a pointer")
        if isinstance(self.place, ImplicitPointer) and not self.bit_offset:
            target = self.owner.implied(self.place.die, self.frame)
            return target.part(kind.target, 8 * self.place.offset)
        return self.at(self.integer(), kind.target)

    def at(self, address: int, kind: Type) -> Value:
        """Return the object of a type at an address."""
        return Value(kind, InMemory(address), self.frame, self.owner)

    def count(self, dimension: Dimension) -> int:
        """Return the number of elements of a dimension; raise `DebugDataError`."""
        if dimension.count is not None:
            return dimension.count
        if dimension.length is not None:
            return max(0, self.owner.bound(dimension.length, self.frame, self.address))
        if dimension.upper is not None:
            upper = self.owner.bound(dimension.upper, self.frame, self.address)
            upper = (upper & (1 << 64) - 1 ^ 1 << 63) - (1 << 63)  # -1: no elements
            return max(0, upper - dimension.lower + 1)
        return 0

    def length(self) -> int:
        """Return the number of elements of an array; raise `DebugDataError`."""
        kind = self.type.stripped()
        if not isinstance(kind, Array):
            raise BadDwarf("not an array")
        return self.count(kind.dimensions[0]) if kind.dimensions else 0

    def element(self, index: int) -> Value:
        """Return an element of an array, from the first one on; raise `DebugDataError`."""
        kind = self.type.stripped()
        if not isinstance(kind, Array):
            raise BadDwarf("not an array")
        step = kind.stride or kind.target.stripped().size
        if step is None:
            step = self.at(0, kind.target).size
        for dimension in kind.dimensions[1:]:
            step *= self.count(dimension)
        return self.part(kind.element, 8 * step * index)

    def member(self, member: Member) -> Value:
        """Return a member of a structure; raise `DebugDataError`."""
        if member.is_static:
            return self.owner.static_member(member, self.frame)
        if isinstance(member.offset, Dynamic):
            if self.address is None:
                raise OptimizedOut("optimized out: a virtual base of an object in no memory")
            address = self.owner.member_address(member.offset, self.frame, self.address)
            return self.at(address, member.target)
        return self.part(member.target, member.offset, member.bits)

    def members(self) -> Iterator[Member]:
        """Yield the members that exist: for a variant part, those of the chosen variant."""
        kind = self.type.stripped()
        if not isinstance(kind, Struct):
            return
        if kind.declaration:
            kind = self.owner.definition(kind)
        yield from kind.body.members
        for part in kind.body.parts:
            value = None
            if part.discriminant is not None:
                value = self.member(part.discriminant).integer()
            chosen = part.choose(value)
            if chosen is not None:
                yield from chosen.members

    # Changing.

    def assign(self, number: int | float) -> None:
        """Store a number, converted to the type; raise `DebugDataError`."""
        kind = self.type.stripped()
        size = self.bits if self.bits is not None else 8 * self.size
        if isinstance(kind, Base) and kind.is_float:
            bits = int.from_bytes(encode_float(float(number), kind.bytes), "little")
        elif isinstance(kind, (Base, Enum, Pointer)):
            bits = int(number)
        else:
            raise BadDwarf("only numbers, characters, enumerators and pointers can be assigned to")
        places.write_bits(self.place, self.bit_offset, size, bits, self.frame)


def constant(kind: Type, number: int | float, frame: FrameState, owner: Owner) -> Value:
    """Return a value that is nowhere but here."""
    stripped = kind.stripped()
    size = min(stripped.size or 8, 64)
    if isinstance(stripped, Base) and stripped.is_float:
        data = encode_float(float(number), size)
    else:
        data = (int(number) & (1 << 8 * size) - 1).to_bytes(size, "little")
    return Value(kind, Implicit(data), frame, owner)
