"""The rest: IORING_OP_NOP, MADVISE, SPLICE, TEE, MSG_RING, WAITID, FUTEX_*, buffers, files."""

from __future__ import annotations

from typing import Final

from ....abi.errno import (
    EBADF,
    EBADFD,
    EFAULT,
    EINVAL,
    ENOENT,
    ENXIO,
    EOVERFLOW,
    EPERM,
)
from ....abi.fcntl import O_CLOEXEC
from ....abi.uring import (
    IORING_FILE_INDEX_ALLOC,
    IORING_FIXED_FD_NO_CLOEXEC,
    IORING_MSG_DATA,
    IORING_MSG_RING_CQE_SKIP,
    IORING_MSG_RING_FLAGS_PASS,
    IORING_MSG_SEND_FD,
    IORING_NOP_FILE,
    IORING_NOP_FIXED_BUFFER,
    IORING_NOP_FIXED_FILE,
    IORING_NOP_INJECT_RESULT,
    IORING_NOP_TW,
    IORING_SETUP_R_DISABLED,
    IOSQE_BUFFER_SELECT,
    IOSQE_FIXED_FILE,
)
from ...files.file import File
from ...uring.buffers import Buffer, ClassicGroup
from ...uring.request import Request, Result
from ...uring.ring import Ring
from .. import memory, pipe, splice, wait
from .operation import (
    Operation,
    file_of,
    goes_direct,
    no,
    one_by_one,
    signed,
    thread_of,
)
from .slots import update_files

_SPLICE_FIXED: Final = 1 << 31  #: SPLICE_F_FD_IN_FIXED
_NOP_FLAGS: Final = (
    IORING_NOP_INJECT_RESULT | IORING_NOP_FILE | IORING_NOP_FIXED_FILE | IORING_NOP_FIXED_BUFFER
    | IORING_NOP_TW
)  # fmt: skip
_MOST_BUFFERS: Final = 1 << 16


# -- nothing -----------------------------------------------------------------------------------


def _prepare_nop(request: Request) -> None:
    if request.op_flags & ~_NOP_FLAGS:
        raise EINVAL


def _nop(request: Request) -> int:
    flags, ring = request.op_flags, request.ring
    if flags & IORING_NOP_FIXED_FILE:
        if ring.files is None:
            raise EBADF
        ring.files.get(request.fd)
    elif flags & IORING_NOP_FILE and request.fd not in request.fds:
        raise EBADF
    if flags & IORING_NOP_FIXED_BUFFER:
        if ring.buffers is None:
            raise EFAULT
        request.use(ring.buffers.get(request.buf_index))
    if not flags & IORING_NOP_INJECT_RESULT:
        return 0
    result = request.length
    return result - (1 << 32) if result >> 31 else result


# -- memory and pipes --------------------------------------------------------------------------


def _prepare_madvise(request: Request) -> None:
    no(request.buf_index, request.file_index)


def _madvise(request: Request) -> None:
    length = request.off or request.length
    memory.madvise(thread_of(request), request.addr, length, request.op_flags)


def _source(request: Request) -> File:
    fd = request.file_index
    fd = fd - (1 << 32) if fd >> 31 else fd
    if not request.op_flags & _SPLICE_FIXED:
        return request.fds[fd]
    if request.ring.files is None:
        raise EBADF
    return request.ring.files.get(fd).item


def _splice(request: Request) -> Result:
    places = signed(request.addr), signed(request.off)
    offsets = [0 if place == -1 else splice.At(place) for place in places]
    flags = request.op_flags & ~_SPLICE_FIXED
    t = thread_of(request)
    return splice.splice_at(
        t, _source(request), offsets[0], file_of(request), offsets[1], request.length, flags
    )


def _prepare_tee(request: Request) -> None:
    no(request.addr, request.off)


def _tee(request: Request) -> Result:
    flags = request.op_flags & ~_SPLICE_FIXED
    t = thread_of(request)
    return splice.tee(t, _source(request), file_of(request), request.length, flags)


def _prepare_pipe(request: Request) -> None:
    no(request.fd, request.off, request.addr3)
    goes_direct(request, cloexec=bool(request.op_flags & O_CLOEXEC))


def _pipe(request: Request) -> None:
    pipe.pipe2(thread_of(request), request.addr, request.op_flags)


# -- other rings -------------------------------------------------------------------------------


def _prepare_message(request: Request) -> None:
    no(request.buf_index, request.personality)
    if request.op_flags & ~(IORING_MSG_RING_CQE_SKIP | IORING_MSG_RING_FLAGS_PASS):
        raise EINVAL


def _message(request: Request) -> None:
    target = file_of(request)
    if not isinstance(target, Ring):
        raise EBADFD
    if request.addr == IORING_MSG_DATA:
        send_data(request, target)
    elif request.addr == IORING_MSG_SEND_FD:
        _send_file(request, target)
    else:
        raise EINVAL


def send_data(request: Request, target: Ring) -> None:
    """Store a completion in another ring; ``EOVERFLOW`` when it has no room."""
    passes = bool(request.op_flags & IORING_MSG_RING_FLAGS_PASS)
    no(request.addr3, request.op_flags & ~IORING_MSG_RING_FLAGS_PASS)
    if request.file_index and not passes:
        raise EINVAL
    if target.setup & IORING_SETUP_R_DISABLED:
        raise EBADFD
    length = request.length
    result = length - (1 << 32) if length >> 31 else length
    _tell(target, request.off, result, request.file_index if passes else 0)


def _tell(target: Ring, user_data: int, result: int, flags: int) -> None:
    if not target.post_from_outside(user_data, result, flags):
        raise EOVERFLOW


def _send_file(request: Request, target: Ring) -> None:
    ring = request.ring
    no(request.length, request.op_flags & ~IORING_MSG_RING_CQE_SKIP)
    if target is ring:
        raise EINVAL
    if target.setup & IORING_SETUP_R_DISABLED:
        raise EBADFD
    if ring.files is None:
        raise EBADF
    file = ring.files.get(request.addr3).item
    if target.files is None:
        raise ENXIO
    wanted = request.file_index
    if not wanted:
        raise EINVAL
    index = None if wanted == IORING_FILE_INDEX_ALLOC else wanted - 1
    slot = target.files.install(file, index)
    if not request.op_flags & IORING_MSG_RING_CQE_SKIP:
        _tell(target, request.off, slot if index is None else 0, 0)


# -- processes and futexes ---------------------------------------------------------------------


def _prepare_wait(request: Request) -> None:
    no(request.addr, request.buf_index, request.addr3, request.op_flags)


def _waitid(request: Request) -> Result:
    t = thread_of(request)
    return wait.waitid(t, request.length, request.fd, request.off, request.file_index, 0)


# -- what is registered ------------------------------------------------------------------------


def _prepare_provide(request: Request) -> None:
    no(request.op_flags, request.file_index)
    count, first = request.fd, request.off
    if not 0 < count <= _MOST_BUFFERS or not request.length:
        raise EINVAL
    if first >> 16 or first + count > _MOST_BUFFERS:
        raise EINVAL
    if request.addr + count * request.length > request.mm.layout.user_top:
        raise EFAULT


def _provide(request: Request) -> None:
    groups = request.ring.groups
    group = groups.get(request.buf_index)
    if group is None:
        group = groups[request.buf_index] = ClassicGroup()
    if not isinstance(group, ClassicGroup):
        raise EINVAL
    size, first = request.length, request.off
    for index in range(request.fd):
        group.buffers.append(Buffer(request.addr + index * size, size, first + index))


def _prepare_remove(request: Request) -> None:
    no(request.op_flags, request.addr, request.length, request.off, request.file_index)
    if not 0 < request.fd <= _MOST_BUFFERS:
        raise EINVAL


def _remove(request: Request) -> int:
    group = request.ring.groups.get(request.buf_index)
    if group is None:
        raise ENOENT
    if not isinstance(group, ClassicGroup):
        raise EINVAL
    count = min(request.fd, len(group.buffers))
    for _ in range(count):
        group.buffers.popleft()
    return count


def _prepare_update(request: Request) -> None:
    if request.flags & (IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT):
        raise EINVAL
    no(request.op_flags, request.file_index, not request.length)


def _update(request: Request) -> int:
    t, ring = thread_of(request), request.ring
    first = request.off & 0xFFFFFFFF
    if first != IORING_FILE_INDEX_ALLOC:
        return update_files(t, ring, first, request.addr, 0, request.length)
    if ring.files is None:
        raise ENXIO
    files = ring.files

    def install(index: int) -> None:
        at = request.addr + 4 * index
        t.mm.write_u32(at, files.install(t.file(t.mm.read_i32(at)), None))

    return one_by_one(request.length, install)


def _prepare_install(request: Request) -> None:
    no(request.off, request.addr, request.length, request.buf_index, request.file_index,
       request.addr3)  # fmt: skip
    if not request.flags & IOSQE_FIXED_FILE:
        raise EBADF
    if request.op_flags & ~IORING_FIXED_FD_NO_CLOEXEC:
        raise EINVAL


def _install(request: Request) -> int:
    if request.personality:
        raise EPERM
    cloexec = not request.op_flags & IORING_FIXED_FD_NO_CLOEXEC
    return thread_of(request).install(file_of(request), cloexec=cloexec)


OPERATIONS: Final = (
    Operation("NOP", _nop, _prepare_nop, iopoll=True),
    Operation("MADVISE", _madvise, _prepare_madvise),
    Operation("SPLICE", _splice, file=True),
    Operation("TEE", _tee, _prepare_tee, file=True),
    Operation("PIPE", _pipe, _prepare_pipe),
    Operation("MSG_RING", _message, _prepare_message, file=True, iopoll=True),
    Operation("WAITID", _waitid, _prepare_wait),
    Operation("PROVIDE_BUFFERS", _provide, _prepare_provide, iopoll=True),
    Operation("REMOVE_BUFFERS", _remove, _prepare_remove, iopoll=True),
    Operation("FILES_UPDATE", _update, _prepare_update, iopoll=True),
    Operation("FIXED_FD_INSTALL", _install, _prepare_install, file=True),
)

__all__ = ["OPERATIONS", "send_data"]
