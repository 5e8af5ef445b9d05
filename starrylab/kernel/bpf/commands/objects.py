"""Commands that find objects, tell of them, and pin them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ....abi import bpf as b
from ....abi.errno import E2BIG, EINVAL
from ....abi.fcntl import AT_FDCWD
from ..btf import Btf
from ..files import BtfFile, LinkFile, MapFile, ProgramFile
from ..links import Link, PerfEventLink, RawTracepointLink
from ..maps.base import Map
from ..objects import BpfObject
from ..program import Program
from .pinning import find_pin, make_pin
from .request import Request

if TYPE_CHECKING:
    from ...files.file import File

_NEXT_AT: Final = 4  #: bytes before `next_id` among the attributes
_INFO_LENGTH_AT: Final = 4
_NAME: Final = 16
_ACCESS: Final = b.BPF_F_RDONLY | b.BPF_F_WRONLY
_LINK_INFO: Final = 64  #: bytes of struct bpf_link_info


def file_of(thing: BpfObject, flags: int = 0) -> File:
    """Return a new descriptor's file for an object."""
    if isinstance(thing, Map):
        return MapFile(thing, flags)
    if flags:
        raise EINVAL
    if isinstance(thing, Program):
        return ProgramFile(thing)
    if isinstance(thing, Btf):
        return BtfFile(thing)
    assert isinstance(thing, Link)
    return LinkFile(thing)


# -- by number -------------------------------------------------------------------------------


class _Numbers(Protocol):
    def after(self, number: int) -> int:
        """See `Table.after`."""
        ...


def _next(request: Request, table: _Numbers) -> int:
    start, _, flags, _ = request.fields(b.OBJECT_ID)
    if flags or start >= 0x7FFF_FFFF:
        raise EINVAL
    request.require_admin()
    request.answer(_NEXT_AT, table.after(start))
    return 0


def next_program(request: Request) -> int:
    """BPF_PROG_GET_NEXT_ID."""
    return _next(request, request.bpf.programs)


def next_map(request: Request) -> int:
    """BPF_MAP_GET_NEXT_ID."""
    return _next(request, request.bpf.maps)


def next_btf(request: Request) -> int:
    """BPF_BTF_GET_NEXT_ID."""
    return _next(request, request.bpf.types)


def next_link(request: Request) -> int:
    """BPF_LINK_GET_NEXT_ID."""
    return _next(request, request.bpf.links)


def _number(request: Request) -> tuple[int, int]:
    number, following, flags, _ = request.fields(b.OBJECT_ID)
    if following:
        raise EINVAL
    request.require_admin()
    return number, flags


def open_program(request: Request) -> int:
    """BPF_PROG_GET_FD_BY_ID."""
    number, flags = _number(request)
    if flags:
        raise EINVAL
    return request.install(ProgramFile(request.bpf.programs.get(number)))


def open_map(request: Request) -> int:
    """BPF_MAP_GET_FD_BY_ID."""
    number, flags = _number(request)
    if flags & ~_ACCESS or flags & _ACCESS == _ACCESS:
        raise EINVAL
    return request.install(MapFile(request.bpf.maps.get(number), flags))


def open_btf(request: Request) -> int:
    """BPF_BTF_GET_FD_BY_ID."""
    number, _ = _number(request)
    return request.install(BtfFile(request.bpf.types.get(number)))


def open_link(request: Request) -> int:
    """BPF_LINK_GET_FD_BY_ID."""
    number, flags = _number(request)
    if flags:
        raise EINVAL
    return request.install(LinkFile(request.bpf.links.get(number)))


# -- what they are ---------------------------------------------------------------------------


def info(request: Request) -> int:
    """BPF_OBJ_GET_INFO_BY_FD."""
    fd, length, addr = request.fields(b.OBJECT_INFO)
    file = request.file(fd)
    if isinstance(file, ProgramFile):
        size = b.PROG_INFO.size
        data = _program_info(request, file.program, _given(request, addr, length, size))
    elif isinstance(file, MapFile):
        size = b.MAP_INFO.size
        _given(request, addr, length, size)
        data = _map_info(file.map)
    elif isinstance(file, BtfFile):
        size = b.BTF_INFO.size
        data = _btf_info(request, file.btf, _given(request, addr, length, size))
    elif isinstance(file, LinkFile):
        size = _LINK_INFO
        data = _link_info(request, file.link, _given(request, addr, length, size))
    else:
        raise EINVAL
    length = min(length, size)
    request.mm.write(addr, data[:length])
    request.answer(_INFO_LENGTH_AT, length)
    return 0


def _given(request: Request, addr: int, length: int, size: int) -> bytes:
    """Return what the process put into the structure; ``E2BIG`` for parts that are not known."""
    data = request.mm.read(addr, length)
    if any(data[size:]):
        raise E2BIG
    return data[:size].ljust(size, b"\0")


def _map_info(found: Map) -> bytes:
    shape = found.shape
    return b.MAP_INFO.pack(
        shape.type, found.id, shape.key_size, shape.value_size, shape.max_entries, shape.flags,
        shape.name, 0, 0, 0, 0, 0 if shape.btf is None else shape.btf.id, shape.btf_key,
        shape.btf_value, 0, shape.extra, 0, 0, 0,
    )  # fmt: skip


def _array(request: Request, addr: int, room: int, items: list[bytes]) -> int:
    """Store as many items as there is room for; return how many there are."""
    if addr and room:
        request.mm.write(addr, b"".join(items[:room]))
    return len(items)


def _program_info(request: Request, program: Program, given: bytes) -> bytes:
    fields = list(b.PROG_INFO.unpack(given))
    origin = program.origin
    code = program.shown()
    wanted_code, code_at = fields[4], fields[6]
    wanted_maps, maps_at = fields[9], fields[10]
    functions_at, function_count = fields[22], fields[23]
    line_count, lines_at = fields[24], fields[25]
    tag_count, tags_at = fields[30], fields[31]
    if wanted_code and code_at and not request.may_bpf:
        code_at = 0
    if wanted_code and code_at:
        request.mm.write(code_at, code[:wanted_code])
    functions = [origin.functions[n : n + 8] for n in range(0, len(origin.functions), 8)]
    lines = [origin.lines[n : n + 16] for n in range(0, len(origin.lines), 16)]
    maps = [found.id.to_bytes(4, "little") for found in program.maps]
    return b.PROG_INFO.pack(
        program.type, program.id, program.tag, 0, len(code), 0, code_at, origin.loaded_ns,
        origin.uid, _array(request, maps_at, wanted_maps, maps), maps_at, origin.name, 0,
        int(program.gpl), 0, 0, 0, 0, 0, 0, 0 if origin.btf is None else origin.btf.id,
        8 if functions else 0, functions_at,
        _array(request, functions_at, function_count, functions),
        _array(request, lines_at, line_count, lines), lines_at, 0, 0, 16 if lines else 0, 0,
        _array(request, tags_at, tag_count, [program.tag]), tags_at, program.run_ns,
        program.run_count, 0, program.verified, 0, 0, 0,
    )  # fmt: skip


def _btf_info(request: Request, btf: Btf, given: bytes) -> bytes:
    addr, room, _, name_at, name_room, _ = b.BTF_INFO.unpack(given)
    if addr and room:
        request.mm.write(addr, btf.data[:room])
    if name_at and name_room:
        request.mm.write(name_at, (btf.name + b"\0")[:name_room])
    return b.BTF_INFO.pack(addr, len(btf.data), btf.id, name_at, len(btf.name), 0)


def _link_info(request: Request, link: Link, given: bytes) -> bytes:
    head = b"".join(n.to_bytes(4, "little") for n in (link.type, link.id, link.program.id, 0))
    body = given[16:]
    name_at, room = int.from_bytes(given[16:24], "little"), int.from_bytes(given[24:28], "little")
    if isinstance(link, RawTracepointLink):
        size = _name(request, link.name, name_at, room)
        cookie = link.cookie.to_bytes(8, "little")
        body = given[16:24] + size.to_bytes(8, "little") + cookie
    elif isinstance(link, PerfEventLink):
        body = link.describe(given[16:], lambda at, room: _name(request, link.name, at, room))
    return (head + body).ljust(_LINK_INFO, b"\0")[:_LINK_INFO]


def _name(request: Request, name: bytes, addr: int, room: int) -> int:
    """Store a name where there is room; return its length, with the zero at its end."""
    if bool(addr) != bool(room):
        raise EINVAL
    if addr:
        request.mm.write(addr, (name + b"\0")[:room])
    return len(name) + 1


# -- in a file system ------------------------------------------------------------------------


def _path(request: Request) -> tuple[int, int, int, int]:
    path, fd, flags, dirfd = request.fields(b.OBJECT)
    if not flags & b.BPF_F_PATH_FD:
        if dirfd:
            raise EINVAL
        dirfd = AT_FDCWD
    return path, fd, flags, dirfd


def pin(request: Request) -> int:
    """BPF_OBJ_PIN."""
    path, fd, flags, dirfd = _path(request)
    if flags & ~b.BPF_F_PATH_FD:
        raise EINVAL
    file = request.file(fd)
    if isinstance(file, MapFile):
        thing: BpfObject = file.map
    elif isinstance(file, ProgramFile):
        thing = file.program
    elif isinstance(file, LinkFile):
        thing = file.link
    else:
        raise EINVAL
    make_pin(request, request.mm.read_cstr(path), dirfd, thing)
    return 0


def get(request: Request) -> int:
    """BPF_OBJ_GET."""
    path, fd, flags, dirfd = _path(request)
    if fd or flags & ~(_ACCESS | b.BPF_F_PATH_FD) or flags & _ACCESS == _ACCESS:
        raise EINVAL
    thing = find_pin(request, request.mm.read_cstr(path), dirfd, flags & _ACCESS)
    return request.install(file_of(thing, flags & _ACCESS))
