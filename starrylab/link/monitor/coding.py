"""Fields of requests and replies, as `protocol.Kind` describes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ...machine.board.monitor import MonitorError
from .protocol import ALL_DIRTY, Field, Kind, Operation

_MASK: Final = (1 << 64) - 1
_LONGEST: Final = 10  #: bytes of a varint of 64 bits


class CodingError(MonitorError):
    """Bytes that are not what the table says; one line."""


def put_u(out: bytearray, value: int) -> None:
    """Append an unsigned varint."""
    value &= _MASK
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def put_i(out: bytearray, value: int) -> None:
    """Append a signed varint; ``value`` counts modulo 2**64."""
    value = (value + (1 << 63) & _MASK) - (1 << 63)
    put_u(out, value << 1 if value >= 0 else ~value << 1 | 1)


class Reader:
    """Takes fields from the front of a reply."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    @property
    def left(self) -> int:
        """Bytes that were not taken yet."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Take bytes; `CodingError` if there are fewer."""
        if size > self.left:
            raise CodingError(
                "what the board says is cut off: its monitor may be of another version"
            )
        self._at += size
        return self._data[self._at - size : self._at]

    def u(self) -> int:
        """Take an unsigned varint."""
        value = 0
        for place in range(_LONGEST):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value & _MASK
        raise CodingError(
            "a number that the board says has no end: its monitor may be of another version"
        )

    def i(self) -> int:
        """Take a signed varint."""
        value = self.u()
        return value >> 1 ^ -(value & 1)

    def fixed(self, size: int) -> int:
        """Take a little-endian number."""
        return int.from_bytes(self.take(size), "little")


# -- encoding ---------------------------------------------------------------------------------


def put_bytes(out: bytearray, value: bytes) -> None:
    """Append a length and that many bytes."""
    put_u(out, len(value))
    out += value


def _put_registers(out: bytearray, value: Mapping[int, int]) -> None:
    put_u(out, sum(1 << number for number in value))
    for number in sorted(value):
        put_i(out, value[number])


#: how fields of either direction are encoded
PUT: Final[dict[Kind, Callable[[bytearray, Any], None]]] = {
    Kind.U: put_u,
    Kind.I: put_i,
    Kind.U8: lambda out, value: out.append(value),
    Kind.U32: lambda out, value: out.extend(value.to_bytes(4, "little")),
    Kind.U64: lambda out, value: out.extend(value.to_bytes(8, "little")),
    Kind.BYTES: put_bytes,
    Kind.REGISTERS: _put_registers,
}


def request(operation: Operation, values: Sequence[Any]) -> bytes:
    """Encode an operation with its fields."""
    out = bytearray((operation.number,))
    for field, value in zip(operation.request, values, strict=True):
        PUT[field.kind](out, value)
    return bytes(out)


# -- decoding ---------------------------------------------------------------------------------


def _take_registers(reader: Reader) -> dict[int, int]:
    numbers = reader.u()
    return {n: reader.i() for n in range(numbers.bit_length()) if numbers >> n & 1}


def _take_frames(reader: Reader) -> tuple[int, ...] | None:
    """Return the frames; None: it might be any."""
    count = reader.u()
    if count == ALL_DIRTY:
        return None
    frames, last = [], 0
    for _ in range(count):
        last += reader.i()
        frames.append(last)
    return tuple(frames)


def _take_pieces(reader: Reader) -> tuple[tuple[int, bytes], ...]:
    return tuple((reader.u(), reader.take(reader.u())) for _ in range(reader.u()))


_TAKE: Final[dict[Kind, Callable[[Reader], Any]]] = {
    Kind.U: Reader.u,
    Kind.I: Reader.i,
    Kind.U8: lambda reader: reader.fixed(1),
    Kind.U32: lambda reader: reader.fixed(4),
    Kind.U64: lambda reader: reader.fixed(8),
    Kind.BYTES: lambda reader: reader.take(reader.u()),
    Kind.REGISTERS: _take_registers,
    Kind.FRAMES: _take_frames,
    Kind.PIECES: _take_pieces,
    Kind.WORDS: lambda reader: tuple(reader.fixed(8) for _ in range(reader.u())),
}


def reply(reader: Reader, operation: Operation) -> dict[str, Any]:
    """Decode the results of an operation; `CodingError`."""
    return {field.name: take(reader, field) for field in operation.reply}


def take(reader: Reader, field: Field) -> Any:
    """Take one field."""
    return _TAKE[field.kind](reader)
