"""The file systems that show the kernel's own objects, made known to mount(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .proc._root import ProcFs
from .sysfs import SysFs

if TYPE_CHECKING:
    from ..kernel import Kernel


def register(kernel: Kernel) -> None:
    """Register proc and sysfs."""
    kernel.filesystems["proc"] = lambda kernel, _source, _flags, options: ProcFs(kernel, options)
    kernel.filesystems["sysfs"] = lambda kernel, _source, _flags, _options: SysFs(kernel)
