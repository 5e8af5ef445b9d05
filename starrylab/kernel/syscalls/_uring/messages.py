"""Messages: IORING_OP_SEND, RECV, SENDMSG, RECVMSG, and those without copies."""

from __future__ import annotations

from typing import Any, Final

from ....abi import socket as so
from ....abi.errno import EAGAIN, EFAULT, EINVAL, EOPNOTSUPP, LinuxError
from ....abi.poll import POLLIN, POLLOUT
from ....abi.uring import (
    IORING_CQE_F_NOTIF,
    IORING_CQE_F_SOCK_NONEMPTY,
    IORING_RECV_MULTISHOT,
    IORING_RECVSEND_BUNDLE,
    IORING_RECVSEND_FIXED_BUF,
    IORING_RECVSEND_POLL_FIRST,
    IORING_SEND_VECTORIZED,
    IORING_SEND_ZC_REPORT_USAGE,
    IOSQE_CQE_SKIP_SUCCESS,
    RECVMSG_OUT,
)
from ...uring.request import Request, Result
from .. import message
from .._address import read_address
from .operation import Operation, choose, no, selects, socket_of, thread_of, took

_SEND_FLAGS: Final = IORING_RECVSEND_POLL_FIRST | IORING_RECVSEND_BUNDLE | IORING_SEND_VECTORIZED
_ZC_FLAGS: Final = (
    IORING_RECVSEND_POLL_FIRST | IORING_RECVSEND_FIXED_BUF | IORING_SEND_ZC_REPORT_USAGE
    | IORING_SEND_VECTORIZED
)  # fmt: skip
_RECEIVE_FLAGS: Final = IORING_RECVSEND_POLL_FIRST | IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE


def _polls_first(request: Request) -> bool:
    """Tell whether the request should wait before its first attempt; once."""
    if request.ioprio & IORING_RECVSEND_POLL_FIRST:
        request.ioprio &= ~IORING_RECVSEND_POLL_FIRST
        return True
    return False


# -- sending -----------------------------------------------------------------------------------


def _prepare_send(request: Request, known: int = _SEND_FLAGS) -> None:
    if request.ioprio & ~known:
        raise EINVAL
    address = b""
    if request.off:
        size = request.file_index & 0xFFFF
        address = read_address(thread_of(request), request.off, min(size, so.ADDRESS_MAX))
    pieces = [(request.addr, request.length)]
    if request.ioprio & IORING_SEND_VECTORIZED:
        pieces = request.mm.read_vector(request.addr, request.length)
    request.data = message.Outgoing(address, pieces, 0, 0)
    _note_flags(request)


def _prepare_send_message(request: Request, known: int = _SEND_FLAGS) -> None:
    if request.ioprio & ~known:
        raise EINVAL
    request.data = message.read_outgoing(thread_of(request), request.addr)
    _note_flags(request)


def _note_flags(request: Request) -> None:
    request.nowait = bool(request.op_flags & so.MSG_DONTWAIT)


def _send(request: Request) -> Result:
    if _polls_first(request):
        raise EAGAIN
    outgoing: message.Outgoing = request.data
    if selects(request):
        wanted = sum(size for _, size in outgoing.pieces)
        bundle = bool(request.ioprio & IORING_RECVSEND_BUNDLE)
        outgoing = outgoing._replace(pieces=choose(request, wanted, bundle=bundle))
    flags = request.op_flags | so.MSG_NOSIGNAL
    whole = bool(flags & so.MSG_WAITALL) and not request.nowait
    if not whole:
        flags |= so.MSG_DONTWAIT
    sock = socket_of(request)
    result = message.send_outgoing(thread_of(request), sock, outgoing, flags & ~so.MSG_WAITALL)
    if isinstance(result, int):
        return _sent(request, result)
    return _sent_later(request, result)


async def _sent_later(request: Request, sending: Any) -> int:
    return _sent(request, await sending)


def _sent(request: Request, done: int) -> int:
    if selects(request):
        request.cqe_flags = took(request, done)
    return done


def _prepare_send_zc(request: Request) -> None:
    if request.flags & IOSQE_CQE_SKIP_SUCCESS:
        raise EINVAL
    prepare = _prepare_send if request.op.name == "SEND_ZC" else _prepare_send_message
    prepare(request, _ZC_FLAGS)


def _send_zc(request: Request) -> int:
    """Refuse: AF_UNIX has no zero copy, on Linux either (SOCK_SUPPORT_ZC).

    As there the refusal comes first, and then the notice that the memory may be used again.
    """
    socket_of(request)
    request.failed = True
    request.more(-EOPNOTSUPP.errno)
    request.cqe_flags = IORING_CQE_F_NOTIF
    return 0


# -- receiving ---------------------------------------------------------------------------------


def _prepare_receive(request: Request) -> None:
    no(request.file_index, request.off)
    _check_receive(request)
    if request.ioprio & IORING_RECV_MULTISHOT and request.length:
        raise EINVAL


def _check_receive(request: Request) -> None:
    if request.ioprio & ~_RECEIVE_FLAGS:
        raise EINVAL
    _note_flags(request)
    many = request.ioprio & IORING_RECV_MULTISHOT
    if many and (not selects(request) or request.op_flags & so.MSG_WAITALL):
        raise EINVAL
    if request.ioprio & IORING_RECVSEND_BUNDLE and request.op.name == "RECVMSG":
        raise EINVAL


def _receive(request: Request) -> Result:
    if _polls_first(request):
        raise EAGAIN
    if request.ioprio & IORING_RECV_MULTISHOT:
        return _receive_many(request, _receive_once)
    return _receive_once(request)


def _receive_once(request: Request) -> Result:
    wanted = request.length
    pieces = [(request.addr, wanted)]
    if selects(request):
        bundle = bool(request.ioprio & IORING_RECVSEND_BUNDLE)
        pieces = choose(request, wanted, bundle=bundle)
    target = message.Target(pieces, sum(size for _, size in pieces))
    return _receive_into(request, target)


def _receive_into(request: Request, target: message.Target) -> Result:
    sock = socket_of(request)
    flags = request.op_flags
    whole = bool(flags & so.MSG_WAITALL) and not selects(request) and not request.nowait
    if not whole:
        flags |= so.MSG_DONTWAIT
    result = message.receive_into(thread_of(request), sock, target, flags)
    if isinstance(result, int):
        return _received(request, result)
    return _received_later(request, result, target.size)


async def _received_later(request: Request, receiving: Any, wanted: int) -> int:
    done = await receiving
    request.failed = done < wanted
    return _received(request, done)


def _received(request: Request, done: int) -> int:
    flags = 0
    if selects(request):
        if done > 0:
            flags = took(request, done)
        request.buffers = []
    if socket_of(request).poll() & POLLIN:
        flags |= IORING_CQE_F_SOCK_NONEMPTY
    request.cqe_flags = flags
    return done


async def _receive_many(request: Request, once: Any) -> int:
    """Receive again and again, each time into another provided buffer."""
    sock = socket_of(request)
    while True:
        try:
            done: int = once(request)
        except EAGAIN:
            request.cqe_flags = 0
            await request.ready(sock, POLLIN)
            continue
        except LinuxError:
            request.cqe_flags = 0
            raise
        if done <= 0 or not request.more(done, request.cqe_flags):
            return done
        if not sock.poll() & POLLIN:  # a buffer is chosen when there is something for it
            await request.ready(sock, POLLIN)


def _prepare_receive_message(request: Request) -> None:
    no(request.file_index, request.off)
    _check_receive(request)
    request.data = message.read_target(thread_of(request), request.addr)
    if request.ioprio & IORING_RECV_MULTISHOT and request.data.control_size >> 31:
        raise EINVAL


def _receive_message(request: Request) -> Result:
    if _polls_first(request):
        raise EAGAIN
    if request.ioprio & IORING_RECV_MULTISHOT:
        return _receive_many(request, _receive_described)
    target: message.Target = request.data
    if selects(request):
        wanted = target.pieces[0][1] if target.pieces else 0
        pieces = choose(request, wanted)
        target = target._replace(pieces=pieces, size=sum(size for _, size in pieces))
    return _receive_into(request, target)


def _receive_described(request: Request) -> int:
    """Receive into a provided buffer that begins with ``struct io_uring_recvmsg_out``."""
    mm = request.mm
    asked: message.Target = request.data
    [(addr, size)] = choose(request, 0)
    name_room = mm.read_u32(asked.header + 8) if asked.header else 0
    head = RECVMSG_OUT.size + name_room + asked.control_size
    if size < head:
        request.buffers = []
        raise EFAULT
    # A msghdr of this one message, in the place where its payload's head will be.
    kept = mm.read(asked.header, so.MSGHDR.size)
    name_at = addr + RECVMSG_OUT.size
    payload = size - head
    target = message.Target(
        [(addr + head, payload)], payload, name_at if name_room else 0, asked.header + 8,
        asked.header, name_at + name_room, asked.control_size,
    )  # fmt: skip
    try:
        flags = request.op_flags | so.MSG_DONTWAIT
        done = message.receive_into(thread_of(request), socket_of(request), target, flags)
        assert isinstance(done, int)
        fields = so.MSGHDR.unpack(mm.read(asked.header, so.MSGHDR.size))
    finally:
        mm.write(asked.header, kept)
    name_size = fields[1] if name_room else 0
    mm.write(addr, RECVMSG_OUT.pack(name_size, fields[5], done, fields[6]))
    total = head + min(done, payload)
    request.cqe_flags = took(request, total)
    if socket_of(request).poll() & POLLIN:
        request.cqe_flags |= IORING_CQE_F_SOCK_NONEMPTY
    return total


OPERATIONS: Final = (
    Operation("SEND", _send, _prepare_send, True, POLLOUT, True, True),
    Operation("SENDMSG", _send, _prepare_send_message, True, POLLOUT, True, True),
    Operation("SEND_ZC", _send_zc, _prepare_send_zc, True, 0, True),
    Operation("SENDMSG_ZC", _send_zc, _prepare_send_zc, True, 0, True),
    Operation("RECV", _receive, _prepare_receive, True, POLLIN, True, True),
    Operation("RECVMSG", _receive_message, _prepare_receive_message, True, POLLIN, True, True),
)
