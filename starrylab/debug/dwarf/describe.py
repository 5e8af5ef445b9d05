"""Types in full, as the command ``ptype`` shows them; with offsets and holes, as pahole does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .spelling import declare, spell
from .types import Dynamic, Enum, Member, Struct, Type
from .values import Owner

_DEPTH: Final = 8  #: anonymous structures in one another
_MOST: Final = 2000  #: lines


def describe(kind: Type, owner: Owner | None = None, *, offsets: bool = False) -> list[str]:
    """Return the definition of a type in lines; ``offsets`` adds places, sizes and holes."""
    kind = kind.stripped()
    if isinstance(kind, Struct) and kind.declaration and owner is not None:
        kind = owner.definition(kind)
    if isinstance(kind, Struct):
        lines = list(_struct(kind, "", 0, offsets, _DEPTH))
    elif isinstance(kind, Enum):
        lines = [_enum(kind)]
    else:
        lines = [spell(kind)]
    return lines[:_MOST]


def _enum(kind: Enum) -> str:
    parts = []
    expected = 0
    for name, value in kind.enumerators:
        parts.append(name if value == expected else f"{name} = {value}")
        expected = value + 1
    return f"{spell(kind)} {{{', '.join(parts)}}}".replace("{...} ", "")


def _struct(kind: Struct, name: str, base: int, offsets: bool, depth: int) -> Iterator[str]:
    head = spell(kind).replace(" {...}", "")
    bases = [spell(member.target) for member in kind.body.members if member.is_base]
    inherits = f" : {', '.join(bases)}" if bases else ""
    if kind.declaration:
        yield f"{head} {{<incomplete type>}}"
        return
    yield f"{head}{inherits} {{"
    end = 8 * base
    for member in kind.body.members:
        if member.is_base or (member.is_static and member.is_artificial):
            continue
        if offsets and isinstance(member.offset, int) and not member.is_static:
            yield from _hole(kind, end, 8 * base + member.offset)
            end = max(end, 8 * base + member.offset + _bits(member))
        for line in _member(member, base, offsets, depth):
            yield f"    {line}"
    tail = f" /* {kind.size} bytes */" if offsets and kind.size is not None else ""
    yield f"}}{' ' if name else ''}{name}{tail}"


def _hole(kind: Struct, end: int, start: int) -> Iterator[str]:
    if start > end and kind.keyword != "union":
        size = f"{(start - end) // 8} bytes" if (start - end) % 8 == 0 else f"{start - end} bits"
        yield f"    /* hole: {size} */"


def _bits(member: Member) -> int:
    return member.bits if member.bits is not None else 8 * (member.target.size or 0)


def _member(member: Member, base: int, offsets: bool, depth: int) -> Iterator[str]:
    kind = member.target
    at = base + (member.offset // 8 if isinstance(member.offset, int) else 0)
    if isinstance(kind, Struct) and not kind.name and depth:
        *body, last = _struct(kind, member.name, at, offsets, depth - 1)
        yield from body
        yield f"{last};" if not offsets else _placed(f"{last.split(' /*')[0]};", member, at)
        return
    text = declare(kind, member.name)
    if member.is_static:
        text = f"static {text}"
    if member.bits is not None:
        text += f" : {member.bits}"
    yield _placed(f"{text};", member, at) if offsets else f"{text};"


def _placed(text: str, member: Member, at: int) -> str:
    if member.is_static or isinstance(member.offset, Dynamic):
        return text
    bit = f":{member.offset % 8}" if member.bits is not None else ""
    return f"{text} /* {at}{bit}, {member.target.size} */"
