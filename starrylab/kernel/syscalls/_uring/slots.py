"""Registered files and buffers: IORING_REGISTER_FILES and BUFFERS, and their updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.errno import EBADF, EBUSY, EFAULT, EINVAL, EMFILE, ENXIO, EOVERFLOW, LinuxError
from ....abi.resource import RLIMIT_NOFILE
from ....abi.uring import (
    IORING_REGISTER_FILES_SKIP,
    MAX_FIXED_FILES,
    MAX_REGISTERED_BUFFERS,
)
from ....machine.api import WRITE
from ...uring.registered import FixedBuffers, FixedFiles, Span
from ...uring.ring import Ring
from .operation import one_by_one

if TYPE_CHECKING:
    from ...files.file import File
    from ...thread import Thread

_MOST_BYTES: Final = 1 << 30  #: of one registered buffer


def _tag(t: Thread, tags: int, index: int) -> int:
    return t.mm.read_u64(tags + 8 * index) if tags else 0


def _check_range(first: int, count: int, size: int) -> None:
    """Raise ``EOVERFLOW`` or ``EINVAL`` for slots that are beyond ``size``."""
    if first + count >= 1 << 32:
        raise EOVERFLOW
    if first + count > size:
        raise EINVAL


# -- files -------------------------------------------------------------------------------------


def register_files(t: Thread, ring: Ring, addr: int, tags: int, count: int) -> None:
    """Register ``count`` files; without an address all slots are empty."""
    if ring.files is not None:
        raise EBUSY
    if not count:
        raise EINVAL
    if count > MAX_FIXED_FILES or count > t.process.limits.soft(RLIMIT_NOFILE):
        raise EMFILE
    files = FixedFiles(count, ring.tell_tag)
    try:
        for index in range(count):
            tag = _tag(t, tags, index)
            fd = t.mm.read_i32(addr + 4 * index) if addr else -1
            if fd == -1:
                if tag:
                    raise EINVAL
                continue
            files.put(index, _held(t, fd), tag)
    except LinuxError:
        files.forget()
        raise
    ring.files = files


def _held(t: Thread, fd: int) -> File:
    file = t.file(fd)
    if isinstance(file, Ring):  # it would hold itself
        raise EBADF
    file.acquire()
    return file


def update_files(t: Thread, ring: Ring, first: int, addr: int, tags: int, count: int) -> int:
    """Replace the files of ``count`` slots; return how many that was."""
    files = ring.files
    if files is None:
        raise ENXIO
    _check_range(first, count, len(files))

    def update(index: int) -> None:
        tag = _tag(t, tags, index)
        fd = t.mm.read_i32(addr + 4 * index)
        if fd in (IORING_REGISTER_FILES_SKIP, -1) and tag:
            raise EINVAL
        if fd == -1:
            files.clear(first + index)
        elif fd != IORING_REGISTER_FILES_SKIP:
            files.put(first + index, _held(t, fd), tag)

    return one_by_one(count, update)


# -- buffers -----------------------------------------------------------------------------------


def register_buffers(t: Thread, ring: Ring, addr: int, tags: int, count: int) -> None:
    """Register ``count`` buffers; without an address all slots are empty."""
    if ring.buffers is not None:
        raise EBUSY
    if not 0 < count <= MAX_REGISTERED_BUFFERS:
        raise EINVAL
    buffers = FixedBuffers(count, ring.tell_tag)
    try:
        for index in range(count):
            if addr:
                _put_buffer(t, buffers, index, addr + 16 * index, _tag(t, tags, index))
    except LinuxError:
        buffers.forget()
        raise
    ring.buffers = buffers


def _put_buffer(t: Thread, buffers: FixedBuffers, index: int, vec: int, tag: int) -> None:
    base, size = t.mm.read_u64(vec), t.mm.read_u64(vec + 8)
    if not base and not size:
        if tag:
            raise EINVAL
        buffers.clear(index)
        return
    if not base or not size or size > _MOST_BYTES:
        raise EFAULT
    if base + size >= 1 << 64:
        raise EOVERFLOW
    t.mm.views(base, size, WRITE)
    buffers.put(index, Span(base, size, t.mm), tag)


def update_buffers(t: Thread, ring: Ring, first: int, addr: int, tags: int, count: int) -> int:
    """Replace ``count`` buffers; return how many that was."""
    buffers = ring.buffers
    if buffers is None:
        raise ENXIO
    _check_range(first, count, len(buffers))

    def update(index: int) -> None:
        _put_buffer(t, buffers, first + index, addr + 16 * index, _tag(t, tags, index))

    return one_by_one(count, update)


def clone_buffers(
    source: Ring, target: Ring, first: int, to: int, count: int, *, replace: bool
) -> None:  # fmt: skip
    """IORING_REGISTER_CLONE_BUFFERS."""
    given = source.buffers
    if given is None:
        raise ENXIO
    if target.buffers is not None and not replace:
        raise EBUSY
    if not count:
        count = len(given)
    elif count > len(given):
        raise EINVAL
    if first + count > len(given):
        raise EOVERFLOW
    if to + count > MAX_REGISTERED_BUFFERS:
        raise EINVAL
    had = len(target.buffers) if target.buffers is not None else 0
    buffers = FixedBuffers(max(to + count, had), target.tell_tag)
    if target.buffers is not None:
        buffers.nodes[:had] = target.buffers.nodes
    for index in range(count):
        node = given.nodes[first + index]
        if node is None:
            buffers.clear(to + index)
        else:
            buffers.put(to + index, node.item)
    target.buffers = buffers
