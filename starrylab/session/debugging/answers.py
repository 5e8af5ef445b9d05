"""From the debugger's own objects to what is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ...abi import signal as sig
from ...debug.control.api import ControlError
from ...debug.control.creating import signal_number
from ...debug.control.handling import ALL
from ...debug.disasm import explain
from ...debug.stack import FrameKind
from . import model

if TYPE_CHECKING:
    from ...abi.numbers import Arch
    from ...debug.control.api import Breakpoint
    from ...debug.control.debugger import Debugger
    from ...debug.control.handling import Handling
    from ...debug.control.looking import Look
    from ...debug.disasm import Row
    from ...debug.dwarf.tree import Node
    from ...debug.stack import Frame
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread


def point(debugger: Debugger, info: Breakpoint) -> model.PointInfo:
    """Return a breakpoint with the places where it is."""
    places = []
    for pid, addrs in info.addresses.items():
        process = debugger.kernel.processes.get(pid)
        suffix = f" (pid {pid})" if len(info.addresses) > 1 else ""
        for addr in addrs:
            text = _where(debugger, process, addr) if info.what == "breakpoint" else f"{addr:#x}"
            places.append(text + suffix)
    return model.PointInfo(
        info.number, info.what, info.location, info.enabled, info.temporary, info.hits,
        info.ignore, info.condition, info.problem, tuple(places),
    )  # fmt: skip


def variables(nodes: Iterable[Node]) -> model.Locals:
    """Return lines of a tree of variables."""
    return model.Locals(
        tuple(
            model.LocalInfo(n.name, n.type_name, n.text, n.is_argument, n.expandable, n.hidden)
            for n in nodes
        )
    )


def _where(debugger: Debugger, process: Process | None, addr: int) -> str:
    for thread in process.threads.values() if process is not None else ():
        found = debugger.code.locations(thread.mm, addr)
        if found and found[0].function:
            at = f" at {found[0].file}:{found[0].line}" if found[0].line else ""
            return f"{addr:#x} in {found[0].function}{at}"
    return f"{addr:#x}"


def frame(look: Look, thread: Thread, found: Frame, number: int) -> model.FrameInfo:
    """Return frame ``number`` of a stack, with its arguments."""
    arguments: tuple[tuple[str, str], ...] = ()
    if found.kind in (FrameKind.USER, FrameKind.INLINED) and found.line:
        try:
            arguments = tuple(
                (v.name, v.text) for v in look.locals(thread, number) if v.is_argument
            )
        except ControlError:
            arguments = ()
    return model.FrameInfo(
        found.kind.name.lower(), found.pc, found.module, found.function, found.offset, found.file,
        found.line, found.column, found.text, arguments,
    )  # fmt: skip


def stack(look: Look, thread: Thread, limit: int) -> model.Stack:
    """Return the one stack of a thread."""
    frames = look.stack(thread, limit)
    return model.Stack(tuple(frame(look, thread, f, n) for n, f in enumerate(frames)))


def thread(look: Look, found: Thread) -> model.ThreadInfo:
    """Return a thread and where it is."""
    frames = look.stack(found, 1)
    number = 0
    info = frame(look, found, frames[number], number) if frames else None
    name = found.comm.decode(errors="replace")
    return model.ThreadInfo(found.process.pid, found.tid, name, found.state.value, info)


def code(arch: Arch, rows: list[Row], pc: int) -> model.Code:
    """Return instructions."""
    return model.Code(
        tuple(
            model.CodeRow(
                r.instruction.address,
                r.instruction.data,
                r.instruction.text,
                r.target,
                r.file,
                r.line,
                r.starts_line,
                explain(arch, r.instruction),
            )
            for r in rows
        ),
        pc,
    )


def handle(handling: Handling, command: model.Handle) -> model.Signals:
    """Change what signals do, and return how it is now; raise `ControlError`."""
    if command.names == ("all",):
        numbers = sorted(ALL - {sig.SIGINT, sig.SIGTRAP})
    else:
        numbers = [signal_number(name) for name in command.names] or sorted(ALL)
    if command.names:
        for wanted, signals in (
            (command.stop, handling.stop),
            (command.show, handling.print),
            (command.passed, handling.passed),
        ):
            if wanted is not None:
                (signals.update if wanted else signals.difference_update)(numbers)
    return model.Signals(
        tuple(
            model.SignalInfo(
                n, sig.name(n), n in handling.stop, n in handling.print, n in handling.passed
            )
            for n in numbers
        )
    )


def maps(process: Process) -> Iterator[str]:
    """Yield the lines of /proc/PID/maps, without inode numbers."""
    for found in process.threads.values():
        for area in found.mm.maps():
            rights = "".join(
                letter if area.prot & bit else "-" for bit, letter in ((1, "r"), (2, "w"), (4, "x"))
            )
            name = area.name if area.place is None else area.place.path()
            share = "s" if area.shared else "p"
            text = f"{area.start:#14x} {area.end:#14x} {rights}{share} {area.offset:#x}"
            yield f"{text} {name.decode(errors='replace')}".rstrip()
        return
