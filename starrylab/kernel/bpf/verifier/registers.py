"""What the verifier knows of a register: nothing, a number, or a pointer and how far it points."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from . import scalar
from .scalar import ANY, ZERO, Scalar

if TYPE_CHECKING:
    from ..maps.base import Map


class Kind(Enum):
    """What a register holds; the texts are those of Linux's log."""

    UNSET = "?"
    SCALAR = "scalar"
    CTX = "ctx"
    STACK = "fp"
    MAP = "map_ptr"
    MAP_OR_NULL = "map_ptr_or_null"
    VALUE = "map_value"
    VALUE_OR_NULL = "map_value_or_null"
    KEY = "map_key"
    RECORD = "ringbuf_mem"
    RECORD_OR_NULL = "ringbuf_mem_or_null"
    FUNCTION = "func"


#: what a pointer is once it was compared with null
CERTAIN: Final = {
    Kind.VALUE_OR_NULL: Kind.VALUE,
    Kind.RECORD_OR_NULL: Kind.RECORD,
    Kind.MAP_OR_NULL: Kind.MAP,
}
#: pointers that may be calculated with
MOVABLE: Final = frozenset({Kind.STACK, Kind.VALUE, Kind.KEY, Kind.RECORD})


class Reg(NamedTuple):
    """One register, or a register that was kept on the stack."""

    kind: Kind
    var: Scalar = ZERO  #: the number; of a pointer how many bytes it is beyond where it began
    map: Map | None = None
    size: int = 0  #: bytes of a ring buffer's record
    id: int = 0  #: what came from the same place: registers that become certain, or equal, together
    ref: int = 0  #: what has to be given back
    frame: int = 0  #: of a stack pointer: whose
    function: int = 0  #: first instruction of a function

    @property
    def is_pointer(self) -> bool:
        """Whether it is an address of any kind."""
        return self.kind not in (Kind.UNSET, Kind.SCALAR)

    @property
    def is_scalar(self) -> bool:
        """Whether it is a number."""
        return self.kind is Kind.SCALAR

    def text(self) -> str:
        """Return it as in Linux's log."""
        if self.kind is Kind.SCALAR:
            return scalar_text(self.var, self.id)
        offset = _offset_text(self.var)
        if self.kind is Kind.STACK:
            return f"fp{offset or 0}" if not self.frame else f"fp[{self.frame}]{offset or 0}"
        parts = []
        if self.id:
            parts.append(f"id={self.id}")
        if self.ref:
            parts.append(f"ref_obj_id={self.ref}")
        if self.map is not None:
            shape = self.map.shape
            if shape.name:
                parts.append(f"map={shape.name.decode('ascii', 'replace')}")
            parts.append(f"ks={shape.key_size},vs={shape.value_size}")
        if self.kind in (Kind.RECORD, Kind.RECORD_OR_NULL):
            parts.append(f"sz={self.size}")
        if offset:
            parts.append(f"off={self.var.slow}" if self.var.is_constant else offset)
        return f"{self.kind.value}({','.join(parts)})"


UNSET: Final = Reg(Kind.UNSET)
UNKNOWN: Final = Reg(Kind.SCALAR, ANY)


def number(value: int) -> Reg:
    """Return a register with one number."""
    return Reg(Kind.SCALAR, scalar.known(value))


def of(var: Scalar) -> Reg:
    """Return a register with one of these numbers."""
    return Reg(Kind.SCALAR, var)


def _offset_text(var: Scalar) -> str:
    if var.is_constant:
        return f"{var.slow:+d}" if var.value else ""
    return _ranges(var)


def scalar_text(var: Scalar, link: int = 0) -> str:
    """Return a number as in Linux's log."""
    if var.is_constant:
        return str(var.slow) if -(1 << 20) < var.slow < 1 << 20 else f"0x{var.value:x}"
    parts = ([f"id={link}"] if link else []) + ([_ranges(var)] if var != ANY else [])
    return f"scalar({','.join(parts)})"


def _ranges(var: Scalar) -> str:
    """Return the ranges that say something; equal ones share one number."""
    named: dict[int, list[str]] = {}
    for name, value, plain in (
        ("smin", var.slow, scalar.S_MIN), ("smax", var.shigh, scalar.S_MAX),
        ("umin", var.low, 0), ("umax", var.high, scalar.M64),
    ):  # fmt: skip
        if value != plain:
            named.setdefault(value, []).append(name)
    parts = [f"{'='.join(names)}={_short(value)}" for value, names in named.items()]
    if var.mask != scalar.M64:
        parts.append(f"var_off=(0x{var.value:x}; 0x{var.mask:x})")
    return ",".join(parts)


def _short(value: int) -> str:
    return str(value) if abs(value) < 1 << 20 else hex(value)
