"""From file to file: sendfile(2), copy_file_range(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EBADF, EFBIG, EINTR, EINVAL, EISDIR, ENOSPC, EPIPE
from ...abi.fcntl import O_APPEND
from ..files.directory import DirectoryFile
from ..files.regular import RegularFile
from ._declare import syscall
from ._shown import InOffset
from ._types import Fd, Size, UInt
from .io import MAX_RW_COUNT, within_limit, write_all

if TYPE_CHECKING:
    from ..thread import Thread

_CHUNK: Final = 1 << 18  #: bytes that the kernel itself copies at a time


@syscall(moves="both")
async def sendfile(t: Thread, out: Fd, source: Fd, offset_ptr: InOffset, count: Size) -> int:
    """sendfile(2)."""
    if not out.writable or not source.readable:
        raise EBADF
    if not isinstance(source, RegularFile):
        raise EINVAL
    if out.flags & O_APPEND:
        raise EINVAL
    offset = _offset(t, source, offset_ptr)
    count = min(count, MAX_RW_COUNT)
    done = 0
    out.acquire()
    source.acquire()
    try:
        while done < count:
            data = source.pread(min(count - done, _CHUNK), offset + done)
            if not data:
                break
            if isinstance(out, RegularFile):
                moved = out.write(data[: within_limit(t, out.offset, len(data))])
            else:
                moved = await write_all(t, out, data)
            done += moved
            if moved < len(data):
                break
    except (EINTR, EAGAIN, EPIPE, ENOSPC, EFBIG):
        if not done:
            raise
    finally:
        _set_offset(t, source, offset_ptr, offset + done)
        out.release()
        source.release()
    return done


def _offset(t: Thread, file: RegularFile, pointer: int) -> int:
    if not pointer:
        return file.offset
    offset = t.mm.read_u64(pointer)
    if offset >> 63:
        raise EINVAL
    return offset


def _set_offset(t: Thread, file: RegularFile, pointer: int, offset: int) -> None:
    if pointer:
        t.mm.write_u64(pointer, offset)
    else:
        file.offset = offset


@syscall(moves="both")
def copy_file_range(
    t: Thread, source: Fd, in_ptr: InOffset, out: Fd, out_ptr: InOffset, count: Size, flags: UInt
) -> int:
    """copy_file_range(2)."""
    if flags:
        raise EINVAL
    if isinstance(source, DirectoryFile) or isinstance(out, DirectoryFile):
        raise EISDIR
    if not isinstance(source, RegularFile) or not isinstance(out, RegularFile):
        raise EINVAL
    if not source.readable or not out.writable or out.flags & O_APPEND:
        raise EBADF
    start, target = _offset(t, source, in_ptr), _offset(t, out, out_ptr)
    count = min(count, MAX_RW_COUNT)
    if source.node is out.node and start < target + count and target < start + count:
        raise EINVAL
    count = within_limit(t, target, count)
    done = 0
    while done < count:
        data = source.pread(min(count - done, _CHUNK), start + done)
        if not data:
            break
        done += out.pwrite(data, target + done)
    _set_offset(t, source, in_ptr, start + done)
    _set_offset(t, out, out_ptr, target + done)
    return done
