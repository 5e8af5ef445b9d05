"""The state of a kernel as plain data: processes with their memory and files, and RAM by use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...machine.api import EXEC, READ, WRITE

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.mm.space import AddressSpace
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread

_MOST: Final = 64  #: processes, areas or descriptors of one list
_PERMISSIONS: Final = ((READ, "r"), (WRITE, "w"), (EXEC, "x"))


def state_of(kernel: Kernel) -> dict[str, Any]:
    """Return what a kernel has; looking changes nothing."""
    processes = [process for _, process in sorted(kernel.processes.items())]
    return {
        "clock": kernel.executor.now / 1e9,
        "exit_status": kernel.exit_status,
        "panic": (kernel.panic_text or "").partition("\n")[0] or None,
        "forks": kernel.forks,
        "switches": kernel.executor.switches,
        "memory": {
            kind.name.lower().replace("_", " "): size
            for kind, size in kernel.frames.usage().items()
            if size
        },
        "processes": [_process(process) for process in processes[:_MOST]],
    }


def _process(process: Process) -> dict[str, Any]:
    found: dict[str, Any] = {
        "pid": process.pid,
        "ppid": process.parent.pid if process.parent is not None else 0,
        "name": process.comm.decode(errors="replace"),
        "zombie": process.zombie,
        "children": sorted(process.children),
    }
    if process.zombie:
        found["exit_status"] = process.exit_status
        return found
    threads = [thread for _, thread in sorted(process.threads.items())]
    found["threads"] = [_thread(thread) for thread in threads[:_MOST]]
    if threads:
        found["files"] = _files(threads[0])
        found["pages"] = threads[0].mm.rss_pages()
        found["areas"] = _areas(threads[0].mm)
    return found


def _thread(thread: Thread) -> dict[str, Any]:
    return {
        "tid": thread.tid,
        "state": thread.state.value,
        "call": thread.entry.name if thread.pending is not None and thread.entry else "",
        "pc": hex(thread.context.pc),
        "sp": hex(thread.context.sp),
        "blocked": hex(thread.signals.mask),
    }


def _files(thread: Thread) -> dict[str, str]:
    return {
        str(fd): bytes(file.path()).decode(errors="backslashreplace")
        for fd, file in list(thread.fds.items())[:_MOST]
    }


def _areas(space: AddressSpace) -> list[str]:
    shown = []
    for area in list(space.areas)[:_MOST]:
        rights = "".join(letter if area.prot & bit else "-" for bit, letter in _PERMISSIONS)
        first, end = area.start >> 12, area.end >> 12
        present = sum(first <= page < end for page in space.table)
        shown.append(f"{area.start:#x}-{area.end:#x} {rights} {present} pages")
    return shown
