"""Where thread-local variables are (ELF Handling For Thread-Local Storage, variant I)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.arch.tls import TLS
from ...abi.numbers import Arch
from .errors import Unavailable

if TYPE_CHECKING:
    from .frame import FrameState
    from .module import ModuleData


class Tls:
    """The thread-local storage of one process.

    The program's own block follows the thread pointer.  Where libraries have theirs is known to
    the C library alone; its dynamic thread vector is not read.
    """

    def __init__(self, arch: Arch) -> None:
        self._layout = TLS[arch]

    def address(self, module: ModuleData, frame: FrameState, offset: int) -> int:
        """Return the run-time address of an offset in a module's block; raise `Unavailable`."""
        if not module.data.is_executable:
            raise Unavailable("thread-local storage of shared libraries is not followed")
        return frame.register(self._layout.pointer) + self._layout.gap + offset
