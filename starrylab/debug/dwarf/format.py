"""Values as text, in gdb's notation: ``{x = 1, name = "ab", next = 0x12340}``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from . import scalars
from .errors import PROBLEMS, NoMemory, OptimizedOut, Unavailable
from .locations import Nowhere
from .pretty import PRINTERS
from .shapes import Part, Parts, Printer, Text, is_char, shape_of
from .spelling import spell
from .text import LIMIT, string, terminated
from .types import Array, Base, Enum, Function, MemberPointer, Pointer, Struct, Type
from .values import ELEMENTS, Value

_REPEATS: Final = 10  #: equal neighbours from which on they are written once
_DEPTH: Final = 20  #: structures in structures
_CHUNK: Final = 32  #: bytes read at a time in search of the end of a string


def no_symbol(_address: int) -> str:
    """Know no address."""
    return ""


@dataclass(frozen=True, slots=True)
class Style:
    """How values are written."""

    letter: str = ""  #: a format letter for all scalars
    elements: int = ELEMENTS  #: parts of one array or structure, at most
    characters: int = LIMIT  #: bytes of a string, at most
    size: int = 8192  #: characters of the whole text; approximately, at most
    printers: tuple[Printer, ...] = PRINTERS  #: for types of libraries; (): as they are
    symbol: Callable[[int], str] = no_symbol  #: address -> ``<name+offset>``, or ""


PLAIN: Final = Style()


def show(value: Value, style: Style = PLAIN) -> str:
    """Return a value as text; what cannot be read is said in its place: ``<optimized out>``."""
    return _Writer(style).value(value, 0)


def show_typed(value: Value, style: Style = PLAIN) -> str:
    """Return a value as the command ``print`` does: pointers and references with their type."""
    kind = value.type.stripped()
    text = show(value, style)
    if isinstance(kind, Pointer) and not style.letter and text[:1] != "<":
        if kind.sign != "*" or not is_char(kind.target):
            return f"({spell(value.type)}) {text}"
    elif isinstance(kind, Function):
        return f"{{{spell(value.type)}}} {text}"
    return text


def complaint(error: Exception) -> str:
    """Return why a value is not shown, in angle brackets."""
    if isinstance(error, NoMemory):
        return f"<error: Cannot access memory at address {error.address:#x}>"
    return f"<{error}>"


class _Writer:
    """Writes one value; stops when the text is long enough."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.left = style.size

    def value(self, value: Value, depth: int) -> str:
        if self.left <= 0 or depth > _DEPTH:
            return "..."
        try:
            text = self._value(value, depth)
        except PROBLEMS as error:
            text = complaint(error)
        return text

    def _value(self, value: Value, depth: int) -> str:
        if isinstance(value.place, Nowhere):
            raise OptimizedOut(value.place.reason)
        kind = value.type.stripped()
        rule = _RULES.get(type(kind))
        if rule is not None:
            text = rule(self, value, kind)
            self.left -= len(text)
            return text
        if isinstance(kind, Array):
            text = self._string(value, kind)
            if text:
                self.left -= len(text)
                return text
        shape = shape_of(value, self.style.printers)
        if isinstance(shape, Text):
            self.left -= len(shape.text)
            return shape.text
        if isinstance(shape, Parts):
            return self._parts(shape, depth)
        if isinstance(kind, Array):
            return "{}"
        return "<incomplete type>" if isinstance(kind, Struct) else "void"

    # Numbers and pointers.

    def scalar(self, value: Value, _kind: Type) -> str:
        letter = self.style.letter
        if letter and letter != "s":
            return scalars.formatted(value, letter, self.style.symbol)
        return scalars.plain(value)

    def pointer(self, value: Value, kind: Type) -> str:
        assert isinstance(kind, Pointer)
        if kind.sign != "*":
            return self._reference(value)
        letter = self.style.letter
        if letter and letter not in "sa":
            return scalars.formatted(value, letter, self.style.symbol)
        address = value.integer()
        text = f"{address:#x}"
        if is_char(kind.target) and address:
            return f"{text} {self._c_string(value.dereference())}"
        name = self.style.symbol(address)
        return f"{text} {name}" if name else text

    def _reference(self, value: Value) -> str:
        target = value.dereference()
        where = "" if target.address is None else f"@{target.address:#x}: "
        return f"{where}{self.value(target, 1)}"

    def member_pointer(self, value: Value, _kind: Type) -> str:
        return hex(value.integer())

    def function(self, value: Value, _kind: Type) -> str:
        address = value.address
        if address is None:
            raise Unavailable("optimized out")
        name = self.style.symbol(address)
        return f"{address:#x} {name}".rstrip()

    # Strings.

    def _c_string(self, first: Value) -> str:
        """Return the string at ``first``, read in small steps up to its end."""
        width = first.size
        address = first.address
        if address is None:
            raise Unavailable("optimized out")
        data = b""
        while len(data) < self.style.characters * width:
            step = min(_CHUNK - (address + len(data)) % _CHUNK, self.style.characters * width)
            step -= step % width or 0
            try:
                data += first.frame.memory.read(address + len(data), max(step, width))
            except NoMemory as error:
                if data:
                    return string(data, width, cut=True)
                return complaint(error)
            end = terminated(data, width)
            if end is not None:
                return string(end, width)
        return string(data[: self.style.characters * width], width, cut=True)

    def _string(self, value: Value, kind: Array) -> str:
        """Return an array of characters as a string; "" if it is none."""
        element = kind.target.stripped()
        if len(kind.dimensions) != 1 or self.style.letter not in ("", "s") or not is_char(element):
            return ""
        assert isinstance(element, Base)
        width, length = element.bytes, value.length()
        most = min(length, self.style.characters)
        try:
            data = value.data(most * width)
        except OptimizedOut:
            return ""  # perhaps some of its elements are left
        end = terminated(data, width)
        if end is not None and not any(data[len(end) :]):
            return string(end, width)
        return string(data, width, cut=most < length)

    # Parts.

    def _parts(self, shape: Parts, depth: int) -> str:
        texts: list[str] = []
        parts = shape.parts()
        try:
            for text in self._merged(parts, shape, depth):
                texts.append(text)
                if len(texts) >= self.style.elements or self.left <= 0:
                    if next(parts, None) is not None:
                        texts[-1] += "..."
                    break
        except PROBLEMS as error:
            texts.append(complaint(error))
        inside = ", ".join(texts)
        self.left -= 2 * len(texts)
        return f"{shape.head}{shape.ends[0]}{inside}{shape.ends[1]}"

    def _merged(self, parts: Iterator[Part], shape: Parts, depth: int) -> Iterator[str]:
        """Yield the text of each part; one text for many equal elements of an array."""
        if not shape.is_array:
            for part in parts:
                yield self._label(part) + self.value(part.value, depth + 1)
            return
        previous, count = "", 0
        for text in self._elements(parts, depth):
            if text == previous:
                count += 1
                continue
            yield from _repeated(previous, count)
            previous, count = text, 1
        yield from _repeated(previous, count)

    def _label(self, part: Part) -> str:
        return part.label if part.key is None else f"[{self.value(part.key, 1)}] = "

    def _elements(self, parts: Iterator[Part], depth: int) -> Iterator[str]:
        for part in islice(parts, _MOST_EQUAL):
            before = self.left
            text = part.label + self.value(part.value, depth + 1)
            self.left = before - min(before - self.left, 8)
            yield text


#: Elements that are compared with their neighbours in one array.
_MOST_EQUAL: Final = 4096


def _repeated(text: str, count: int) -> Iterator[str]:
    if count >= _REPEATS:
        yield f"{text} <repeats {count} times>"
    else:
        yield from (text for _ in range(count))


_RULES: Final[dict[type[Type], Callable[[_Writer, Value, Type], str]]] = {
    Base: _Writer.scalar,
    Enum: _Writer.scalar,
    Pointer: _Writer.pointer,
    MemberPointer: _Writer.member_pointer,
    Function: _Writer.function,
}
