"""Variables and expressions: a part of the debugger's protocol (`model` has the rest)."""

from __future__ import annotations

import msgspec


class Evaluate(msgspec.Struct, frozen=True, tag="evaluate"):
    """Replied with `Text`; ``letter`` is a format of ``print``; assignments are expressions."""

    expression: str
    tid: int = 0
    frame: int = 0
    letter: str = ""


class Describe(msgspec.Struct, frozen=True, tag="describe"):
    """Replied with `Lines`: the type of an expression, or a type by its name.

    ``form``: "name" as ``whatis`` shows it, "definition" as ``ptype``, "layout" with the offsets
    of members and the holes between them.
    """

    expression: str
    tid: int = 0
    frame: int = 0
    form: str = "name"


class ExplainRegister(msgspec.Struct, frozen=True, tag="explain register"):
    """Replied with `Lines`: value and purpose of a register in a frame, then its fields."""

    name: str
    tid: int = 0
    frame: int = 0


class GetLocals(msgspec.Struct, frozen=True, tag="locals?"):
    """Replied with `Locals`."""

    tid: int = 0
    frame: int = 0


class Expand(msgspec.Struct, frozen=True, tag="expand"):
    """Replied with `Locals`: the parts of a variable, ``count`` from ``start`` on.

    ``path`` is its index in the `Locals` of the frame, then the index of each part below.
    """

    path: tuple[int, ...]
    tid: int = 0
    frame: int = 0
    start: int = 0
    count: int = 200


class LocalInfo(msgspec.Struct, frozen=True):
    """A variable, or a part of one."""

    name: str
    type_name: str
    text: str
    is_argument: bool
    expandable: bool = False  #: `Expand` has parts of it
    hidden: bool = False  #: a variable of an inner block has the same name


class Locals(msgspec.Struct, frozen=True, tag="locals"):
    """Arguments and locals of a frame."""

    variables: tuple[LocalInfo, ...]
