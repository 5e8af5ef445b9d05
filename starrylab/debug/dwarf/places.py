"""Reading and writing what a location holds, to the bit."""

from __future__ import annotations

from .errors import OptimizedOut, Unavailable
from .frame import FrameState
from .locations import (
    Composite,
    Implicit,
    ImplicitPointer,
    InMemory,
    InRegister,
    Location,
    Nowhere,
    Piece,
    Simple,
)

#: A value is read whole; what is larger is shown in parts.
LARGEST = 1 << 20  #: bytes


def read_bytes(place: Location, offset: int, size: int, frame: FrameState) -> bytes:
    """Return ``size`` bytes from ``offset`` on; raise `Unavailable`."""
    if not 0 <= size <= LARGEST:
        raise Unavailable(f"a value of {size} bytes is too large to be read at once")
    if isinstance(place, InMemory):
        return frame.memory.read(place.address + offset, size)
    return read_bits(place, 8 * offset, 8 * size, frame).to_bytes(size, "little")


def read_bits(place: Location, offset: int, size: int, frame: FrameState) -> int:
    """Return ``size`` bits from bit ``offset`` on as an unsigned number; raise `Unavailable`."""
    if isinstance(place, Composite):
        return _from_pieces(place, offset, size, frame)
    first, last = offset // 8, -(-(offset + size) // 8)
    data = int.from_bytes(_simple(place, first, last - first, frame), "little")
    return data >> offset % 8 & (1 << size) - 1


def _simple(place: Simple, offset: int, size: int, frame: FrameState) -> bytes:
    if isinstance(place, InMemory):
        return frame.memory.read(place.address + offset, size)
    if isinstance(place, InRegister):
        value = frame.register(place.number) >> 8 * offset
        return (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    if isinstance(place, Implicit):
        # Beyond a constant are zeros: so clang describes an array of them, and gdb reads it.
        return place.data[offset : offset + size].ljust(size, b"\0")
    if isinstance(place, ImplicitPointer):
        raise OptimizedOut("optimized out: a pointer to an object that is in no memory")
    raise OptimizedOut(place.reason)


def _from_pieces(place: Composite, offset: int, size: int, frame: FrameState) -> int:
    value = start = 0
    end = offset + size
    for piece in place.pieces:
        low, high = max(offset, start), min(end, start + piece.size)
        if low < high:
            bits = read_bits(piece.place, piece.offset + low - start, high - low, frame)
            value |= bits << low - offset
        start += piece.size
    if start < end:
        raise OptimizedOut("optimized out: the pieces do not cover it")
    return value


def write_bits(place: Location, offset: int, size: int, value: int, frame: FrameState) -> None:
    """Change ``size`` bits from bit ``offset`` on; raise `Unavailable`."""
    if isinstance(place, Composite):
        _into_pieces(place, offset, size, value, frame)
    elif isinstance(place, InMemory):
        first, last = offset // 8, -(-(offset + size) // 8)
        old = frame.memory.read(place.address + first, last - first)
        new = _replaced(int.from_bytes(old, "little"), offset % 8, size, value)
        frame.memory.write(place.address + first, new.to_bytes(len(old), "little"))
    elif isinstance(place, InRegister):
        new = _replaced(frame.register(place.number), offset, size, value)
        frame.set_register(place.number, new)
    else:
        raise Unavailable(_why_not(place))


def _replaced(old: int, offset: int, size: int, value: int) -> int:
    mask = (1 << size) - 1
    return old & ~(mask << offset) | (value & mask) << offset


def _into_pieces(place: Composite, offset: int, size: int, value: int, frame: FrameState) -> None:
    overlapping: list[tuple[Piece, int, int, int]] = []
    start = 0
    for piece in place.pieces:
        low, high = max(offset, start), min(offset + size, start + piece.size)
        if low < high:
            if not isinstance(piece.place, (InMemory, InRegister)):
                raise Unavailable(_why_not(piece.place))
            overlapping.append((piece, low, high, start))
        start += piece.size
    for piece, low, high, start in overlapping:
        at, part = piece.offset + low - start, value >> low - offset
        write_bits(piece.place, at, high - low, part, frame)


def _why_not(place: Simple) -> str:
    if isinstance(place, Nowhere):
        return f"cannot be changed: {place.reason}"
    return "cannot be changed: the value is a constant of the debug information"
