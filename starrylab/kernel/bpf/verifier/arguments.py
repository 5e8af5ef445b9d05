"""The arguments of a call of a helper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi import bpf as b
from ..helpers.declare import Arg, Helper
from . import access
from .refusal import Refused, malformed
from .registers import Kind, Reg
from .scalar import ZERO

if TYPE_CHECKING:
    from ..maps.base import Map
    from .walk import Walk

_LARGEST: Final = 1 << 29  #: bytes: BPF_MAX_VAR_SIZ


class Arguments:
    """Checks them in order, and keeps what later ones and the result depend on."""

    def __init__(self, walk: Walk, helper: Helper) -> None:
        self._walk = walk
        self.map: Map | None = None
        self.released = 0  #: a reference that the call gives back
        self.constant = 0  #: size of a record
        self.largest = 0  #: bytes that the helper may write
        self.function = -1  #: that the helper calls
        self.context: Reg | None = None  #: of that function
        for number, kind in enumerate(helper.args, 1):
            self._check(number, kind, helper)

    def _check(self, number: int, kind: Arg, helper: Helper) -> None:
        if kind is Arg.WHATEVER:
            return
        reg = self._walk.read(number)
        if kind in (Arg.MEMORY, Arg.OUT_MEMORY, Arg.MEMORY_OR_NULL):
            self._memory(number, kind, reg)
        elif kind in (Arg.SIZE, Arg.SIZE_OR_ZERO):
            self._size(number, kind, reg, helper)
        elif kind in _KINDS:
            if reg.kind is not _KINDS[kind]:
                raise Refused(f"R{number} type={reg.kind.value} expected={_KINDS[kind].value}")
            self._special(number, kind, reg)
        else:
            self._other(number, kind, reg)

    def _special(self, number: int, kind: Arg, reg: Reg) -> None:
        if kind is Arg.MAP:
            self.map = reg.map
        elif kind is Arg.FUNCTION:
            self.function = reg.function
        elif reg.var != ZERO:
            raise Refused(f"dereference of modified {reg.kind.value} ptr R{number} disallowed")
        elif kind is Arg.RECORD:
            if not reg.ref:
                raise malformed(f"R{number} must be referenced when passed to release function")
            self.released = reg.ref

    def _other(self, number: int, kind: Arg, reg: Reg) -> None:
        if kind in (Arg.KEY, Arg.VALUE, Arg.OUT_VALUE):
            self._of_map(number, kind)
        elif kind in (Arg.CONSTANT_SIZE, Arg.CONSTANT):
            if not reg.is_scalar or not reg.var.is_constant:
                raise Refused(f"R{number} is not a known constant")
            self.constant = reg.var.value
            if kind is Arg.CONSTANT_SIZE and self.constant >= 1 << 30:
                raise malformed(f"R{number} is larger than any record")
        elif kind is Arg.STACK_OR_NULL:
            if reg.kind is not Kind.STACK and not (reg.is_scalar and reg.var == ZERO):
                raise Refused(f"R{number} type={reg.kind.value} expected=fp")
            self.context = reg
        elif kind is Arg.TEXT:
            self._text(number, reg)
        elif reg.is_pointer and not self._walk.subject.perfmon:
            raise Refused(f"R{number} leaks addr into helper function")

    def _of_map(self, number: int, kind: Arg) -> None:
        if self.map is None:
            raise Refused(f"R{number}: the map is not known")
        shape = self.map.shape
        size = shape.key_size if kind is Arg.KEY else shape.value_size
        if not size:
            raise Refused(f"R{number} invalid zero-sized read")
        write = kind is Arg.OUT_VALUE
        if write and shape.type == b.BPF_MAP_TYPE_BLOOM_FILTER:
            write = False
        access.helper_memory(self._walk, number, size, size, write=write)

    def _memory(self, number: int, kind: Arg, reg: Reg) -> None:
        if kind is Arg.MEMORY_OR_NULL and reg.is_scalar and reg.var == ZERO:
            return
        if reg.kind not in _MEMORY:
            raise Refused(f"R{number} type={reg.kind.value} expected=fp, map_value, ringbuf_mem")

    def _size(self, number: int, kind: Arg, reg: Reg, helper: Helper) -> None:
        if not reg.is_scalar:
            raise Refused(f"R{number} type={reg.kind.value} expected=scalar")
        var = reg.var
        if var.slow < 0:
            raise Refused(f"R{number} min value is negative, either use unsigned or 'var &= const'")
        if not var.low and kind is Arg.SIZE:
            raise Refused(f"R{number} invalid zero-sized read: u64=[0,{var.high}]")
        if var.high >= _LARGEST:
            raise Refused(
                f"R{number} unbounded memory access, use 'var &= const' or 'if (var < const)'"
            )
        memory = helper.args[number - 2]
        pointer = self._walk.read(number - 1)
        if memory is Arg.MEMORY_OR_NULL and pointer.is_scalar:
            if var.high:
                raise Refused(f"R{number - 1} is null, but R{number} is not zero")
            return
        write = memory is Arg.OUT_MEMORY
        self.largest = var.high
        access.helper_memory(self._walk, number - 1, var.low, var.high, write=write)

    def _text(self, number: int, reg: Reg) -> None:
        found = reg.map
        fixed = reg.kind is Kind.VALUE and found is not None and found.frozen
        if not fixed or found is None or not found.shape.flags & b.BPF_F_RDONLY_PROG:
            raise Refused(f"R{number} does not point to a readonly map'")
        if not reg.var.is_constant or not 0 <= reg.var.slow < found.shape.value_size:
            raise Refused(f"R{number} is not a constant address'")
        if b"\0" not in bytes(found.store[reg.var.slow : found.shape.value_size]):
            raise malformed("string is not zero-terminated")


_KINDS: Final = {
    Arg.MAP: Kind.MAP, Arg.CONTEXT: Kind.CTX, Arg.RECORD: Kind.RECORD, Arg.FUNCTION: Kind.FUNCTION,
}  # fmt: skip
_MEMORY: Final = frozenset({Kind.STACK, Kind.VALUE, Kind.RECORD, Kind.KEY})
