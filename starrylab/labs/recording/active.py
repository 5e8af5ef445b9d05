"""Who looks on, if anybody does.  Benches tell of their kernels here."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from .recorder import Recorder

ACTIVE: Final[ContextVar[Recorder | None]] = ContextVar("recorder", default=None)


def follow(kernel: Kernel) -> None:
    """Tell of a kernel that a bench built; nothing happens unless somebody records."""
    if (recorder := ACTIVE.get()) is not None:
        recorder.follow(kernel)


def over(kernel: Kernel) -> None:
    """Tell that a kernel's run is over and its memory about to go."""
    if (recorder := ACTIVE.get()) is not None:
        recorder.over(kernel)
