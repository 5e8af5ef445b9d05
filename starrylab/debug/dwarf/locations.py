"""Where a value is: the results of location descriptions (DWARF 5, 2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class InMemory:
    """At a run-time address."""

    address: int


@dataclass(frozen=True, slots=True)
class InRegister:
    """In a register, known by its DWARF number."""

    number: int


@dataclass(frozen=True, slots=True)
class Implicit:
    """Nowhere, but the value is known (DW_OP_stack_value, DW_OP_implicit_value)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ImplicitPointer:
    """A pointer that was optimized away to an object that is described (2.6.1.1.4)."""

    die: int  #: offset of the object's entry in .debug_info
    offset: int  #: bytes from the start of that object


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Not available at this program counter."""

    reason: str = "optimized out"


Simple: TypeAlias = InMemory | InRegister | Implicit | ImplicitPointer | Nowhere


@dataclass(frozen=True, slots=True)
class Piece:
    """``size`` bits of an object, found ``offset`` bits into a place."""

    place: Simple
    size: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Composite:
    """An object that is spread over several places, in ascending order (2.6.1.2)."""

    pieces: tuple[Piece, ...]


Location: TypeAlias = Simple | Composite
