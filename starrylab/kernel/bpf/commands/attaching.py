"""Commands that attach programs, and try them out."""

from __future__ import annotations

from typing import Final

from ....abi import bpf as b
from ....abi.errno import E2BIG, EBADF, EINVAL, ENOENT, ENOSPC, ENOTSUPP, EOPNOTSUPP, EPERM, ESRCH
from ..context import RAW_ARGUMENTS, SKB_SIZE
from ..events import attach_event
from ..files import LinkFile, StatisticsFile
from ..hooks import RawHook
from ..links import PerfEventLink, RawTracepointLink
from ..packets import packet_context
from .request import Request

_NAME: Final = 128
_ETHERNET: Final = 14  #: bytes of a header that every packet has to have
_TEST_REPEATS: Final = 1_000_000
_FD_AT, _PROGRAM_AT, _KIND_AT, _LENGTH_AT = 4, 24, 28, 12


def raw_tracepoint(request: Request) -> int:
    """BPF_RAW_TRACEPOINT_OPEN."""
    name_at, fd, cookie = request.fields(b.RAW_TRACEPOINT)
    program = request.program(fd)
    if program.type != b.BPF_PROG_TYPE_RAW_TRACEPOINT:
        raise EINVAL
    name = request.mm.read_cstr(name_at, _NAME)
    bpf = request.bpf
    hook = RawHook(bpf, request.thread.kernel.events, name, program)
    link = RawTracepointLink(program, cookie, hook.stop, name)
    hook.link = link
    bpf.links.add(link)
    return request.install(LinkFile(link))


def create_link(request: Request) -> int:
    """BPF_LINK_CREATE: programs for events of perf_event_open(2)."""
    program_fd, target_fd, kind, flags, cookie = request.fields(b.LINK_CREATE)
    program = request.program(program_fd)
    if kind != b.BPF_PERF_EVENT or flags:
        raise EINVAL
    if program.type not in (b.BPF_PROG_TYPE_TRACEPOINT, b.BPF_PROG_TYPE_PERF_EVENT):
        raise EINVAL
    link = attach_event(request.bpf, program, request.file(target_fd), cookie)
    request.bpf.links.add(link)
    return request.install(LinkFile(link))


def update_link(request: Request) -> int:
    """BPF_LINK_UPDATE."""
    link_fd, new_fd, flags, old_fd = request.fields(b.LINK_UPDATE)
    link = request.link(link_fd)
    new = request.program(new_fd)
    if flags & ~(1 << 2) or (old_fd and not flags):
        raise EINVAL
    if flags and request.program(old_fd) is not link.program:
        raise EPERM
    if isinstance(link, RawTracepointLink):
        raise EINVAL
    link.replace(new)
    return 0


def detach_link(request: Request) -> int:
    """BPF_LINK_DETACH: none of these links can be detached while it is held."""
    (fd,) = request.fields(b.LINK)
    request.link(fd)
    raise EOPNOTSUPP


def refuse(_: Request) -> int:
    """Commands for what this kernel does not have: cgroups, iterators, tokens, structures."""
    raise EINVAL


def statistics(request: Request) -> int:
    """BPF_ENABLE_STATS: count runs and their time while the descriptor is open."""
    (kind,) = request.fields(b.LINK)
    request.require_admin()
    if kind:
        raise EINVAL
    return request.install(StatisticsFile(request.bpf))


def bind_map(request: Request) -> int:
    """BPF_PROG_BIND_MAP."""
    program_fd, map_fd, flags = request.fields(b.BIND_MAP)
    if flags:
        raise EINVAL
    program = request.program(program_fd)
    program.bind(request.map(map_fd))
    return 0


def query_descriptor(request: Request) -> int:
    """BPF_TASK_FD_QUERY: what a descriptor of another process is attached to."""
    pid, fd, flags, room, at, _, _, _, _ = request.fields(b.TASK_FD_QUERY)
    request.require_admin()
    if flags:
        raise EINVAL
    process = request.thread.kernel.processes.get(request.thread.process.meant(pid))
    if process is None or not process.threads:
        raise ENOENT if process is None else ESRCH
    file = next(iter(process.threads.values())).fds.get(fd)
    if file is None:
        raise EBADF
    link = file.link if isinstance(file, LinkFile) else None
    if isinstance(link, RawTracepointLink):
        kind = b.BPF_FD_TYPE_RAW_TRACEPOINT
    elif isinstance(link, PerfEventLink) and link.name:
        kind = b.BPF_FD_TYPE_TRACEPOINT
    else:
        raise ENOTSUPP
    name = link.name
    request.answer(_LENGTH_AT, len(name))
    request.answer(_PROGRAM_AT, link.program.id)
    request.answer(_KIND_AT, kind)
    if at and room:
        request.mm.write(
            at, (name + b"\0")[: room - 1] + b"\0" if room <= len(name) else name + b"\0"
        )
        if room <= len(name):
            raise ENOSPC
    return 0


# -- trying out ------------------------------------------------------------------------------


def test_run(request: Request) -> int:
    """BPF_PROG_TEST_RUN: a packet for a socket filter, arguments for a raw tracepoint."""
    fields = request.fields(b.TEST_RUN)
    program = request.program(fields[0])
    if program.type == b.BPF_PROG_TYPE_SOCKET_FILTER:
        return _test_filter(request, fields)
    if program.type == b.BPF_PROG_TYPE_RAW_TRACEPOINT:
        return _test_raw(request, fields)
    raise ENOTSUPP


def _test_raw(request: Request, fields: tuple[int, ...]) -> int:
    (
        fd, _, size, out_size, data, out, repeat, _, context_size, _, context_at, context_out,
        flags, cpu, _,
    ) = fields  # fmt: skip
    if (
        data
        or size
        or out
        or out_size
        or context_out
        or repeat
        or flags & ~1
        or (cpu and not flags)
    ):
        raise EINVAL
    program = request.program(fd)
    if context_size < program.context_used or context_size > 8 * RAW_ARGUMENTS:
        raise EINVAL
    context = bytearray(request.mm.read(context_at, context_size).ljust(8 * RAW_ARGUMENTS, b"\0"))
    request.answer(_FD_AT, request.bpf.run(program, context))
    return 0


def _test_filter(request: Request, fields: tuple[int, ...]) -> int:
    (
        fd, _, size, out_size, data_at, out, repeat, _, context_size, context_room, context_at,
        context_out, flags, cpu, batch,
    ) = fields  # fmt: skip
    if flags or cpu or batch or size < _ETHERNET or size > 4096 - 320:
        raise EINVAL
    if bool(context_size) != bool(context_at) or bool(context_room) != bool(context_out):
        raise EINVAL
    packet = request.mm.read(data_at, size)
    context = packet_context(packet[_ETHERNET:], int.from_bytes(packet[12:14], "little"))
    if context_at:
        given = request.mm.read(context_at, context_size)
        if any(given[SKB_SIZE:]):
            raise E2BIG
        context[48:68] = given.ljust(SKB_SIZE, b"\0")[48:68]
    bpf, program = request.bpf, request.program(fd)
    clock = request.thread.kernel.clock
    repeat = min(max(1, repeat), _TEST_REPEATS)
    started = clock.monotonic()
    result = 0
    for _ in range(repeat):
        result = bpf.run(program, context, packet[_ETHERNET:])
    passed = (clock.monotonic() - started) // repeat
    request.answer(_FD_AT, result)
    request.answer(36, min(passed, 0xFFFF_FFFF))
    return _test_answers(request, packet, context, (out, out_size, context_out, context_room))


def _test_answers(
    request: Request, packet: bytes, context: bytearray, wanted: tuple[int, int, int, int]
) -> int:
    out, out_size, context_out, context_room = wanted
    body = packet[_ETHERNET:]
    if out:
        request.mm.write(out, body[: out_size or len(body)])
    if context_out:
        request.mm.write(context_out, bytes(context[:context_room]))
        request.answer(44, min(context_room, SKB_SIZE))
    request.answer(12, len(body))
    if out and 0 < out_size < len(body):
        raise ENOSPC
    return 0
