"""DWARF expressions and location descriptions (DWARF 5, 2.5 and 2.6), and GNU's additions.

`evaluate` runs any bytes to an end: operations, stack depth and nested calls are bounded, and
whatever is wrong with an expression is a `BadDwarf` or an `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from .cursor import Cursor
from .errors import BadDwarf
from .locations import (
    Composite,
    InMemory,
    InRegister,
    Location,
    Nowhere,
    Piece,
    Simple,
)
from .opcodes import BREG31, LIT31, REG31, Op
from .operands import BINARY, Kind, Operand, binary, decode, wrap
from .operations import AFTER_PLACE, HANDLERS

STEPS: Final = 10_000  #: operations of one expression and what it calls, at most
DEPTH: Final = 256  #: entries of the stack, at most
CALLS: Final = 16  #: nested DW_OP_call*, at most
_MOST_BITS: Final = 1 << 40  #: of all pieces of an object


class Environment(Protocol):
    """What an expression may ask of the frame and the unit that it belongs to.

    Everything raises `Unavailable` for what is lost, and `BadDwarf` for what makes no sense.
    """

    address_size: int  #: bytes
    offset_size: int  #: bytes of a section offset: 4 or 8

    def register(self, number: int) -> int:
        """Return the value of a register, unsigned, by its DWARF number."""

    def memory(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes at a run-time address."""

    def relocate(self, address: int) -> int:
        """Return the run-time address of an address of the file."""

    def frame_base(self) -> int:
        """Return what DW_OP_fbreg counts from."""

    def cfa(self) -> int:
        """Return the canonical frame address."""

    def tls(self, offset: int) -> int:
        """Return the run-time address of an offset in this module's thread-local storage."""

    def entry_value(self, code: bytes) -> int:
        """Return the value that a location had when the function was entered."""

    def object_address(self) -> int:
        """Return the address of the object whose type is described."""

    def address_at(self, index: int) -> int:
        """Return entry ``index`` of .debug_addr, an address of the file or a constant."""

    def kind(self, offset: int) -> Kind:
        """Return how the base type at ``offset`` of the unit is read."""

    def callee(self, offset: int, in_unit: bool) -> bytes:
        """Return DW_AT_location of an entry, b"" if it has none."""

    def variable(self, offset: int) -> int:
        """Return the value of the variable at an offset of .debug_info."""


def evaluate(code: bytes, env: Environment, initial: Sequence[int] = ()) -> Location:
    """Return the location that ``code`` describes; an empty description is `Nowhere`."""
    if not code:
        return Nowhere()
    return Evaluation(env, initial).location(code)


def evaluate_number(code: bytes, env: Environment, initial: Sequence[int] = ()) -> int:
    """Return the number that ``code``, a DWARF expression, computes; unsigned if generic."""
    evaluation = Evaluation(env, initial)
    evaluation.run(code)
    return evaluation.pop().integer()


class Evaluation:
    """The state of one expression."""

    def __init__(self, env: Environment, initial: Sequence[int]) -> None:
        self.env: Environment = env
        self.generic: Kind = Kind("u", env.address_size, generic=True)
        self.stack: list[Operand] = [wrap(self.generic, value) for value in initial]
        self.place: Simple | None = None  #: what a location operation has named
        self.pieces: list[Piece] = []
        self.bits = 0  #: of all pieces
        self.steps = STEPS
        self.calls = 0

    def location(self, code: bytes) -> Location:
        """Return what ``code`` describes."""
        self.run(code)
        if self.pieces:
            if self.place is not None or self.stack:
                raise BadDwarf("a location in pieces has a part without a size")
            return Composite(tuple(self.pieces))
        return self.simple()

    def simple(self) -> Simple:
        """Take the location described so far: a named place, or the address on the stack."""
        place, self.place = self.place, None
        if place is not None:
            return place
        return InMemory(self.pop().integer() & (1 << 8 * self.generic.size) - 1)

    def run(self, code: bytes) -> None:
        """Do every operation of ``code``."""
        cursor = Cursor(code)
        while cursor:
            self.steps -= 1
            if self.steps < 0:
                raise BadDwarf(f"an expression goes on after {STEPS} operations")
            opcode = cursor.unsigned(1)
            if self.place is not None and opcode not in AFTER_PLACE:
                raise BadDwarf("an operation follows a complete location")
            self.step(opcode, cursor)

    def step(self, opcode: int, cursor: Cursor) -> None:
        """Do one operation, whose operands follow at the cursor."""
        handler = HANDLERS.get(opcode)
        if handler is not None:
            handler(self, cursor)
        elif opcode in BINARY:
            right = self.pop()
            self.push(binary(opcode, self.pop(), right, self.generic))
        elif Op.LIT0 <= opcode <= LIT31:
            self.number(opcode - Op.LIT0)
        elif Op.REG0 <= opcode <= REG31:
            self.place = InRegister(opcode - Op.REG0)
        elif Op.BREG0 <= opcode <= BREG31:
            self.number(self.env.register(opcode - Op.BREG0) + cursor.sleb())
        else:
            raise BadDwarf(f"unknown DWARF operation {opcode:#04x}")

    def push(self, operand: Operand) -> None:
        """Push an entry."""
        if len(self.stack) >= DEPTH:
            raise BadDwarf(f"an expression needs a stack of more than {DEPTH} entries")
        self.stack.append(operand)

    def number(self, value: int) -> None:
        """Push a number of the generic type, cut to its size."""
        self.push(wrap(self.generic, value))

    def pop(self) -> Operand:
        """Take the top entry."""
        if not self.stack:
            raise BadDwarf("an expression takes more from its stack than is on it")
        return self.stack.pop()

    def peek(self, depth: int) -> Operand:
        """Return the entry ``depth`` below the top."""
        if depth >= len(self.stack):
            raise BadDwarf("an expression takes more from its stack than is on it")
        return self.stack[-1 - depth]

    def address(self) -> int:
        """Take the top entry as an address."""
        return self.pop().integer() & (1 << 8 * self.generic.size) - 1

    def load(self, kind: Kind) -> Operand:
        """Take an address and return what memory has there."""
        return decode(kind, self.env.memory(self.address(), kind.size))

    def call(self, offset: int, *, in_unit: bool) -> None:
        """Run the location of another entry on this stack (DW_OP_call*)."""
        self.calls += 1
        if self.calls > CALLS:
            raise BadDwarf("DWARF expressions call each other too deeply")
        self.run(self.env.callee(offset, in_unit))
        self.calls -= 1

    def piece(self, size: int, offset: int) -> None:
        """Say that the location so far holds the next ``size`` bits of the object."""
        if self.place is None and not self.stack:
            place: Simple = Nowhere()
        else:
            place = self.simple()
        self.bits += size
        if self.bits > _MOST_BITS or offset > _MOST_BITS:
            raise BadDwarf("a piece of an object is too large")
        self.pieces.append(Piece(place, size, offset))
