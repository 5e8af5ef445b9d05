"""The support table of system calls, and the source of a handler."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from ...kernel.syscalls import declared
from ...kernel.syscalls._support import support_table
from .model import CallsDetails, CallSource, CallView

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel


def calls_details(kernel: Kernel) -> CallsDetails:
    """Return the table of the kernel's architecture."""
    return CallsDetails(tuple(CallView(*row) for row in support_table(kernel.arch)))


def call_source(name: str) -> CallSource:
    """Return the source of the handler of ``name``; nothing where there is none."""
    entry = declared().get(name)
    if entry is None:
        return CallSource(name)
    try:
        lines, first = inspect.getsourcelines(entry.function)
    except OSError:  # installed without sources
        return CallSource(name, entry.where)
    return CallSource(name, entry.where, first, "".join(lines))
