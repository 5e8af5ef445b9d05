"""C's own types as 64-bit Linux has them (LP64), and the usual conversions (C11, 6.3.1)."""

from __future__ import annotations

from typing import Final

from ..dwarf.types import Array, Base, Dimension, Encoding, Enum, Pointer, Type, Void

CHAR: Final = Base("char", 1, Encoding.UNSIGNED_CHAR)
INT: Final = Base("int", 4, Encoding.SIGNED)
UINT: Final = Base("unsigned int", 4, Encoding.UNSIGNED)
LONG: Final = Base("long", 8, Encoding.SIGNED)
ULONG: Final = Base("unsigned long", 8, Encoding.UNSIGNED)
DOUBLE: Final = Base("double", 8, Encoding.FLOAT)
FLOAT: Final = Base("float", 4, Encoding.FLOAT)

_TYPES: Final[dict[str, Type]] = {
    "void": Void(),
    "char": CHAR,
    "signed char": Base("signed char", 1, Encoding.SIGNED_CHAR),
    "unsigned char": Base("unsigned char", 1, Encoding.UNSIGNED_CHAR),
    "short": Base("short", 2, Encoding.SIGNED),
    "unsigned short": Base("unsigned short", 2, Encoding.UNSIGNED),
    "int": INT,
    "unsigned int": UINT,
    "long": LONG,
    "unsigned long": ULONG,
    "long long": Base("long long", 8, Encoding.SIGNED),
    "unsigned long long": Base("unsigned long long", 8, Encoding.UNSIGNED),
    "float": FLOAT,
    "double": DOUBLE,
    "long double": Base("long double", 16, Encoding.FLOAT),
    "_Bool": Base("_Bool", 1, Encoding.BOOLEAN),
    "bool": Base("bool", 1, Encoding.BOOLEAN),
}


def builtin(name: str) -> Type | None:
    """Return the type that words such as ``unsigned long int`` mean, in any order."""
    words = name.split()
    unsigned = "unsigned" in words
    signed = "signed" in words
    rest = [word for word in words if word not in ("signed", "unsigned")]
    if len(rest) > 1 and "int" in rest:
        rest.remove("int")
    rest.sort(key=lambda word: word in ("double", "int"))  # "int long" is "long"
    name = " ".join(rest) or "int"
    prefix = "unsigned " if unsigned else "signed " if signed and name == "char" else ""
    return _TYPES.get(prefix + name)


def pointer_to(kind: Type) -> Pointer:
    """Return the type of a pointer to another."""
    return Pointer("", lambda: kind)


def array_of(kind: Type, count: int) -> Array:
    """Return the type of an array."""
    return Array("", lambda: kind, (Dimension(count),))


def is_float(kind: Type) -> bool:
    """Tell whether values of a type, stripped, are fractions."""
    return isinstance(kind, Base) and kind.is_float


def common(left: Type, right: Type) -> Base:
    """Return the type in which two numbers are added (C11, 6.3.1.8)."""
    if is_float(left) or is_float(right):
        sizes = [k.size or 0 for k in (left, right) if is_float(k)]
        return DOUBLE if max(sizes) >= 8 else FLOAT
    a, b = promoted(left), promoted(right)
    if a.bytes != b.bytes:
        return max(a, b, key=lambda kind: kind.bytes)
    return a if not a.is_signed else b


def promoted(kind: Type) -> Base:
    """Return the type that a number is computed with on its own (C11, 6.3.1.1)."""
    size = kind.size or 8
    if isinstance(kind, Base) and kind.is_float:
        return kind
    signed = not isinstance(kind, Base) or kind.is_signed
    if isinstance(kind, Enum):
        signed = kind.is_signed
    if size < 4:
        return INT
    if size == 4:
        return INT if signed else UINT
    if size == 8:
        return LONG if signed else ULONG
    return Base(kind.name, size, Encoding.SIGNED if signed else Encoding.UNSIGNED)
