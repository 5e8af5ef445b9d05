"""C++: strings, vectors, maps and smart pointers of libc++ and libstdc++."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from ..errors import PROBLEMS, BadDwarf
from ..shapes import Part, Parts, Shape, Text, sequence
from ..text import string
from ..types import Array, Base, Pointer, Struct, Type
from ..values import Value
from .nodes import LIBCXX, LIBSTDCXX, Chain, Tree
from .search import argument, count, find, need, text_at

_INLINE: Final = re.compile(r"^std::(?:__\w+::)+")


def cplusplus(value: Value) -> Shape | None:
    """Return the shape of an object of the standard library; ``None`` for other types."""
    name = value.type.stripped().name
    if not name.startswith("std::"):
        return None
    for pattern, printer in _PRINTERS:
        if pattern.match(_INLINE.sub("std::", name)):
            try:
                return printer(value)
            except PROBLEMS:
                return None
    return None


def _target(pointer: Value) -> Type:
    kind = pointer.type.stripped()
    if not isinstance(kind, Pointer):
        raise BadDwarf("not a pointer")
    return kind.target


# Strings.


def _string(value: Value) -> Shape:
    short, long = find(value, "__s"), find(value, "__l")
    if short is not None and long is not None:
        return _libcxx_string(short, long)
    pointer = need(value, "_M_p")
    return text_at(pointer, count(need(value, "_M_string_length")), _width(_target(pointer)))


def _libcxx_string(short: Value, long: Value) -> Shape:
    """Either up to 22 bytes in place, or a pointer; one bit tells."""
    if need(short, "__is_long_").integer():
        pointer = need(long, "__data_")
        return text_at(pointer, count(need(long, "__size_")), _width(_target(pointer)))
    data = need(short, "__data_")
    kind = data.type.stripped()
    if not isinstance(kind, Array):
        raise BadDwarf("not a string of libc++")
    width, size = _width(kind.target), need(short, "__size_").integer()
    return Text(string(data.data(size * width), width))


def _width(kind: Type) -> int:
    kind = kind.stripped()
    return kind.bytes if isinstance(kind, Base) else 1


def _view(value: Value) -> Shape:
    pointer = need(value, "__data_", "_M_str")
    return text_at(pointer, count(need(value, "__size_", "_M_len")), _width(_target(pointer)))


# Sequences.


def _vector(value: Value) -> Shape:
    begin, end = need(value, "__begin_", "_M_start"), need(value, "__end_", "_M_finish")
    first = begin.dereference()
    size = first.size
    length, rest = divmod(end.integer() - begin.integer(), size or 1)
    if length < 0 or rest:
        return Text("std::vector, not initialized")
    head = f"std::vector of length {length} = "
    return Parts(lambda: sequence(first, length), head, total=length, is_array=True)


# Maps and sets: nodes that point to each other.


def _tree(name: str, allocator: int, value: Value) -> Shape:
    header = find(value, "_M_header")
    if header is not None:
        size = count(need(value, "_M_node_count"))
        root, layout = need(header, "_M_parent"), LIBSTDCXX
    else:
        size = count(need(value, "__size_"))
        root, layout = need(need(value, "__end_node_"), "__left_"), LIBCXX
    element = _element(value, allocator)
    tree = Tree(value, layout, element, size)
    return _entries(name, size, lambda: tree.walk(root.integer()))


def _hash(name: str, allocator: int, value: Value) -> Shape:
    first = find(value, "_M_before_begin")
    if first is not None:
        size, start, layout = count(need(value, "_M_element_count")), first, LIBSTDCXX
        head = need(start, "_M_nxt")
    else:
        size = count(need(need(value, "__table_"), "__size_"))
        head, layout = need(need(value, "__first_node_"), "__next_"), LIBCXX
        size = count(_hash_size(value))
    chain = Chain(value, layout, _element(value, allocator), size)
    return _entries(name, size, lambda: chain.walk(head.integer()))


def _hash_size(value: Value) -> Value:
    """Return the number of elements; the table of buckets has a ``__size_`` as well."""
    table = need(value, "__table_")
    found = [
        inner
        for member in table.members()
        for inner in [table.member(member)]
        if isinstance(member.target.stripped(), Struct) and find(inner, "__hasher_") is not None
    ]
    return need(found[0], "__size_") if found else need(table, "__size_")


def _element(value: Value, allocator: int) -> Type:
    """Return the type of elements: what the allocator is for."""
    kind = argument(value.type, allocator)
    for _ in range(4):  # GCC describes it for a base class of the allocator only
        element = argument(kind) if kind is not None else None
        if element is not None:
            return element
        kind = _base(kind)
    raise BadDwarf("the type of the elements is not described")


def _base(kind: Type | None) -> Type | None:
    stripped = kind.stripped() if kind is not None else None
    if not isinstance(stripped, Struct):
        return None
    return next((member.target for member in stripped.body.members if member.is_base), None)


def _entries(name: str, size: int, walk: Callable[[], Iterator[Value]]) -> Shape:
    is_map = name.endswith("map")
    return Parts(lambda: _labelled(walk(), is_map), f"std::{name} of length {size} = ", total=size)


def _labelled(elements: Iterator[Value], is_map: bool) -> Iterator[Part]:
    for index, element in enumerate(elements):
        if is_map:
            key, mapped = need(element, "first"), need(element, "second")
            yield Part(f"[{index}]", mapped, key=key)
        else:
            yield Part(f"[{index}]", element, "")


# Smart pointers.


def _pointer(name: str, value: Value) -> Shape:
    pointer = need(value, "__ptr_", "_M_head_impl", "_M_ptr")
    return Parts(lambda: iter([Part("get()", pointer, "get() = ")]), f"std::{name} = ")


_PRINTERS: Final[tuple[tuple[re.Pattern[str], Callable[[Value], Shape]], ...]] = (
    (re.compile(r"std::basic_string<"), _string),
    (re.compile(r"std::basic_string_view<"), _view),
    (re.compile(r"std::vector<(?!bool)"), _vector),
    (re.compile(r"std::map<"), partial(_tree, "map", 3)),
    (re.compile(r"std::multimap<"), partial(_tree, "multimap", 3)),
    (re.compile(r"std::set<"), partial(_tree, "set", 2)),
    (re.compile(r"std::multiset<"), partial(_tree, "multiset", 2)),
    (re.compile(r"std::unordered_map<"), partial(_hash, "unordered_map", 4)),
    (re.compile(r"std::unordered_set<"), partial(_hash, "unordered_set", 3)),
    (re.compile(r"std::unique_ptr<"), partial(_pointer, "unique_ptr")),
    (re.compile(r"std::shared_ptr<"), partial(_pointer, "shared_ptr")),
)
