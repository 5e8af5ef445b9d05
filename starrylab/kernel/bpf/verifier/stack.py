"""What lies on a program's stack: registers that were kept, and bytes."""

from __future__ import annotations

from typing import Final

from ....abi import bpf as b
from . import registers, scalar
from .refusal import Refused
from .registers import UNKNOWN, Reg
from .scalar import ZERO, low_half
from .state import MISC, NULL, UNWRITTEN, Frame, Slot

_UNWRITTEN: Final = bytes([UNWRITTEN]) * 8


def check_range(low: int, high: int, what: str) -> None:
    """Raise `Refused` for bytes ``low`` to ``high``, excluded, that are not on the stack."""
    if low < -b.MAX_BPF_STACK or high > 0 or low >= high:
        raise Refused(f"{what} off={low} size={high - low}")


def letters(slot: Slot | None) -> bytes:
    """Return what the 8 bytes of a slot are."""
    if slot is None:
        return _UNWRITTEN
    if isinstance(slot, Reg):
        return bytes([NULL if slot.is_scalar and slot.var == ZERO else MISC]) * 8
    return slot


def has_pointer(frame: Frame, low: int, high: int) -> bool:
    """Say whether a pointer is kept among these bytes."""
    places = range(-high // 8, (-low + 7) // 8)
    slots = (frame.stack.get(place) for place in places)
    return any(isinstance(slot, Reg) and slot.is_pointer for slot in slots)


def write(frame: Frame, offset: int, size: int, reg: Reg, *, leaks: bool) -> None:
    """Store a register of ``size`` bytes at ``offset``, which is aligned and in range."""
    place = (-offset - 1) // 8
    if size == 8:
        frame.stack[place] = reg
        return
    if reg.is_pointer:
        raise Refused("invalid size of register spill")
    fill(frame, offset, size, NULL if reg.var == ZERO else MISC, leaks=leaks)


def fill(frame: Frame, low: int, size: int, letter: int, *, leaks: bool = True) -> None:
    """Note what ``size`` bytes at ``low`` are now."""
    for offset in range(low, low + size):
        place = (-offset - 1) // 8
        slot = frame.stack.get(place)
        if isinstance(slot, Reg) and slot.is_pointer and not leaks:
            raise Refused("attempt to corrupt spilled pointer on stack")
        now = bytearray(letters(slot))
        now[offset & 7] = letter
        frame.stack[place] = bytes(now)


def read(frame: Frame, offset: int, size: int, *, leaks: bool) -> Reg:
    """Return what a load of ``size`` bytes at ``offset``, aligned and in range, gives."""
    slot = frame.stack.get((-offset - 1) // 8)
    if isinstance(slot, Reg):
        return _part(slot, offset & 7, size)
    found = letters(slot)[offset & 7 : (offset & 7) + size]
    if UNWRITTEN in found and not leaks:
        at = offset + found.index(UNWRITTEN)
        raise Refused(f"invalid read from stack off {offset}+{at - offset} size {size}")
    if found == bytes([NULL]) * size:
        return registers.number(0)
    if size == 8:
        return UNKNOWN
    return registers.of(scalar.between(0, (1 << 8 * size) - 1))


def _part(reg: Reg, start: int, size: int) -> Reg:
    if size == 8:
        return reg
    if reg.is_pointer:
        raise Refused("invalid size of register fill")
    if reg.var.is_constant:
        return registers.number(reg.var.value >> 8 * start & (1 << 8 * size) - 1)
    if size == 4 and not start:
        return registers.of(low_half(reg.var))
    return registers.of(scalar.between(0, (1 << 8 * size) - 1))


def check_written(frame: Frame, low: int, high: int, what: str, *, leaks: bool) -> None:
    """Raise `Refused` if a helper would read bytes that nobody wrote, or a pointer."""
    if leaks:
        return
    if has_pointer(frame, low, high):
        raise Refused(f"{what} leaks a pointer on the stack to a helper")
    for offset in range(low, high):
        if letters(frame.stack.get((-offset - 1) // 8))[offset & 7] == UNWRITTEN:
            raise Refused(f"invalid read from stack {what} off {low}+{offset - low}")
