"""pipe2(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EINVAL
from ...abi.fcntl import O_CLOEXEC, O_DIRECT, O_NONBLOCK
from ..files.pipe import make_pipe
from ._declare import syscall
from ._pairs import install_pair
from ._shown import OutFds, PipeFlags

if TYPE_CHECKING:
    from ..thread import Thread

_KNOWN: Final = O_CLOEXEC | O_NONBLOCK | O_DIRECT


@syscall()
def pipe2(t: Thread, fds: OutFds, flags: PipeFlags) -> None:
    """pipe2(2)."""
    if flags & ~_KNOWN:
        raise EINVAL
    kernel = t.kernel
    status = flags & (O_NONBLOCK | O_DIRECT)
    reader, writer = make_pipe(status, ino=next(kernel.anon_inodes), heap=kernel.heap)
    install_pair(t, (reader, writer), fds, cloexec=bool(flags & O_CLOEXEC))
