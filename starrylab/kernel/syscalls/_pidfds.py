"""Which process a descriptor names (pidfd_send_signal(2), "Notes")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EBADF, ENOENT, ESRCH
from ..files.directory import DirectoryFile
from ..files.pidfd import PidFd
from ..fs.proc._task_dirs import PidDir

if TYPE_CHECKING:
    from ..files.file import File
    from ..task.process import Process
    from ..thread import Thread


def process_named(t: Thread, file: File) -> Process:
    """Return the process of a pidfd, or of an open directory /proc/PID.

    Raises EBADF for another file, and ESRCH once the process is gone.
    """
    target = file.process if isinstance(file, PidFd) else _of_directory(file)
    if t.kernel.processes.get(target.pid) is not target:
        raise ESRCH
    return target


def _of_directory(file: File) -> Process:
    node = file.node if isinstance(file, DirectoryFile) else None  # not one opened with O_PATH
    if not isinstance(node, PidDir) or node.tid is not None:
        raise EBADF("not a pidfd")
    try:
        return node.subject().process
    except ENOENT:
        raise ESRCH from None
