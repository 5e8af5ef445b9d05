"""bpf(2): commands, and the attributes that each one has."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final

from ...abi import bpf as b
from .quoting import quoted
from .view import View, pointer

_LOAD: Final = Struct("<IIQQIIQII16s")


def _named(prefix: str) -> dict[int, str]:
    return {
        value: name
        for name, value in vars(b).items()
        if name.startswith(prefix) and isinstance(value, int)
    }


def _commands() -> dict[int, str]:
    names = list(vars(b))
    first, last = names.index("BPF_MAP_CREATE"), names.index("BPF_PROG_ASSOC_STRUCT_OPS")
    return {vars(b)[name]: name for name in names[first : last + 1]}


_COMMANDS: Final = _commands()
_MAPS: Final = _named("BPF_MAP_TYPE_")
_PROGRAMS: Final = _named("BPF_PROG_TYPE_")
_UPDATES: Final = {0: "BPF_ANY", 1: "BPF_NOEXIST", 2: "BPF_EXIST"}


def command(view: View, value: int, index: int) -> str:
    """Show a command."""
    return _COMMANDS.get(value, f"{value:#x}")


def attr(view: View, value: int, index: int) -> str:
    """Show the attributes of the command at hand."""
    number, size = view.registers[0] & 0xFFFFFFFF, view.registers[2] & 0xFFFFFFFF
    data = view.read(value, min(size, b.ATTR_SIZE)) if value else b""
    if not data:
        return pointer(value)
    show = _SHOWN.get(number)
    if show is None:
        return pointer(value)
    words = show(view, data.ljust(b.ATTR_SIZE, b"\0"))
    return f"{{{words}}}"


def _create(view: View, data: bytes) -> str:
    kind, key, value, entries, flags, inner, _, name = b.MAP_CREATE.unpack_from(data)[:8]
    words = (
        f"map_type={_MAPS.get(kind, hex(kind))}, key_size={key}, value_size={value}, "
        f"max_entries={entries}, map_flags={flags:#x}, inner_map_fd={inner}"
    )
    return f"{words}, map_name={quoted(name.rstrip(bytes(1)))}, ..."


def _element(view: View, data: bytes) -> str:
    fd, key, value, flags = b.MAP_ELEMENT.unpack_from(data)
    shown = _UPDATES.get(flags, f"{flags:#x}")
    return f"map_fd={fd}, key={pointer(key)}, value={pointer(value)}, flags={shown}"


def _load(view: View, data: bytes) -> str:
    kind, count, insns, licence, level, size, log, _, flags, name = _LOAD.unpack_from(data)
    text = view.read(licence, 32).split(b"\0")[0]
    return (
        f"prog_type={_PROGRAMS.get(kind, hex(kind))}, insn_cnt={count}, insns={pointer(insns)}, "
        f"license={quoted(text)}, log_level={level}, log_size={size}, log_buf={pointer(log)}, "
        f"prog_flags={flags:#x}, prog_name={quoted(name.rstrip(bytes(1)))}, ..."
    )


def _object(view: View, data: bytes) -> str:
    path, fd, flags, _ = b.OBJECT.unpack_from(data)
    name = quoted(view.read(path, 64).split(b"\0")[0])
    return f"pathname={name}, bpf_fd={fd}, file_flags={flags:#x}"


def _number(view: View, data: bytes) -> str:
    start, following, flags, _ = b.OBJECT_ID.unpack_from(data)
    return f"start_id={start}, next_id={following}, open_flags={flags:#x}"


def _info(view: View, data: bytes) -> str:
    fd, size, at = b.OBJECT_INFO.unpack_from(data)
    return f"info={{bpf_fd={fd}, info_len={size}, info={pointer(at)}}}"


def _raw(view: View, data: bytes) -> str:
    name, fd, _ = b.RAW_TRACEPOINT.unpack_from(data)
    text = quoted(view.read(name, 64).split(b"\0")[0])
    return f"raw_tracepoint={{name={text}, prog_fd={fd}}}"


def _link(view: View, data: bytes) -> str:
    program, target, kind, flags, _ = b.LINK_CREATE.unpack_from(data)
    return (
        f"link_create={{prog_fd={program}, target_fd={target}, attach_type={kind}, "
        f"flags={flags:#x}}}"
    )


_SHOWN: Final[dict[int, Callable[[View, bytes], str]]] = {
    b.BPF_MAP_CREATE: _create, b.BPF_PROG_LOAD: _load, b.BPF_OBJ_PIN: _object,
    b.BPF_OBJ_GET: _object, b.BPF_OBJ_GET_INFO_BY_FD: _info, b.BPF_LINK_CREATE: _link,
    b.BPF_RAW_TRACEPOINT_OPEN: _raw,
    **dict.fromkeys(
        (b.BPF_MAP_LOOKUP_ELEM, b.BPF_MAP_UPDATE_ELEM, b.BPF_MAP_DELETE_ELEM,
         b.BPF_MAP_GET_NEXT_KEY, b.BPF_MAP_LOOKUP_AND_DELETE_ELEM, b.BPF_MAP_FREEZE), _element,
    ),
    **dict.fromkeys(
        (b.BPF_PROG_GET_NEXT_ID, b.BPF_MAP_GET_NEXT_ID, b.BPF_BTF_GET_NEXT_ID,
         b.BPF_LINK_GET_NEXT_ID, b.BPF_PROG_GET_FD_BY_ID, b.BPF_MAP_GET_FD_BY_ID,
         b.BPF_BTF_GET_FD_BY_ID, b.BPF_LINK_GET_FD_BY_ID), _number,
    ),
}  # fmt: skip
