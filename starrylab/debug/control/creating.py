"""Commands that make breakpoints, watchpoints and catchpoints (gdb's break, watch, catch)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from ...abi import numbers
from ...abi import signal as sig
from .api import Access, Breakpoint, ControlError, EventKind
from .evaluation import check_condition
from .locations import first_file, parse
from .places import Watch
from .points import Point, watch_name

if TYPE_CHECKING:
    from .debugger import Debugger

#: what happens to a C++ exception -> the function that does it (Itanium C++ ABI, 2.4 and 2.5)
EXCEPTIONS: Final = {
    "throw": "__cxa_throw", "rethrow": "__cxa_rethrow", "catch": "__cxa_begin_catch",
}  # fmt: skip


def add_breakpoint(
    debugger: Debugger, location: str, *, file: str = "", line: int = 0, condition: str = "",
    temporary: bool = False, pid: int = 0, tid: int = 0, ignore: int = 0,
) -> Breakpoint:  # fmt: skip
    """Break at a place, now or when it is loaded; `ControlError` for words that are none."""
    info = Breakpoint(
        0, "breakpoint", location, condition, temporary=temporary, pid=pid, tid=tid, ignore=ignore
    )
    processes = debugger.processes()
    if not file and location.strip().isdigit() and processes:
        file = first_file(debugger.code, processes[0].leader.mm)
    point = Point(info, parse(location, file=file, line=line))
    made = debugger.points.add(point, processes)
    debugger.events.refresh()
    return made


def add_watchpoint(
    debugger: Debugger, addr: int, size: int, access: Access, *, text: str = "",
    condition: str = "", pid: int = 0, tid: int = 0,
) -> Breakpoint:  # fmt: skip
    """Watch bytes of one process; `ControlError` if they are not there."""
    if not 0 < size <= 4096:
        raise ControlError("a watchpoint covers 1 to 4096 bytes")
    processes = [p for p in debugger.processes() if pid in (0, p.pid)][:1]
    if not processes:
        raise ControlError(f"no process {pid}")
    if len(debugger.read_memory(processes[0], addr, size)) != size:
        raise ControlError(f"cannot watch memory at address {addr:#x}")
    pid = processes[0].pid
    info = Breakpoint(0, watch_name(access), text or f"*{addr:#x}", condition, pid=pid, tid=tid)
    point = Point(info, watch=Watch(addr, size, access, ""))
    point.watch = Watch(addr, size, access, point)
    made = debugger.points.add(point, processes)
    debugger.events.refresh()
    return made


def catch_calls(
    debugger: Debugger, names: Collection[str], *, condition: str = "", pid: int = 0
) -> Breakpoint:
    """Stop at entry and exit of system calls by name or number; without names, of all."""
    known = {name: number for number, name in numbers.names(debugger.kernel.arch).items()}
    found = set()
    for name in names:
        if name in known:
            found.add(known[name])
        elif name.isdigit():
            found.add(int(name))
        else:
            raise ControlError(f"unknown syscall name: {name}")
    info = Breakpoint(0, "catch syscall", " ".join(names) or "any", condition, pid=pid)
    point = Point(info, calls=frozenset(found) if names else None)
    made = debugger.points.add(point, ())
    debugger.update_calls()
    return made


def catch_signals(
    debugger: Debugger, names: Collection[str], *, condition: str = "", pid: int = 0
) -> Breakpoint:
    """Stop at signals by name or number; without names, at all of them."""
    signals = frozenset(signal_number(name) for name in names)
    info = Breakpoint(0, "catch signal", " ".join(names) or "any", condition, pid=pid)
    return debugger.points.add(Point(info, signals=signals if names else None), ())


def catch_event(debugger: Debugger, kind: EventKind, *, condition: str = "") -> Breakpoint:
    """Stop at a process event."""
    info = Breakpoint(0, f"catch {kind.value}", "", condition)
    return debugger.points.add(Point(info, event=kind), ())


def catch_exception(debugger: Debugger, kind: str, *, condition: str = "") -> Breakpoint:
    """Stop where a C++ exception is thrown, thrown again or caught (see `EXCEPTIONS`)."""
    info = Breakpoint(0, f"catch {kind}", "", condition)
    made = debugger.points.add(Point(info, parse(EXCEPTIONS[kind])), debugger.processes())
    debugger.events.refresh()
    return made


def change(
    debugger: Debugger, number: int, *, enabled: bool | None = None,
    condition: str | None = None, ignore: int | None = None,
) -> Breakpoint:  # fmt: skip
    """Change what is not ``None``; `ControlError` for an unknown number or a wrong condition."""
    point = debugger.points[number]
    info = point.info
    if condition is not None:
        check_condition(condition)
        info.condition = condition
        info.problem = ""
    if ignore is not None:
        info.ignore = ignore
    if enabled is not None:
        info.enabled = enabled
        debugger.points.settle(point, debugger.processes())
        debugger.events.refresh()
    return info


def signal_number(name: str) -> int:
    """Return the number of a signal by name (with or without SIG) or number."""
    if name.isdigit() and 0 < int(name) < 65:
        return int(name)
    upper = name.upper()
    for number in range(1, 65):
        if sig.name(number) in (upper, f"SIG{upper}"):
            return number
    raise ControlError(f"unknown signal: {name}")
