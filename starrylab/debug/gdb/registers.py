"""Registers between gdb's layout and Linux's, and the target description that explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.arch.gdb_registers import ALWAYS_ZERO, GDB_TARGETS, UNAVAILABLE, GdbRegister
from ...abi.numbers import Arch
from .values import GdbError

if TYPE_CHECKING:
    from ...machine.api import UserContext

_WORD: Final = 8  #: bytes


class RegisterFile:
    """The registers of one architecture, in the order of the ``g`` packet."""

    def __init__(self, arch: Arch) -> None:
        target = self.target = GDB_TARGETS[arch]
        registers = [r for feature in target.features for r in feature.registers]
        available = (r for r in registers if r.registers != UNAVAILABLE)
        self._order = sorted(available, key=lambda register: register.number)
        self._by_number = {register.number: register for register in registers}

    def description(self) -> bytes:
        """Return ``target.xml`` (GDB manual, "Target Description Format")."""
        target = self.target
        features = []
        for feature in target.features:
            rows = "".join(_row(register) for register in feature.registers)
            features.append(f'<feature name="{feature.name}">{feature.types}{rows}</feature>')
        text = (
            '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0">'
            f"<architecture>{target.architecture}</architecture><osabi>{target.osabi}</osabi>"
            f"{''.join(features)}</target>"
        )
        return text.encode()

    def read_all(self, context: UserContext) -> bytes:
        """Return the data of a ``g`` reply, as bytes."""
        sets = (*context.save(), bytes(_WORD))
        return b"".join(_get(register, sets) for register in self._order)

    def read(self, context: UserContext, number: int) -> bytes:
        """Return one register; raise `GdbError` for a number that is none."""
        return _get(self._find(number), (*context.save(), bytes(_WORD)))

    def read_text(self, context: UserContext, number: int) -> bytes:
        """Return the data of a ``p`` reply: digits, or an x for each; raise `GdbError`."""
        register = self._find(number)
        if register.registers == UNAVAILABLE:
            return b"x" * (register.bits // 4)
        return self.read(context, number).hex().encode()

    def expedited(self, context: UserContext) -> list[tuple[int, bytes]]:
        """Return what gdb wants to know at every stop: numbers and values."""
        sets = (*context.save(), bytes(_WORD))
        return [(n, _get(self._by_number[n], sets)) for n in self.target.expedited]

    def write_all(self, context: UserContext, data: bytes) -> None:
        """Set all registers from the data of a ``G`` packet; raise `GdbError`."""
        if len(data) != sum(register.bits // 8 for register in self._order):
            raise GdbError("G: wrong number of bytes")
        values = []
        for register in self._order:
            size = register.bits // 8
            values.append((register, data[:size]))
            data = data[size:]
        _put(context, values)

    def write(self, context: UserContext, number: int, data: bytes) -> None:
        """Set one register; raise `GdbError`."""
        register = self._find(number)
        if len(data) != register.bits // 8:
            raise GdbError(f"{register.name} has {register.bits // 8} bytes")
        if register.registers == UNAVAILABLE:
            raise GdbError(f"{register.name} is not available")
        _put(context, [(register, data)])

    def _find(self, number: int) -> GdbRegister:
        register = self._by_number.get(number)
        if register is None:
            raise GdbError(f"there is no register {number}")
        return register


def _row(register: GdbRegister) -> str:
    group = f' group="{register.group}"' if register.group else ""
    return (
        f'<reg name="{register.name}" bitsize="{register.bits}" type="{register.type}" '
        f'regnum="{register.number}"{group}/>'
    )


def _get(register: GdbRegister, sets: tuple[bytes, bytes, bytes]) -> bytes:
    size = register.bits // 8
    data = sets[register.registers][register.offset : register.offset + size]
    value = int.from_bytes(data, "little") >> register.shift & register.mask
    return value.to_bytes(size, "little")


def _put(context: UserContext, values: list[tuple[GdbRegister, bytes]]) -> None:
    general, floating = context.save()
    sets = (bytearray(general), bytearray(floating))
    for register, data in values:
        if register.registers == ALWAYS_ZERO:
            continue
        target = sets[register.registers]
        size = register.bits // 8
        at = slice(register.offset, register.offset + size)
        field = register.mask << register.shift
        old = int.from_bytes(target[at], "little") & ~field
        new = (int.from_bytes(data, "little") & register.mask) << register.shift
        target[at] = (old | new).to_bytes(size, "little")
    context.restore(bytes(sets[0]), bytes(sets[1]))
