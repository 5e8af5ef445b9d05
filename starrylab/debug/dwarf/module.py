"""The data of one ELF file in one process: variables, bounds, members, by their entries."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ...abi import elf
from ..symbols.die import Die
from ..symbols.image import ElfImage, ImageError
from ..symbols.info import Info
from ..symbols.unit import Unit
from . import dw
from .builder import TypeBuilder
from .environment import FrameEnvironment
from .errors import BadDwarf, OptimizedOut, Unavailable
from .expression import evaluate, evaluate_number
from .frame import FrameState
from .functions import Functions, Level
from .linker import LinkerSymbols
from .locations import Implicit, Location, Nowhere
from .loclists import expression_at
from .names import TYPE, VARIABLE, Names
from .types import Dynamic, Member, Struct, Type
from .values import Value

_DYNAMIC: Final = struct.Struct("<QQ")  #: Elf64_Dyn
_DF_1_PIE: Final = 0x08000000
_BLOCKS: Final = 1000  #: whose variables are kept
_VARIABLES: Final = frozenset({VARIABLE})
_TYPES: Final = frozenset({TYPE})


class DebugData:
    """What the debug information of a file says of data; shared by all processes that map it."""

    def __init__(
        self, image: ElfImage, info: Info | None = None, names_from: ElfImage | None = None
    ) -> None:
        self.image = image
        self._names_from = names_from or image  #: the separate debug file, if there is one
        self.info = info if info is not None else Info.of(image)
        self.types = TypeBuilder()
        self.names = Names(self.info, self.types.scopes)
        self.functions = Functions(self.info)
        self._kept: dict[tuple[int, int], list[Die]] = {}

    def kept(self, block: Die, read: Callable[[Die], list[Die]]) -> list[Die]:
        """Return what was read of a block before, or read it: conditions ask again and again."""
        key = (id(block.unit), block.offset)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _BLOCKS:
                self._kept.clear()
            found = self._kept[key] = read(block)
        return found

    @cached_property
    def linker(self) -> LinkerSymbols:
        """Names of code and data without debug information."""
        return LinkerSymbols(self._names_from)

    @cached_property
    def is_executable(self) -> bool:
        """Whether the file is a program, not a shared library."""
        kinds = {segment.type for segment in self.image.all_segments}
        if self.image.type == elf.ET_EXEC or elf.PT_INTERP in kinds:
            return True
        try:
            words = bytes(self.image.section(".dynamic") or b"")
        except ImageError:
            return False
        flags = (value for tag, value in _DYNAMIC.iter_unpack(words[: len(words) & ~15])
                 if tag == elf.DT_FLAGS_1)  # fmt: skip
        return any(value & _DF_1_PIE for value in flags)


@dataclass(eq=False)
class ModuleData:
    """A `DebugData` at ``bias`` in a process: the owner of the values that it describes."""

    data: DebugData
    bias: int
    #: run-time address -> the module that it lies in
    find: Callable[[int], ModuleData | None] = lambda _address: None
    _function: tuple[int, Die | None] = field(default=(-1, None), init=False)

    @property
    def types(self) -> TypeBuilder:
        """Types by their entries."""
        return self.data.types

    def sibling(self, address: int) -> ModuleData | None:
        """Return the module of another address of the process."""
        low = address - self.bias
        return self if self.data.functions.unit_at(low) is not None else self.find(address)

    def levels(self, frame: FrameState) -> list[Level]:
        """Return the functions that a frame executes, the innermost inlined one first."""
        return self.data.functions.levels(frame.lookup - self.bias)

    def function_at(self, frame: FrameState) -> Die | None:
        """Return the physical function that a frame executes."""
        if self._function[0] != frame.lookup:
            levels = self.levels(frame)
            self._function = (frame.lookup, levels[-1].function if levels else None)
        return self._function[1]

    def die_at(self, unit: Unit, offset: int, *, in_unit: bool) -> Die:
        """Return an entry that an expression refers to; raise `BadDwarf`, `ImageError`."""
        if in_unit:
            return Die(unit, unit.start + offset)
        found = unit.info.unit_of(offset)
        if found is None:
            raise BadDwarf(f"there is no entry at {offset:#x}")
        return Die(found, offset)

    # Variables.

    def variable(self, die: Die, frame: FrameState) -> Value:
        """Return the variable or parameter of an entry in a frame."""
        place = self._place(die, frame)
        return Value(self.types.typed(die), place, frame, self)

    def _place(self, die: Die, frame: FrameState) -> Location:
        for origin in die.origins():
            if dw.AT_LOCATION in origin:
                return self._described(origin, frame)
            if dw.AT_CONST_VALUE in origin:
                return self._constant(origin)
        return Nowhere("optimized out")

    def _described(self, die: Die, frame: FrameState) -> Location:
        pc = frame.lookup - self.bias
        code = expression_at(die.unit, die.get(dw.AT_LOCATION), pc)
        if not code:
            return Nowhere("optimized out")
        try:
            return evaluate(code, FrameEnvironment(self, die.unit, frame))
        except Unavailable as error:
            return Nowhere(str(error))

    def _constant(self, die: Die) -> Location:
        value = die.get(dw.AT_CONST_VALUE)
        assert value is not None
        if isinstance(value.raw, bytes):
            end = b"\0" if value.form == dw.FORM_STRING else b""
            return Implicit(value.raw + end)
        size = min(self.types.typed(die).size or 8, 64)
        return Implicit((value.raw & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def globals(self, name: str, first: Unit | None, frame: FrameState) -> Value | None:
        """Return the global or static variable of this name, from the unit ``first`` first."""
        fallback = None
        for found in self.data.names.find(name, _VARIABLES, first):
            value = self.variable(found.die(), frame)
            if not found.declaration and not isinstance(value.place, Nowhere):
                return value
            fallback = fallback or value
        return fallback

    # What values ask (`values.Owner`).

    def bound(self, bound: Dynamic, frame: FrameState, address: int | None) -> int:
        """Return a bound of an array: an expression's value, or a variable's."""
        code = bound.die.block(bound.attribute)
        if code is not None:
            env = FrameEnvironment(self, bound.die.unit, frame, None, address)
            return evaluate_number(code, env)
        target = bound.die.reference(bound.attribute)
        if target is None:
            raise BadDwarf("an array without a bound")
        try:
            return self.variable(target, frame).integer()
        except Unavailable as error:
            raise OptimizedOut("optimized out: the length of the array") from error

    def member_address(self, offset: Dynamic, frame: FrameState, address: int) -> int:
        """Return where a member is whose place depends on the object (DWARF 5, 5.7.3)."""
        code = offset.die.block(offset.attribute) or b""
        env = FrameEnvironment(self, offset.die.unit, frame, None, address)
        return evaluate_number(code, env, (address,))

    def implied(self, entry: int, frame: FrameState) -> Value:
        """Return the object that an implicit pointer stands for."""
        unit = self.data.info.unit_of(entry)
        if unit is None:
            raise BadDwarf(f"there is no entry at {entry:#x}")
        return self.variable(Die(unit, entry), frame)

    def static_member(self, member: Member, frame: FrameState) -> Value:
        """Return a static member: a constant, or the variable that defines it."""
        die = member.die
        if die is None:
            raise OptimizedOut("optimized out")
        value = self.variable(die, frame)
        if isinstance(value.place, Nowhere):
            name = self.types.scopes.qualified(die)
            return self.globals(name, die.unit, frame) or value
        return value

    def definition(self, declared: Struct) -> Struct:
        """Return the definition of a structure that is only declared, or the declaration."""
        if not declared.declaration or not declared.name or declared.die is None:
            return declared
        return self.struct_named(declared.name, declared.die.unit) or declared

    def struct_named(self, name: str, first: Unit | None = None) -> Struct | None:
        """Return the definition of a structure by its qualified name."""
        for kind in self.types_named(name, first):
            if isinstance(kind, Struct) and not kind.declaration:
                return kind
        return None

    def types_named(self, name: str, first: Unit | None = None) -> Iterator[Type]:
        """Yield the types of a qualified name; definitions of the unit ``first`` first."""
        for found in self.data.names.find(name, _TYPES, first):
            yield self.types.of(found.die())

    def tls_address(self, frame: FrameState, offset: int) -> int:
        """Return the address of thread-local storage of the frame's thread."""
        if frame.tls is None:
            raise Unavailable("thread-local storage of this thread is not known")
        return frame.tls(self, frame, offset)
