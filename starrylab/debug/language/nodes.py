"""The tree of an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or fraction; ``suffix`` in lower case: u, l, ul, f."""

    value: int | float
    suffix: str = ""
    decimal: bool = True


@dataclass(frozen=True, slots=True)
class Character:
    """A character constant."""

    value: int


@dataclass(frozen=True, slots=True)
class String:
    """A string literal."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, function or enumerator, with its namespaces."""

    text: str


@dataclass(frozen=True, slots=True)
class Register:
    """A register, without the dollar sign."""

    text: str


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as a cast or sizeof writes it: ``struct node **``, ``int [3]``."""

    text: str  #: "struct node", "unsigned long", "ns::name"
    suffixes: tuple[str | int, ...] = ()  #: "*", "&", or the size of an array


@dataclass(frozen=True, slots=True)
class Unary:
    """``- ! ~ * & + ++ --`` in front."""

    sign: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Step:
    """``++`` or ``--`` behind: the value is the old one."""

    sign: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands; also ``@`` and ``,``."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Assign:
    """``=``, or ``sign`` for ``+=`` and its like."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Choice:
    """``condition ? yes : no``."""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Member:
    """``object.name`` or ``pointer->name``."""

    object: Node
    name: str
    arrow: bool


@dataclass(frozen=True, slots=True)
class Index:
    """``array[index]``."""

    array: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Cast:
    """``(type)operand``."""

    type: TypeName
    operand: Node


@dataclass(frozen=True, slots=True)
class SizeOf:
    """``sizeof operand`` or ``sizeof(type)``."""

    operand: Node | TypeName


@dataclass(frozen=True, slots=True)
class Call:
    """A call, which cannot be done: the program would have to run."""

    function: Node


Node: TypeAlias = (
    Number | Character | String | Name | Register | TypeName | Unary | Step | Binary | Assign
    | Choice | Member | Index | Cast | SizeOf | Call
)  # fmt: skip
