"""What names mean in a frame: locals, then globals, functions, enumerators; types; registers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from .dwarf import dw
from .dwarf.frame import PC, FrameState
from .dwarf.locations import Implicit, InMemory, InRegister
from .dwarf.module import ModuleData
from .dwarf.names import ENUMERATOR, FUNCTION, Found
from .dwarf.types import Base, Encoding, Enum, Function, Pointer, Struct, Type, Unknown, Void
from .dwarf.values import Value, constant
from .dwarf.variables import variable_named
from .language.errors import ExpressionError
from .language.evaluate import find_member

if TYPE_CHECKING:
    from .inspect import InspectedThread
    from .symbols.unit import Unit

_NAMED: Final = frozenset({FUNCTION, ENUMERATOR})
_LONG: Final = Base("long", 8, Encoding.SIGNED)
_DOUBLE: Final = Base("double", 8, Encoding.FLOAT)
_ADDRESS: Final = Pointer("", Void)
_FUNCTION: Final = Function(is_prototyped=False)
_UNKNOWN_FUNCTION: Final = Function("<text variable, no debug info>")
_CODE: Final = Pointer("", lambda: _FUNCTION)
_POINTERS: Final = frozenset({"gp", "tp"})
_TAGS: Final = {"struct": "struct", "class": "struct", "union": "union", "enum": "enum"}


class FrameScope:
    """The names of one function in one frame (`language.evaluate.Scope`)."""

    def __init__(self, thread: InspectedThread, index: int, depth: int) -> None:
        self.thread = thread
        self.frame: FrameState = thread.frame(index)
        self.module = thread.module(self.frame.lookup)
        self._depth = depth

    @cached_property
    def unit(self) -> Unit | None:
        """The unit that the frame's code is in."""
        if self.module is None:
            return None
        levels = self.module.levels(self.frame)
        return levels[0].function.unit if levels else None

    def blank(self) -> Value:
        """Return any value of the frame."""
        owner = self.module or next(self._modules(), None)
        if owner is None:
            raise ExpressionError("no program is mapped here")
        return Value(Void(), InMemory(0), self.frame, owner)

    def _modules(self) -> Iterator[ModuleData]:
        if self.module is not None:
            yield self.module
        for module in self.thread.modules():
            if module is not self.module:
                yield module

    # Variables.

    def variable(self, name: str) -> Value | None:
        """Return a variable, function or enumerator; ``None`` if there is none."""
        if "::" not in name:
            found = self._local(name) or self._own_member(name)
            if found is not None:
                return found
        return self._global(name.removeprefix("::"))

    def _local(self, name: str) -> Value | None:
        if self.module is None:
            return None
        return variable_named(self.module, self.frame, self._depth, name)

    def _own_member(self, name: str) -> Value | None:
        """Return a member of the object whose method the frame executes."""
        if self.unit is None or self.unit.language in dw.LANG_C:
            return None
        this = self._local("this")
        return find_member(this.dereference(), name) if this is not None else None

    def _global(self, name: str) -> Value | None:
        lost = None
        for module in self._modules():
            first = self.unit if module is self.module else None
            found = module.globals(name, first, self.frame)
            if found is not None and isinstance(found.place, InMemory | Implicit):
                return found
            lost = lost or found
            for named in module.data.names.find(name, _NAMED, first):
                value = self._named(module, named)
                if value is not None:
                    return value
        return lost or self._linked(name)

    def _linked(self, name: str) -> Value | None:
        """Return what only the linker knows: a function, or data of an unknown type."""
        for module in self._modules():
            symbol = module.data.linker.find(name)
            if symbol is not None:
                kind = _UNKNOWN_FUNCTION if symbol.is_code else Unknown()
                return Value(kind, InMemory(symbol.address + module.bias), self.frame, module)
        return None

    def _named(self, module: ModuleData, found: Found) -> Value | None:
        die = found.die()
        if found.kind == ENUMERATOR:
            kind = module.types.of(found.parent_die())
            number = dict(kind.enumerators).get(die.name) if isinstance(kind, Enum) else None
            return None if number is None else constant(kind, number, self.frame, module)
        ranges = die.ranges()
        if not ranges:
            return None
        kind = module.types.of(die)
        entry = die.address(dw.AT_LOW_PC)
        start = min(low for low, _ in ranges) if entry is None else entry
        return Value(kind, InMemory(start + module.bias), self.frame, module)

    # Types.

    def type_named(self, name: str) -> Type | None:
        """Return a type: ``node_t``, or ``struct node``."""
        tag, _, rest = name.partition(" ")
        wanted = _TAGS.get(tag)
        declared = None
        for module in self._modules():
            first = self.unit if module is self.module else None
            for kind in module.types_named(rest if wanted else name, first):
                if wanted is not None and _tag(kind) != wanted:
                    continue
                if not isinstance(kind, Struct) or not kind.declaration:
                    return kind
                declared = declared or kind
        return declared

    # Registers.

    def register(self, name: str) -> Value | None:
        """Return a register of the frame by its name; ``None`` if there is none."""
        owner = self.blank().owner
        if name == "pc":
            return Value(_CODE, InRegister(PC), self.frame, owner)
        layout = self.thread.layout
        number = {"sp": layout.stack_pointer, "fp": layout.frame_pointer}.get(name, -1)
        if name in layout.names:
            number = layout.names.index(name)
        if number < 0:
            return None
        kind: Type = _ADDRESS if name in _POINTERS else _LONG
        if number == layout.return_address:
            kind = _CODE
        elif number in (layout.stack_pointer, layout.frame_pointer):
            kind = _ADDRESS
        elif 0 < layout.floating <= number:
            kind = _DOUBLE
        return Value(kind, InRegister(number), self.frame, owner)


def _tag(kind: Type) -> str:
    if isinstance(kind, Struct):
        return _TAGS[kind.keyword]
    return "enum" if isinstance(kind, Enum) else ""
