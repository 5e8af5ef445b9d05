"""BTF, the types of a program (``Documentation/bpf/btf.rst``): checked, kept and shown."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.errno import E2BIG, EINVAL
from ..ipc.objects import Charge
from .objects import BpfObject

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap

_HEADER: Final = Struct("<HBBIIIII")  #: magic, version, flags, its size, types, strings
_TYPE: Final = Struct("<III")  #: name, info, size or type
_MAGIC: Final = 0xEB9F
_LARGEST: Final = 16 << 20  #: bytes
_LINE: Final = 4

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO = (
    range(1, 14)
)
VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(14, 20)
#: kind -> bytes that follow a type, and those for each of its `vlen` members
_SIZES: Final = {
    INT: (4, 0), PTR: (0, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), ENUM: (0, 8),
    FWD: (0, 0), TYPEDEF: (0, 0), VOLATILE: (0, 0), CONST: (0, 0), RESTRICT: (0, 0),
    FUNC: (0, 0), FUNC_PROTO: (0, 8), VAR: (4, 0), DATASEC: (0, 12), FLOAT: (0, 0),
    DECL_TAG: (4, 0), TYPE_TAG: (0, 0), ENUM64: (0, 12),
}  # fmt: skip
#: kinds whose third word is a type
_REFERS: Final = frozenset(
    {PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DECL_TAG, TYPE_TAG}
)
_MEMBERS: Final = {STRUCT: 4, UNION: 4, FUNC_PROTO: 4, DATASEC: 0}  #: where a member has its type


class BadBtf(EINVAL):
    """The data is no BTF; the message is for the log."""


class Btf(BpfObject):
    """The types of one program; raises `BadBtf`, ``E2BIG``."""

    __slots__ = ("_charge", "count", "data", "name")

    def __init__(self, data: bytes, heap: KernelHeap | None = None) -> None:
        super().__init__()
        self._charge = Charge(heap)
        if len(data) > _LARGEST:
            raise E2BIG
        self.data = data
        self.name = b""
        types, strings = _sections(data)
        self.count = _check_types(types, strings)
        self._charge.cover(len(data))

    def freed(self) -> None:
        """See `BpfObject.freed`."""
        self._charge.end()


def _sections(data: bytes) -> tuple[bytes, bytes]:
    """Return the types and the strings."""
    if len(data) < _HEADER.size:
        raise BadBtf("hdr_len not found")
    magic, version, flags, size, type_at, type_size, text_at, text_size = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise BadBtf("Invalid magic")
    if version != 1:
        raise BadBtf("Unsupported version")
    if flags:
        raise BadBtf("Unsupported flags")
    if size < _HEADER.size or any(data[_HEADER.size : size]):
        raise BadBtf("Unsupported btf_header")
    body = data[size:]
    if type_at % _LINE or type_at + type_size > len(body) or text_at != type_at + type_size:
        raise BadBtf("Unsupported section found")
    if text_at + text_size != len(body):
        raise BadBtf("Total section length too long")
    types, strings = body[type_at:text_at], body[text_at:]
    if not strings or strings[0] or strings[-1]:
        raise BadBtf("Invalid string section")
    return types, strings


def _check_types(types: bytes, strings: bytes) -> int:
    """Return how many types there are."""
    at = count = 0
    refers: list[tuple[int, int]] = []
    while at < len(types):
        count += 1
        if at + _TYPE.size > len(types):
            raise BadBtf(f"[{count}] meta_left too small")
        name, info, value = _TYPE.unpack_from(types, at)
        kind, members = info >> 24 & 0x1F, info & 0xFFFF
        if kind not in _SIZES:
            raise BadBtf(f"[{count}] Invalid kind:{kind}")
        if name >= len(strings):
            raise BadBtf(f"[{count}] Invalid name_offset:{name}")
        at += _TYPE.size
        fixed, each = _SIZES[kind]
        end = at + fixed + each * members
        if end > len(types):
            raise BadBtf(f"[{count}] meta_left too small")
        if kind in _REFERS:
            refers.append((count, value))
        refers += [(count, other) for other in _others(types, at, kind, members, each)]
        at = end
    for number, other in refers:
        if other > count:
            raise BadBtf(f"[{number}] Invalid type_id {other}")
    return count


def _others(types: bytes, at: int, kind: int, members: int, each: int) -> list[int]:
    """Return the types that the tail of a type names."""
    if kind == ARRAY:
        return [int.from_bytes(types[at + n : at + n + 4], "little") for n in (0, 4)]
    offset = _MEMBERS.get(kind)
    if offset is None:
        return []
    starts = (at + each * n + offset for n in range(members))
    return [int.from_bytes(types[start : start + 4], "little") for start in starts]
