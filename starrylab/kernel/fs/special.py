"""The file systems that show the kernel's own objects, made known to mount(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .proc._root import ProcFs
from .sysfs import SysFs
from .tracefs import TraceFs

if TYPE_CHECKING:
    from ..kernel import Kernel


def register(kernel: Kernel) -> None:
    """Register proc, sysfs and tracefs."""
    kernel.filesystems["proc"] = lambda kernel, _source, _flags, options: ProcFs(kernel, options)
    kernel.filesystems["sysfs"] = lambda kernel, _source, _flags, _options: SysFs(kernel)
    kernel.filesystems["tracefs"] = lambda kernel, _source, _flags, _options: TraceFs(kernel)
