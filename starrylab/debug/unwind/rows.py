"""What call frame instructions say at one address (DWARF 5, 6.4.2).

The program of an entry is run up to the address.  The result says how the caller's registers
are found: a `Row`.  Every instruction takes at least a byte, so a program always ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .cfi import Cie, Fde
from .cursor import CfiError, Cursor

# Kinds of rules; plain numbers, because a walk looks at dozens of them.
UNDEFINED: Final = 0  #: the caller's value is lost; of the return address: there is no caller
SAME: Final = 1
OFFSET: Final = 2  #: saved at CFA + value
VAL_OFFSET: Final = 3  #: it is CFA + value
REGISTER: Final = 4  #: it is in register `value`
EXPRESSION: Final = 5  #: saved at what `value` computes
VAL_EXPRESSION: Final = 6  #: it is what `value` computes

Rule = tuple[int, int | bytes]
_NESTING: Final = 64  #: remembered states
_MAX_REGISTER: Final = 1 << 16
_SAME: Final[Rule] = (SAME, 0)
_UNDEFINED: Final[Rule] = (UNDEFINED, 0)


@dataclass(slots=True)
class Row:
    """The rules that hold at one address."""

    cfa_register: int = -1  #: -1: `cfa_expression` computes it
    cfa_offset: int = 0
    cfa_expression: bytes = b""
    rules: dict[int, Rule] = field(default_factory=dict)

    def copy(self) -> Row:
        """Return a row of its own."""
        return Row(self.cfa_register, self.cfa_offset, self.cfa_expression, dict(self.rules))


def row_at(fde: Fde, addr: int) -> Row:
    """Return the rules at ``addr``, an address of the file; raise `CfiError`."""
    cie = fde.cie
    machine = _Machine(cie, fde.start, addr)
    machine.run(cie.initial, cie.base)
    machine.initial = machine.row.copy()
    machine.run(fde.program, fde.base)
    return machine.row


class _Machine:
    """Runs call frame instructions until their location is beyond the wanted address."""

    def __init__(self, cie: Cie, location: int, wanted: int) -> None:
        self.cie = cie
        self.location = location
        self.wanted = wanted
        self.row = Row()
        self.initial = self.row
        self.saved: list[Row] = []
        self.base = 0

    def run(self, program: bytes, base: int) -> None:
        cursor = Cursor(program)
        self.base = base
        code_align, data_align = self.cie.code_align, self.cie.data_align
        while cursor.at < cursor.end:
            op = program[cursor.at]
            cursor.at += 1
            high = op & 0xC0
            if high == 0x40:  # DW_CFA_advance_loc
                if not self._advance((op & 0x3F) * code_align):
                    return
            elif high == 0x80:  # DW_CFA_offset
                self.row.rules[op & 0x3F] = (OFFSET, cursor.uleb() * data_align)
            elif high == 0xC0:  # DW_CFA_restore
                self.restore(op & 0x3F)
            elif not self._extended(op, cursor):
                return

    def _advance(self, delta: int) -> bool:
        """Move on; False when the wanted address lies before the new location."""
        self.location += delta
        return self.location <= self.wanted

    def _extended(self, op: int, cursor: Cursor) -> bool:
        size = _ADVANCES.get(op)
        if size is not None:
            return self._advance(cursor.unsigned(size) * self.cie.code_align)
        if op == 0x01:  # DW_CFA_set_loc
            self.location = cursor.pointer(self.cie.pointer_encoding, self.base)
            return self.location <= self.wanted
        action = _ACTIONS.get(op)
        if action is None:
            raise CfiError(f"call frame instruction {op:#x} is not known")
        action(self, cursor)
        return True

    def restore(self, register: int) -> None:
        rule = self.initial.rules.get(register)
        if rule is None:
            self.row.rules.pop(register, None)
        else:
            self.row.rules[register] = rule

    def remember(self, _: Cursor) -> None:
        if len(self.saved) >= _NESTING:
            raise CfiError("too many remembered states")
        self.saved.append(self.row.copy())

    def restore_state(self, _: Cursor) -> None:
        if not self.saved:
            raise CfiError("a state is restored that was never remembered")
        self.row = self.saved.pop()

    def def_cfa(self, cursor: Cursor) -> None:
        self.row.cfa_register = _register(cursor)
        self.row.cfa_offset = cursor.uleb()

    def def_cfa_sf(self, cursor: Cursor) -> None:
        self.row.cfa_register = _register(cursor)
        self.row.cfa_offset = cursor.sleb() * self.cie.data_align

    def def_cfa_register(self, cursor: Cursor) -> None:
        self.row.cfa_register = _register(cursor)

    def def_cfa_offset(self, cursor: Cursor) -> None:
        self.row.cfa_offset = cursor.uleb()

    def def_cfa_offset_sf(self, cursor: Cursor) -> None:
        self.row.cfa_offset = cursor.sleb() * self.cie.data_align

    def def_cfa_expression(self, cursor: Cursor) -> None:
        self.row.cfa_register = -1
        self.row.cfa_expression = cursor.block(cursor.uleb())

    def negative_offset(self, cursor: Cursor) -> None:
        register = _register(cursor)
        self.row.rules[register] = (OFFSET, -cursor.uleb() * self.cie.data_align)


def _register(cursor: Cursor) -> int:
    number = cursor.uleb()
    if number >= _MAX_REGISTER:
        raise CfiError(f"there is no register {number}")
    return number


def _offset_rule(kind: int, signed: bool) -> Callable[[_Machine, Cursor], None]:
    def action(machine: _Machine, cursor: Cursor) -> None:
        register = _register(cursor)
        value = cursor.sleb() if signed else cursor.uleb()
        machine.row.rules[register] = (kind, value * machine.cie.data_align)

    return action


def _expression_rule(kind: int) -> Callable[[_Machine, Cursor], None]:
    def action(machine: _Machine, cursor: Cursor) -> None:
        register = _register(cursor)
        machine.row.rules[register] = (kind, cursor.block(cursor.uleb()))

    return action


def _constant_rule(rule: Rule) -> Callable[[_Machine, Cursor], None]:
    def action(machine: _Machine, cursor: Cursor) -> None:
        machine.row.rules[_register(cursor)] = rule

    return action


def _register_rule(machine: _Machine, cursor: Cursor) -> None:
    register = _register(cursor)
    machine.row.rules[register] = (REGISTER, _register(cursor))


def _restore_extended(machine: _Machine, cursor: Cursor) -> None:
    machine.restore(_register(cursor))


#: DW_CFA_advance_loc1, 2, 4 and MIPS_advance_loc8 -> bytes of the operand
_ADVANCES: Final = {0x02: 1, 0x03: 2, 0x04: 4, 0x1D: 8}

_ACTIONS: Final[dict[int, Callable[[_Machine, Cursor], object]]] = {
    0x00: lambda _m, _c: None,  # DW_CFA_nop
    0x05: _offset_rule(OFFSET, signed=False),
    0x06: _restore_extended,
    0x07: _constant_rule(_UNDEFINED),
    0x08: _constant_rule(_SAME),
    0x09: _register_rule,
    0x0A: lambda m, c: m.remember(c),
    0x0B: lambda m, c: m.restore_state(c),
    0x0C: lambda m, c: m.def_cfa(c),
    0x0D: lambda m, c: m.def_cfa_register(c),
    0x0E: lambda m, c: m.def_cfa_offset(c),
    0x0F: lambda m, c: m.def_cfa_expression(c),
    0x10: _expression_rule(EXPRESSION),
    0x11: _offset_rule(OFFSET, signed=True),
    0x12: lambda m, c: m.def_cfa_sf(c),
    0x13: lambda m, c: m.def_cfa_offset_sf(c),
    0x14: _offset_rule(VAL_OFFSET, signed=False),
    0x15: _offset_rule(VAL_OFFSET, signed=True),
    0x16: _expression_rule(VAL_EXPRESSION),
    0x2E: lambda _m, c: c.uleb(),  # DW_CFA_GNU_args_size
    0x2F: lambda m, c: m.negative_offset(c),
}
