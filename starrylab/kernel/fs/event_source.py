"""/sys/bus/event_source/devices: the kinds of performance events that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...abi import perf
from .proc._nodes import Link, StaticDir, ino_of

if TYPE_CHECKING:
    from ..vfs.node import FilesystemOps

#: name -> perf_event_attr.type
_SOURCES: Final = {"software": perf.TYPE_SOFTWARE, "tracepoint": perf.TYPE_TRACEPOINT}


def add_event_sources(
    fs: FilesystemOps,
    root: StaticDir,
    make_folder: Callable[[StaticDir, str], StaticDir],
    make_file: Callable[..., None],
) -> None:
    """Add a folder for each source; ``make_folder`` and ``make_file`` are sysfs's own."""
    bus = make_folder(root, "bus/event_source/devices")
    for name, number in _SOURCES.items():
        folder = make_folder(root, f"devices/{name}")
        make_file(folder, "type", _constant(number))
        make_file(folder, "perf_event_mux_interval_ms", _constant(4))
        target = f"../../../devices/{name}".encode()
        bus.children[name.encode()] = Link(fs, ino_of("sys:bus", name), target.__bytes__)


def _constant(number: int) -> Callable[[Any], str]:
    return lambda _: f"{number}\n"
