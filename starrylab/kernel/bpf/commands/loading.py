"""BPF_PROG_LOAD and BPF_BTF_LOAD."""

from __future__ import annotations

from typing import Final, NamedTuple

from ....abi import bpf as b
from ....abi import ebpf as e
from ....abi.errno import E2BIG, EBADF, EINVAL, ENOSPC, EPERM
from ..btf import BadBtf, Btf
from ..context import CONTEXTS
from ..files import BtfFile, MapFile, ProgramFile
from ..helpers.table import HELPERS
from ..instructions import Instruction, decode
from ..maps.base import Map
from ..program import Origin, Program
from ..verifier.log import Log
from ..verifier.refusal import Refused
from ..verifier.subject import Subject
from ..verifier.walk import verify
from .request import Request, name_of

_MOST: Final = 1_000_000  #: instructions, with CAP_BPF
_GPL: Final = (
    b"GPL", b"GPL v2", b"GPL and additional rights", b"Dual BSD/GPL", b"Dual MIT/GPL",
    b"Dual MPL/GPL",
)  # fmt: skip
_FLAGS: Final = (
    b.BPF_F_ANY_ALIGNMENT | b.BPF_F_TEST_RND_HI32 | b.BPF_F_TEST_STATE_FREQ
    | b.BPF_F_TEST_REG_INVARIANTS
)  # fmt: skip
_LOG_LEVELS: Final = 0xF
_LOG_FIXED: Final = 8
_PROGRAM_SIZE_AT: Final = 140  #: bytes before `log_true_size` among the attributes
_BTF_SIZE_AT: Final = 28
_FUNCTION: Final = 8  #: bytes of struct bpf_func_info
_LINE: Final = 16  #: bytes of struct bpf_line_info
_LICENCE: Final = 128


class _LogBuffer(NamedTuple):
    """Where a process wants to read the log."""

    request: Request
    addr: int
    size: int
    level: int
    true_size_at: int

    def check(self) -> None:
        """Raise ``EINVAL`` for what makes no sense."""
        if bool(self.addr) != bool(self.size) or self.level & ~_LOG_LEVELS or self.size >> 30:
            raise EINVAL
        if self.addr and not self.level:
            raise EINVAL

    def write(self, text: bytes) -> None:
        """Store the log, or its end if it does not fit, which is ``ENOSPC``."""
        if not self.level:
            return
        whole = text + b"\0"
        self.request.answer(self.true_size_at, len(whole))
        if not self.addr:
            return
        if len(whole) <= self.size:
            self.request.mm.write(self.addr, whole)
            return
        kept = text[: self.size - 1] if self.level & _LOG_FIXED else text[1 - self.size :]
        self.request.mm.write(self.addr, (kept if self.size > 1 else b"") + b"\0")
        raise ENOSPC


def load(request: Request) -> int:
    """BPF_PROG_LOAD."""
    fields = request.fields(b.PROG_LOAD)
    (
        kind, count, insns, licence, level, log_size, log_addr, _, flags, raw_name, ifindex,
        attach, btf_fd, *records, attach_btf, attach_fd, relocations, fds, _, _, _, token, fd_count,
        signature, _, _,
    ) = fields  # fmt: skip
    if flags & ~_FLAGS or ifindex or attach_btf or attach_fd or relocations or token or signature:
        raise EINVAL
    log_buffer = _LogBuffer(request, log_addr, log_size, level, _PROGRAM_SIZE_AT)
    log_buffer.check()
    may_bpf = request.may_bpf
    request.check_unprivileged()
    if not 0 < count <= (_MOST if may_bpf else b.BPF_MAXINSNS):
        raise E2BIG
    if kind not in CONTEXTS:
        raise EINVAL
    _check_rights(request, kind)
    name = name_of(raw_name)
    code = decode(request.mm.read(insns, count * e.SIZE))
    gpl = request.mm.read_partial(licence, _LICENCE).split(b"\0")[0] in _GPL
    btf = request.btf(btf_fd) if btf_fd else None
    log = Log(level)
    try:
        maps = _maps(request, code, fds, log)
        functions, lines = _records(request, records, btf)
        subject = Subject(
            kind, code, maps, HELPERS, gpl, may_bpf, bool(functions), request.may_perfmon
        )
        verify(subject, log)
    except Refused as refusal:
        log_buffer.write(log.text())
        raise refusal.error from None
    log_buffer.write(log.text())
    boottime = request.thread.kernel.clock.boottime()
    uid = request.thread.cred.uid
    return _install(
        request, subject, Origin(name, uid, boottime, attach, btf, functions, lines), fds, fd_count
    )


def _install(request: Request, subject: Subject, origin: Origin, fds: int, count: int) -> int:
    """Open a descriptor for a program, which also holds the maps of ``count`` descriptors."""
    bpf = request.bpf
    program = Program(subject, bpf.memory, origin, request.thread.kernel.heap)
    for index in range(count):
        other = request.file(request.mm.read_u32(fds + 4 * index))
        if isinstance(other, MapFile):
            program.bind(other.map)
    bpf.programs.add(program)
    return request.install(ProgramFile(program))


def _check_rights(request: Request, kind: int) -> None:
    if kind == b.BPF_PROG_TYPE_SOCKET_FILTER:
        return
    if not request.may_bpf or not request.may_perfmon:
        raise EPERM


def _maps(request: Request, code: list[Instruction], fds: int, log: Log) -> dict[int, Map]:
    """Return the maps that the code names, by the instructions that do."""
    found: dict[int, Map] = {}
    for index, i in enumerate(code):
        second = index > 0 and code[index - 1].is_wide
        if not i.is_wide or second or i.src in (0, e.PSEUDO_FUNC):
            continue
        if i.src == e.PSEUDO_BTF_ID or i.src > e.PSEUDO_MAP_IDX_VALUE:
            log.add("the kernel has no BTF\n")
            raise Refused("", EINVAL)
        fd = i.imm
        if i.src in (e.PSEUDO_MAP_IDX, e.PSEUDO_MAP_IDX_VALUE):
            fd = request.mm.read_u32(fds + 4 * i.imm)
        found[index] = _map(request, code, index, fd, log)
        if len(set(found.values())) > b.MAX_USED_MAPS:
            raise E2BIG
    return found


def _map(request: Request, code: list[Instruction], index: int, fd: int, log: Log) -> Map:
    i = code[index]
    try:
        found = request.map(fd & 0xFFFF_FFFF)
    except (EBADF, EINVAL) as error:
        log.add(f"fd {fd} is not pointing to valid bpf_map\n")
        raise Refused("", type(error)) from None
    if i.src in (e.PSEUDO_MAP_VALUE, e.PSEUDO_MAP_IDX_VALUE):
        offset = code[index + 1].imm & 0xFFFF_FFFF if index + 1 < len(code) else 0
        shape = found.shape
        if shape.type != b.BPF_MAP_TYPE_ARRAY or shape.max_entries != 1:
            log.add("direct value access on this map type is not supported\n")
            raise Refused("", EINVAL)
        if offset >= shape.value_size:
            log.add(f"invalid direct value offset={offset}\n")
            raise Refused("", EINVAL)
    return found


def _records(request: Request, records: list[int], btf: Btf | None) -> tuple[bytes, bytes]:
    """Return which functions and lines have types and texts."""
    function_size, functions, function_count, line_size, lines, line_count = records
    if btf is None:
        if function_count or line_count:
            raise EINVAL
        return b"", b""
    return (
        _table(request, functions, function_count, function_size, _FUNCTION),
        _table(request, lines, line_count, line_size, _LINE),
    )


def _table(request: Request, addr: int, count: int, size: int, kept: int) -> bytes:
    if not count:
        return b""
    if size < kept or size % 4 or size > 252 or count > _MOST:
        raise EINVAL
    return b"".join(request.mm.read(addr + n * size, kept) for n in range(count))


def load_btf(request: Request) -> int:
    """BPF_BTF_LOAD."""
    addr, log_addr, size, log_size, level, _, flags, token = request.fields(b.BTF_LOAD)
    if flags or token:
        raise EINVAL
    if not request.may_bpf:
        raise EPERM
    log_buffer = _LogBuffer(request, log_addr, log_size, level, _BTF_SIZE_AT)
    log_buffer.check()
    try:
        btf = Btf(request.mm.read(addr, size), request.thread.kernel.heap)
    except BadBtf as error:
        log_buffer.write(f"{error.args[0]}\n".encode())
        raise EINVAL from None
    log_buffer.write(b"")
    request.bpf.types.add(btf)
    return request.install(BtfFile(btf))
