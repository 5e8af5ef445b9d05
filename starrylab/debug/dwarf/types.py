"""The types of a program, as its debug information describes them (DWARF 5, chapter 5).

A type that refers to others resolves them when asked, so that a list node may point to a list
node.  Sizes are in bytes unless a name says bits; ``None`` means that it is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ..symbols.die import Die

Resolve: TypeAlias = Callable[[], "Type"]


class Encoding(IntEnum):
    """DW_ATE_* (DWARF 5, table 7.11)."""

    ADDRESS = 0x01
    BOOLEAN = 0x02
    COMPLEX_FLOAT = 0x03
    FLOAT = 0x04
    SIGNED = 0x05
    SIGNED_CHAR = 0x06
    UNSIGNED = 0x07
    UNSIGNED_CHAR = 0x08
    IMAGINARY_FLOAT = 0x09
    UTF = 0x10
    UCS = 0x11
    ASCII = 0x12


SIGNED = frozenset({Encoding.SIGNED, Encoding.SIGNED_CHAR})
CHARACTERS = frozenset(
    {Encoding.SIGNED_CHAR, Encoding.UNSIGNED_CHAR, Encoding.UTF, Encoding.UCS, Encoding.ASCII}
)


@dataclass(frozen=True, eq=False)
class Type:
    """Any type; compared by identity, for two units may each have their ``struct stat``."""

    name: str = ""

    @property
    def size(self) -> int | None:
        """Bytes of a value."""
        return None

    def stripped(self) -> Type:
        """Return the type without typedefs and qualifiers."""
        return self


@dataclass(frozen=True, eq=False)
class Void(Type):
    """No type: what ``void *`` points to."""

    name: str = "void"


@dataclass(frozen=True, eq=False)
class Unknown(Type):
    """The type of a variable without debug information."""

    name: str = "<data variable, no debug info>"


@dataclass(frozen=True, eq=False)
class Base(Type):
    """A number, character or truth value."""

    bytes: int = 0
    encoding: int = Encoding.UNSIGNED

    @property
    def size(self) -> int:
        """Bytes of a value."""
        return self.bytes

    @property
    def is_signed(self) -> bool:
        """Whether the highest bit is a sign."""
        return self.encoding in SIGNED

    @property
    def is_float(self) -> bool:
        """Whether values are IEEE fractions."""
        return self.encoding == Encoding.FLOAT

    @property
    def is_character(self) -> bool:
        """Whether values are characters."""
        return self.encoding in CHARACTERS


@dataclass(frozen=True, eq=False)
class _Referring(Type):
    resolve: Resolve = Void

    @cached_property
    def target(self) -> Type:
        """The type that is pointed to, renamed, qualified or repeated."""
        return self.resolve()


@dataclass(frozen=True, eq=False)
class Pointer(_Referring):
    """A pointer or a reference; ``sign`` is ``*``, ``&`` or ``&&``."""

    bytes: int = 8
    sign: str = "*"

    @property
    def size(self) -> int:
        """Bytes of a value."""
        return self.bytes


@dataclass(frozen=True, eq=False)
class MemberPointer(_Referring):
    """A C++ pointer to a member of ``container``."""

    container: Resolve = Void
    bytes: int = 8

    @property
    def size(self) -> int:
        """Bytes of a value."""
        return self.bytes


@dataclass(frozen=True, eq=False)
class Qualified(_Referring):
    """``const``, ``volatile``, ``restrict`` or ``_Atomic`` of another type."""

    qualifier: str = "const"

    @property
    def size(self) -> int | None:
        """Bytes of a value."""
        return self.target.size

    def stripped(self) -> Type:
        """Return the type without typedefs and qualifiers."""
        return strip(self)


@dataclass(frozen=True, eq=False)
class Typedef(_Referring):
    """Another name for a type."""

    @property
    def size(self) -> int | None:
        """Bytes of a value."""
        return self.target.size

    def stripped(self) -> Type:
        """Return the type without typedefs and qualifiers."""
        return strip(self)


def strip(kind: Type) -> Type:
    """Return ``kind`` without typedefs and qualifiers, which broken data may chain for ever."""
    for _ in range(64):
        if not isinstance(kind, (Typedef, Qualified)):
            return kind
        kind = kind.target
    return Void()


@dataclass(frozen=True, slots=True)
class Dynamic:
    """An attribute that has to be computed: an expression, or a reference to a variable."""

    die: Die
    attribute: int  #: DW_AT_*


@dataclass(frozen=True, slots=True)
class Dimension:
    """Indices ``lower`` .. ``lower + count - 1``; both bounds may be computed at run time."""

    count: int | None
    lower: int = 0
    upper: Dynamic | None = None  #: the last index
    length: Dynamic | None = None  #: the number of elements


@dataclass(frozen=True, eq=False)
class Array(_Referring):
    """An array; ``target`` is the type of an element of all dimensions."""

    dimensions: tuple[Dimension, ...] = ()
    stride: int | None = None  #: bytes from one element to the next, where not the element's size
    is_vector: bool = False  #: GNU C vector_size
    language: int = 0  #: DW_LANG_*

    @property
    def size(self) -> int | None:
        """Bytes of a value; ``None`` if a dimension is known at run time only."""
        total = self.stride or self.target.size
        for dimension in self.dimensions:
            if total is None or dimension.count is None:
                return None
            total *= dimension.count
        return total

    @cached_property
    def element(self) -> Type:
        """The type after one index: an array of the other dimensions, or the target."""
        if len(self.dimensions) <= 1:
            return self.target
        return replace(self, name="", dimensions=self.dimensions[1:])


@dataclass(frozen=True, eq=False)
class Member(_Referring):
    """A member, base class or static member of a `Struct`.

    ``offset`` is in bits, or computes the address of the member from that of the object (virtual
    base classes).
    """

    offset: int | Dynamic = 0
    bits: int | None = None  #: size of a bit-field
    is_base: bool = False
    is_static: bool = False
    is_artificial: bool = False
    die: Die | None = None  #: of a static member


@dataclass(frozen=True, slots=True)
class Variant:
    """The members that exist for some values of the discriminant; none given: for all others."""

    values: tuple[tuple[int, int], ...]  #: ranges, both ends included
    members: tuple[Member, ...]

    def covers(self, value: int) -> bool:
        """Tell whether the variant is chosen by a value of the discriminant."""
        return any(low <= value <= high for low, high in self.values)


@dataclass(frozen=True, slots=True)
class VariantPart:
    """A choice of members (Rust's enums; DWARF 5, 5.7.10)."""

    discriminant: Member | None  #: None: there is one variant only
    variants: tuple[Variant, ...]

    def choose(self, value: int | None) -> Variant | None:
        """Return the variant that a value of the discriminant selects."""
        chosen = (v for v in self.variants if value is not None and v.covers(value))
        default = (v for v in self.variants if not v.values)
        return next(chosen, None) or next(default, None)


@dataclass(frozen=True, slots=True)
class Body:
    """What is inside a structure."""

    members: tuple[Member, ...] = ()
    parts: tuple[VariantPart, ...] = ()
    arguments: tuple[tuple[str, Resolve], ...] = ()  #: template parameters that are types


@dataclass(frozen=True, eq=False)
class Struct(Type):
    """A structure, class or union; ``keyword`` says which."""

    keyword: str = "struct"
    bytes: int | None = None
    inside: Callable[[], Body] = Body
    declaration: bool = False  #: declared here, defined elsewhere
    die: Die | None = None

    @property
    def size(self) -> int | None:
        """Bytes of a value."""
        return self.bytes

    @cached_property
    def body(self) -> Body:
        """Members, variants and template parameters."""
        return self.inside()


@dataclass(frozen=True, eq=False)
class Enum(Type):
    """An enumeration."""

    bytes: int = 4
    is_signed: bool = False
    enumerators: tuple[tuple[str, int], ...] = ()
    is_class: bool = False
    die: Die | None = None

    @property
    def size(self) -> int:
        """Bytes of a value."""
        return self.bytes

    @cached_property
    def names(self) -> dict[int, str]:
        """Value -> its first name."""
        found: dict[int, str] = {}
        for name, value in self.enumerators:
            found.setdefault(value, name)
        return found

    @cached_property
    def is_flags(self) -> bool:
        """Whether every enumerator but zero is one bit, as gdb decides."""
        return any(self.names) and all(v >= 0 and v.bit_count() <= 1 for v in self.names)


@dataclass(frozen=True, eq=False)
class Function(_Referring):
    """A function; ``target`` is the type of its result."""

    parameters: tuple[Resolve, ...] = field(default=())
    is_variadic: bool = False
    is_prototyped: bool = True

    @property
    def size(self) -> int:
        """One byte, as sizeof says in GNU C."""
        return 1
