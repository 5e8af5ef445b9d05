"""Counters of a run, as text (`starrylab run --stats`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel


def report(kernel: Kernel) -> str:
    """Return the counters that the kernel keeps anyway: time, switches, memory by kind."""
    now = kernel.executor.now
    up = (now - kernel.boot_monotonic_ns) / 1e9
    lines = [
        "",
        f"up {up:.3f} s, idle {kernel.executor.idle_ns / 1e9:.3f} s",
        f"tasks switched {kernel.executor.switches}, threads made {kernel.forks}",
    ]
    usage = kernel.frames.usage()
    total = sum(usage.values())
    for kind, size in usage.items():
        lines.append(f"{kind.name.lower().replace('_', ' '):14} {size >> 10:8} KiB")
    lines.append(f"{'total':14} {total >> 10:8} KiB")
    return "\n".join(lines) + "\n"
