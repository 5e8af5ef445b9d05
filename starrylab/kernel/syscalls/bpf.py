"""bpf(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._declare import syscall
from ._shown import BpfAttr, BpfCommand
from ._types import UInt

if TYPE_CHECKING:
    from ..thread import Thread


@syscall(
    partial="programs are socket filters, tracepoints, raw tracepoints and perf events; the kernel "
    "has no BTF, no cgroups and no network; the verifier follows 131072 instructions"
)
def bpf(t: Thread, command: BpfCommand, attr: BpfAttr, size: UInt) -> int:
    """bpf(2)."""
    from ..bpf.commands.table import serve  # most machines never need it

    return serve(t, command, attr, size)
