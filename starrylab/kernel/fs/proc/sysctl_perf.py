"""/proc/sys/kernel/perf_*: who may use performance events, and how much of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...perf.events import MAX_RATE
from ...perf.symbols import listed
from ._declare import proc
from ._numbers import setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...kernel import Kernel
    from ...perf.events import Settings
    from ...thread import Thread

_STACK_MOST = 640
_CONTEXTS_MOST = 1000


def _setter(name: str, low: int, high: int) -> Callable[[Kernel, Thread | None, bytes], None]:
    """Return what stores a setting between two bounds; raises ``EPERM``, ``EINVAL``."""

    def store(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
        settings: Settings = kernel.perf.settings
        setattr(settings, name, setting(thread, data, low, high))

    return store


@proc("sys/kernel/perf_event_paranoid", mode=0o644, write=_setter("paranoid", -1, 4))
def perf_event_paranoid(kernel: Kernel) -> str:
    """Show what needs CAP_PERFMON: above -1 raw records, 0 the whole CPU, 1 the kernel."""
    return f"{kernel.perf.settings.paranoid}\n"


@proc("sys/kernel/perf_event_mlock_kb", mode=0o644, write=_setter("mlock_kb", 0, 1 << 30))
def perf_event_mlock_kb(kernel: Kernel) -> str:
    """Show how much memory of buffers a user may have beyond RLIMIT_MEMLOCK."""
    return f"{kernel.perf.settings.mlock_kb}\n"


@proc("sys/kernel/perf_event_max_sample_rate", mode=0o644, write=_setter("max_rate", 1, MAX_RATE))
def perf_event_max_sample_rate(kernel: Kernel) -> str:
    """Show how many samples a second an event may take."""
    return f"{kernel.perf.settings.max_rate}\n"


@proc("sys/kernel/perf_event_max_stack", mode=0o644, write=_setter("max_stack", 1, _STACK_MOST))
def perf_event_max_stack(kernel: Kernel) -> str:
    """Show how many calls a callchain may have."""
    return f"{kernel.perf.settings.max_stack}\n"


@proc(
    "sys/kernel/perf_event_max_contexts_per_stack",
    mode=0o644,
    write=_setter("max_contexts", 1, _CONTEXTS_MOST),
)
def perf_event_max_contexts_per_stack(kernel: Kernel) -> str:
    """Show how many markers a callchain may have."""
    return f"{kernel.perf.settings.max_contexts}\n"


@proc("sys/kernel/kptr_restrict")
def kptr_restrict(_: Kernel) -> str:
    """Show that addresses of the kernel are no secret: nothing lies there."""
    return "0\n"


@proc("kallsyms")
def kallsyms(kernel: Kernel) -> str:
    """Show the addresses by which samples name the kernel's functions."""
    return "".join(f"{address:016x} T {name}\n" for address, name in listed(kernel.arch))
