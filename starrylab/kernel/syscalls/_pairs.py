"""Two descriptors at once, for pipe2(2) and socketpair(2)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..files.file import File
    from ..thread import Thread

_PAIR: Final = Struct("<ii")


def install_pair(t: Thread, files: tuple[File, File], addr: int, *, cloexec: bool) -> None:
    """Bind both files, and write their numbers to ``addr`` as two ints.

    Raises ``EMFILE`` or ``EFAULT``; then neither file stays open.
    """
    first, second = files
    numbers: list[int] = []
    try:
        numbers.append(t.install(first, cloexec=cloexec))
        numbers.append(t.install(second, cloexec=cloexec))
        t.mm.write(addr, _PAIR.pack(*numbers))
    except BaseException:
        for number in numbers:
            t.fds.close(number)
        raise
