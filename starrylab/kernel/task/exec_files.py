"""The files that execve(2) opens: the program, a script's interpreter, a program's interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

from ...abi.arch import ARCHES
from ...abi.errno import EACCES, ENOEXEC
from ...abi.fanotify import FAN_OPEN, FAN_OPEN_EXEC
from ...abi.fcntl import MS_NOEXEC
from ...abi.landlock import LANDLOCK_ACCESS_FS_EXECUTE, LANDLOCK_ACCESS_FS_READ_FILE
from ...abi.stat import S_IFMT, S_IFREG
from ..vfs.node import FileNodeOps
from ..vfs.notify import tell_file
from ..vfs.permission import MAY_EXEC, check
from . import elf

if TYPE_CHECKING:
    from ..thread import Thread
    from ..vfs.mount import Location

_EXECUTE: Final = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE
_HEAD: Final = 256  #: bytes of a file that decide what it is (BINPRM_BUF_SIZE)
FIRST_READ: Final = 1024  #: bytes; the program headers of most files are among them
MAX_INTERPRETERS: Final = 4


def executable(thread: Thread, place: Location) -> FileNodeOps:
    """Return the file at ``place`` if the thread may execute it; ``EACCES`` if not."""
    node = place.node
    if node.mode & S_IFMT != S_IFREG or place.mount.flags & MS_NOEXEC:
        raise EACCES
    check(node, thread.cred, MAY_EXEC)
    if thread.cred.landlock is not None:
        thread.cred.landlock.require(place, _EXECUTE)
    return cast("FileNodeOps", node)


def open_image(thread: Thread, place: Location, opened: list[Location]) -> FileNodeOps:
    """Do as `executable`, add the place to ``opened``, and tell who listens."""
    node = executable(thread, place)
    opened.append(place)
    tell_file(place, FAN_OPEN | FAN_OPEN_EXEC)
    return node


def images(thread: Thread, place: Location) -> Iterator[Location]:
    """Yield the files that execve(2) of ``place`` opens, as long as they are fit for it.

    Raises what it raises.
    """
    machine = ARCHES[thread.kernel.arch].elf_machine
    for _ in range(MAX_INTERPRETERS + 1):
        node = executable(thread, place)
        yield place
        head = node.read_at(FIRST_READ, 0)
        if head[:2] != b"#!":
            image = elf.parse(node.read_at, machine, head)
            if image.interpreter is not None:
                yield thread.fs.walk(image.interpreter, thread.cred)
            return
        place = thread.fs.walk(interpreter_of(head)[0], thread.cred)


def interpreter_of(head: bytes) -> tuple[bytes, bytes]:
    """Return the interpreter that a script's first line names, and the argument for it, or b"".

    Raises ``ENOEXEC``.
    """
    head = head[:_HEAD]
    line, newline, _ = head[2:].partition(b"\n")
    line = line.strip(b" \t")
    interpreter, *rest = line.split(None, 1)[:2] if line else [b""]
    if not interpreter or (not newline and len(head) == _HEAD and not rest):
        raise ENOEXEC
    return interpreter, rest[0].strip(b" \t") if rest else b""
