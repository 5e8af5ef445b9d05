"""Arguments, locals and globals that a program counter can see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..symbols.die import Die
from ..symbols.unit import Unit
from . import dw
from .errors import PROBLEMS
from .frame import FrameState
from .functions import Level
from .locations import Nowhere
from .module import ModuleData
from .spelling import spell, spell_rust
from .types import Array, Dimension, Type
from .values import Value

_VARIABLES = frozenset({dw.TAG_FORMAL_PARAMETER, dw.TAG_VARIABLE})


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable in scope; ``value`` is read when it is shown."""

    name: str
    type_name: str
    value: Value
    scope: str  #: the function, inlined or not, that it belongs to
    is_argument: bool
    line: int = 0  #: of the declaration
    block: int = 0  #: 0: of the function itself; n: of the nth block in it
    hidden: bool = False  #: a variable of an inner block has the same name


def type_name(kind: Type, unit: Unit) -> str:
    """Return the name of a type in the notation of a unit's language."""
    if unit.language == dw.LANG_RUST:
        return spell_rust(kind)
    return spell(kind)


def _measured(value: Value) -> Type:
    """Return the type, with the bounds that a variable length array has now."""
    kind = value.type
    if not isinstance(kind, Array) or kind.size is not None:
        return kind
    try:
        sizes = tuple(Dimension(value.count(d), d.lower) for d in kind.dimensions)
    except PROBLEMS:
        return kind
    return replace(kind, dimensions=sizes)


def variables(module: ModuleData, frame: FrameState, depth: int = 0) -> list[Variable]:
    """Return arguments, then locals from the innermost block outwards.

    ``depth`` counts inlined functions: 0 is the innermost function at the frame's address.  An
    unknown function has none.  Raises `ImageError` for broken debug information.
    """
    levels = module.levels(frame)
    if depth >= len(levels):
        return []
    level = levels[depth]
    found = [*_arguments(module, frame, level), *_locals(module, frame, level)]
    return list(_marked(found))


def variable_named(module: ModuleData, frame: FrameState, depth: int, name: str) -> Value | None:
    """Return the argument or local that a name means, the innermost one; ``None`` without one."""
    levels = module.levels(frame)
    if depth >= len(levels):
        return None
    level = levels[depth]
    for block in (*reversed(level.blocks), level.function):
        for die in _entries(module, block):
            if die.name == name:
                found = next(_variable(module, frame, die, level, 0), None)
                if found is not None:
                    return found.value
    return None


def _marked(found: list[Variable]) -> Iterator[Variable]:
    """Mark the variables that others hide."""
    visible: dict[str, int] = {}
    for index, variable in enumerate(found):
        other = visible.get(variable.name)
        if other is None or found[other].block < variable.block:
            visible[variable.name] = index
    shown = set(visible.values())
    for index, variable in enumerate(found):
        if index in shown:
            yield variable
        else:
            yield replace(variable, hidden=True)


def _arguments(module: ModuleData, frame: FrameState, level: Level) -> Iterator[Variable]:
    for die in _entries(module, level.function):
        if die.tag == dw.TAG_FORMAL_PARAMETER:
            yield from _variable(module, frame, die, level, 0)


def _locals(module: ModuleData, frame: FrameState, level: Level) -> Iterator[Variable]:
    blocks = [level.function, *level.blocks]
    for index in range(len(blocks) - 1, -1, -1):
        for die in _entries(module, blocks[index]):
            if die.tag == dw.TAG_VARIABLE:
                yield from _variable(module, frame, die, level, index)


def _entries(module: ModuleData, block: Die) -> list[Die]:
    """Return the variables of a block, kept for the next time."""
    return module.data.kept(block, _read_entries)


def _read_entries(block: Die) -> list[Die]:
    """Return the variables of a block; those that only the abstract instance has, too."""
    own = [die for die in block.children() if die.tag in _VARIABLES]
    origin = block.reference(dw.AT_ABSTRACT_ORIGIN)
    if origin is None:
        return own
    described = {o.offset for die in _all_variables(block) for o in die.origins()}
    abstract = [die for die in origin.children() if die.tag in _VARIABLES]
    return own + [die for die in abstract if die.offset not in described]


def _all_variables(block: Die) -> Iterator[Die]:
    """Yield the variables of a block and of all blocks in it: GCC moves them inwards."""
    for die in block.children():
        if die.tag in _VARIABLES:
            yield die
        elif die.tag == dw.TAG_LEXICAL_BLOCK:
            yield from _all_variables(die)


def _variable(
    module: ModuleData, frame: FrameState, die: Die, level: Level, block: int
) -> Iterator[Variable]:
    name = die.name
    if not name or (die.tag == dw.TAG_VARIABLE and die.flag(dw.AT_ARTIFICIAL)):
        return
    value = module.variable(die, frame)
    if die.flag(dw.AT_DECLARATION) and isinstance(value.place, Nowhere):
        value = module.globals(name, die.unit, frame) or value  # extern in a block
    line = next((n for o in die.origins() if (n := o.number(dw.AT_DECL_LINE))), 0)
    yield Variable(
        name,
        type_name(_measured(value), die.unit),
        value,
        level.function.name,
        die.tag == dw.TAG_FORMAL_PARAMETER,
        line,
        block,
    )
