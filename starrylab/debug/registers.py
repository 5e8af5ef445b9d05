"""The registers of a thread for a screen: values, what changed, what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..abi.arch import ARCHES
from ..abi.arch.register_notes import FIELDS, ROLES, RegisterField
from ..abi.numbers import Arch
from .dwarf.operands import decode_float
from .dwarf.scalars import fraction

if TYPE_CHECKING:
    from ..kernel.thread import Thread

_WORD: Final = 8


@dataclass(frozen=True, slots=True)
class RegisterView:
    """One register; texts are ready to be shown."""

    name: str
    value: int  #: unsigned
    text: str  #: the value: hexadecimal, with the fraction of a floating-point register
    role: str  #: what the register is for, "" if nothing special
    is_floating: bool
    changed: bool  #: since the values that were given for comparison
    points_to: str  #: ``<main+8>``, "" if it is no address of code


def read(thread: Thread) -> dict[str, int]:
    """Return the registers of a stopped thread, unsigned, in the architecture's order."""
    arch = ARCHES[thread.kernel.arch]
    found: dict[str, int] = {}
    general = thread.context.general()
    for index, name in enumerate(arch.general):
        found[name] = int.from_bytes(general[_WORD * index : _WORD * (index + 1)], "little")
    floating = thread.context.floating()
    size = _floating_size(thread.kernel.arch)
    for index, name in enumerate(arch.floating):
        found[name] = int.from_bytes(floating[size * index : size * (index + 1)], "little")
    for name, (offset, width) in _CONTROL.get(thread.kernel.arch, {}).items():
        found[name] = int.from_bytes(floating[offset : offset + width], "little")
    return found


#: architecture -> register behind the floating-point ones -> offset in NT_PRFPREG, bytes
_CONTROL: Final[dict[Arch, dict[str, tuple[int, int]]]] = {
    "riscv64": {"fcsr": (256, 4)},
    "aarch64": {"fpsr": (512, 4), "fpcr": (516, 4)},
    "loongarch64": {"fcsr": (264, 4)},
}


def _floating_size(arch: Arch) -> int:
    first = min((offset for offset, _ in _CONTROL[arch].values()), default=256)
    return first // len(ARCHES[arch].floating)


def view(
    arch: Arch,
    values: Mapping[str, int],
    before: Mapping[str, int] | None = None,
    symbol: Mapping[str, str] | None = None,
) -> list[RegisterView]:
    """Return registers as a screen shows them.

    ``before`` are the values at the last stop; ``symbol`` says what registers point to.
    """
    floating, roles = frozenset(ARCHES[arch].floating), ROLES[arch]
    return [
        RegisterView(
            name,
            value,
            _text(value, name in floating),
            roles.get(name, ""),
            name in floating,
            before is not None and before.get(name) != value,
            (symbol or {}).get(name, ""),
        )
        for name, value in values.items()
    ]


_BOXED: Final = 0xFFFFFFFF  #: upper half of a single-precision number in a 64-bit register


def _text(value: int, is_floating: bool) -> str:
    if not is_floating:
        return f"{value:#x}"
    if value >> 32 == _BOXED:
        return f"{fraction(decode_float((value & 0xFFFFFFFF).to_bytes(4, 'little')), 4)} (single)"
    return fraction(decode_float((value & (1 << 64) - 1).to_bytes(8, "little")), 8)


def fields(arch: Arch, name: str, value: int) -> list[str]:
    """Return what the fields of a register say, a line each; none for plain registers."""
    return [_field(field, value) for field in FIELDS[arch].get(name, ())]


def explain(thread: Thread, name: str, frame: Mapping[str, int | None] | None = None) -> list[str]:
    """Return value and purpose of a register, then its fields; none for an unknown one.

    ``frame`` has the registers that are other ones in an outer frame, ``None`` where a callee
    lost them.
    """
    arch = thread.kernel.arch
    values: dict[str, int | None] = {**read(thread), **(frame or {})}
    if name not in values:
        return []
    value = values[name]
    if value is None:
        return [f"{name}: not saved by the functions that this one called"]
    (shown,) = view(arch, {name: value})
    purpose = f": {shown.role}" if shown.role else ""
    return [f"{name} = {shown.text}{purpose}", *fields(arch, name, value)]


def _field(field: RegisterField, value: int) -> str:
    bits = value >> field.low & (1 << field.high - field.low + 1) - 1
    where = str(field.low) if field.low == field.high else f"{field.high}:{field.low}"
    named = f" ({field.values[bits]})" if field.values and bits in field.values else ""
    return f"{field.name} [{where}] = {bits}{named}: {field.meaning}"
