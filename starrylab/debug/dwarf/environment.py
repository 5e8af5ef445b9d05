"""What DWARF expressions see of a frame: the `expression.Environment` of a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ..symbols.die import Die
from ..symbols.unit import Unit
from . import dw
from .errors import BadDwarf, OptimizedOut, Unavailable
from .expression import evaluate, evaluate_number
from .frame import FrameState
from .locations import InMemory, InRegister
from .loclists import expression_at
from .operands import Kind
from .types import Base, Encoding, Pointer

if TYPE_CHECKING:
    from .module import ModuleData

_ENTRY_DEPTH: Final = 8  #: callers of callers that are asked for one entry value

_CALL_SITES: Final = frozenset({dw.TAG_CALL_SITE, dw.TAG_GNU_CALL_SITE})
_SITE_PARAMETERS: Final = frozenset({dw.TAG_CALL_SITE_PARAMETER, dw.TAG_GNU_CALL_SITE_PARAMETER})
_FLOATS: Final = frozenset({Encoding.FLOAT, Encoding.COMPLEX_FLOAT, Encoding.IMAGINARY_FLOAT})


class FrameEnvironment:
    """A frame, seen from an entry of a unit; ``function`` is the one that the frame executes."""

    def __init__(
        self,
        module: ModuleData,
        unit: Unit,
        frame: FrameState,
        function: Die | None = None,
        object_address: int | None = None,
        depth: int = _ENTRY_DEPTH,
    ) -> None:
        self.module = module
        self.unit = unit
        self.frame = frame
        self.address_size = unit.address_size
        self.offset_size = unit.offset_size
        self._function = function
        self._object = object_address
        self._depth = depth

    def register(self, number: int) -> int:
        """Return a register by its DWARF number."""
        return self.frame.register(number)

    def memory(self, address: int, size: int) -> bytes:
        """Return bytes at a run-time address."""
        return self.frame.memory.read(address, size)

    def relocate(self, address: int) -> int:
        """Return the run-time address of an address of the file."""
        return address + self.module.bias

    def frame_base(self) -> int:
        """Return what DW_AT_frame_base of the function says."""
        function = self._function or self.module.function_at(self.frame)
        if function is None:
            raise Unavailable("no frame base: the function is not described")
        value = function.get(dw.AT_FRAME_BASE)
        code = expression_at(function.unit, value, self.frame.lookup - self.module.bias)
        if not code or code[:1] == b"\x91":  # DW_OP_fbreg cannot define itself
            raise Unavailable("no frame base at this address")
        place = evaluate(code, self)
        if isinstance(place, InRegister):
            return self.register(place.number)
        if isinstance(place, InMemory):
            return place.address
        raise BadDwarf("a frame base that is no address")

    def cfa(self) -> int:
        """Return the canonical frame address."""
        if not self.frame.cfa:
            raise Unavailable("the frame's address is unknown")
        return self.frame.cfa

    def tls(self, offset: int) -> int:
        """Return the run-time address of thread-local storage."""
        return self.module.tls_address(self.frame, offset)

    def object_address(self) -> int:
        """Return the address of the object that is described."""
        if self._object is None:
            raise Unavailable("optimized out: the object is in no memory")
        return self._object

    def address_at(self, index: int) -> int:
        """Return an entry of .debug_addr."""
        return self.unit.indexed_address(index)

    def kind(self, offset: int) -> Kind:
        """Return how the base type at ``offset`` of the unit is read."""
        kind = self.module.types.of(Die(self.unit, self.unit.start + offset)).stripped()
        if isinstance(kind, Base):
            form = "f" if kind.encoding in _FLOATS else "s" if kind.is_signed else "u"
            return Kind(form, kind.bytes)
        if isinstance(kind, Pointer):
            return Kind("u", kind.bytes)
        raise BadDwarf("an expression computes with a type that is no number")

    def callee(self, offset: int, in_unit: bool) -> bytes:
        """Return the location of another entry, for DW_OP_call*."""
        die = self.module.die_at(self.unit, offset, in_unit=in_unit)
        pc = self.frame.lookup - self.module.bias
        return expression_at(die.unit, die.get(dw.AT_LOCATION), pc) or b""

    def variable(self, offset: int) -> int:
        """Return the value of a variable, for DW_OP_GNU_variable_value."""
        die = self.module.die_at(self.unit, offset, in_unit=False)
        return self.module.variable(die, self.frame).integer()

    # Values at the entry of a function come from what its caller says of the call.

    def entry_value(self, code: bytes) -> int:
        """Return what a register or place held when the function was entered."""
        caller = self.frame.caller() if self._depth > 0 else None
        if caller is None:
            raise OptimizedOut("optimized out: its value at the function's entry is not known")
        module = self.module.sibling(caller.lookup)
        function = module.function_at(caller) if module is not None else None
        if module is None or function is None:
            raise OptimizedOut("optimized out: the caller has no debug information")
        site = _call_site(function, caller.pc - module.bias)
        if site is None:
            raise OptimizedOut("optimized out: the caller does not describe the call")
        self._check_callee(site)
        value = _site_value(site, code)
        if value is None:
            raise OptimizedOut("optimized out: the caller does not describe the argument")
        env = FrameEnvironment(module, site.unit, caller, function, self._object, self._depth - 1)
        return evaluate_number(value, env)

    def _check_callee(self, site: Die) -> None:
        """Make sure that the caller called this function, and not one that jumped to it."""
        called = site.reference(dw.AT_CALL_ORIGIN) or site.reference(dw.AT_ABSTRACT_ORIGIN)
        function = self.module.function_at(self.frame)
        if called is not None and function is not None and called.name != function.name:
            raise OptimizedOut("optimized out: a tail call came between caller and function")


def _call_site(function: Die, return_pc: int) -> Die | None:
    """Return the entry of the call that returns to an address of the file."""
    for die in _code_below(function):
        if die.tag in _CALL_SITES:
            address = die.address(dw.AT_CALL_RETURN_PC)
            if address is None:
                address = die.address(dw.AT_LOW_PC)
            if address == return_pc:
                return die
    return None


def _code_below(die: Die) -> Iterator[Die]:
    for child in die.children():
        yield child
        if child.tag in (dw.TAG_LEXICAL_BLOCK, dw.TAG_INLINED_SUBROUTINE):
            yield from _code_below(child)


def _site_value(site: Die, code: bytes) -> bytes | None:
    for child in site.children():
        if child.tag in _SITE_PARAMETERS and child.block(dw.AT_LOCATION) == code:
            value = child.block(dw.AT_CALL_VALUE)
            return child.block(dw.AT_GNU_CALL_SITE_VALUE) if value is None else value
    return None
