"""A stop in words, much as gdb says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi import signal as sig
from ...debug.control.api import Access, ControlError, Reason, Stop
from . import answers, model

if TYPE_CHECKING:
    from ...debug.control.debugger import Debugger
    from ...debug.control.looking import Look


def stopped(debugger: Debugger, look: Look, stop: Stop) -> model.Stopped:
    """Return the event that tells of ``stop``."""
    thread = debugger.kernel.threads.get(stop.tid)
    frame, number = None, 0
    if thread is not None and not thread.exited:
        frames = look.stack(thread)
        inside = stop.reason in (Reason.SYSCALL_ENTRY, Reason.SYSCALL_EXIT, Reason.PANIC)
        number = 0 if inside else min(look.first_user_frame(thread), len(frames) - 1)
        if frames:
            frame = answers.frame(look, thread, frames[number], number)
    text = _TEXTS[stop.reason](debugger, stop)
    return model.Stopped(
        stop.reason.value, stop.pid, stop.tid, text, frame, stop.breakpoints, stop.status, number
    )


def _breakpoint(debugger: Debugger, stop: Stop) -> str:
    found = []
    for number in stop.breakpoints:
        found.append(f"Breakpoint {number}")
        problem = _problem(debugger, number)
        if problem:
            found.append(problem)
    return ", ".join(found) or "Breakpoint"


def _problem(debugger: Debugger, number: int) -> str:
    try:
        return debugger.points[number].info.problem
    except ControlError:  # a temporary one
        return ""


def _watchpoint(debugger: Debugger, stop: Stop) -> str:
    watch = stop.watch
    assert watch is not None
    number = stop.breakpoints[0] if stop.breakpoints else 0
    name = debugger.points[number].info.location if number else f"*{watch.addr:#x}"
    title = {Access.WRITE: "Watchpoint", Access.READ: "Read watchpoint"}[watch.access]
    lines = [f"{title} {number}: {name}"]
    if watch.access is Access.WRITE:
        lines += [f"Old value = {_bytes(watch.old)}", f"New value = {_bytes(watch.new)}"]
    else:
        lines.append(f"Value = {_bytes(watch.new)}")
    if watch.by_kernel:
        lines.append(f"changed by the kernel, {watch.size} bytes at {watch.addr:#x}")
    return "\n".join(lines)


def _bytes(data: bytes) -> str:
    """Return bytes as the integer that they are, or in hexadecimal where they are too many."""
    if len(data) in (1, 2, 4, 8):
        return str(int.from_bytes(data, "little", signed=True))
    return data.hex(" ") if data else "<not mapped>"


def _signal(_: Debugger, stop: Stop) -> str:
    assert stop.signal is not None
    signo, addr = stop.signal.signo, stop.signal.addr
    name = sig.name(signo)
    faulted = stop.signal.code > 0 and (addr or signo in (sig.SIGSEGV, sig.SIGBUS))
    where = f", address {addr:#x}" if faulted else ""
    return f"Program received signal {name}{where}"


def _call(_: Debugger, stop: Stop) -> str:
    call = stop.call
    assert call is not None
    name = call.name or f"syscall_{call.number}"
    numbers = ", ".join(map(str, stop.breakpoints))
    title = f"Catchpoint {numbers}" if numbers else "Stopped"
    if call.result is None:
        return f"{title} (call to syscall {name})"
    return f"{title} (returned from syscall {name} = {call.result})"


def _step(_: Debugger, stop: Stop) -> str:
    if stop.value is None:
        return stop.text and f"The step ended by {stop.text}"
    value = stop.value - (stop.value >> 63 << 64)
    return f"Value returned: {value} ({stop.value:#x})"


def _event(what: Callable[[Stop], str]) -> Callable[[Debugger, Stop], str]:
    def text(_: Debugger, stop: Stop) -> str:
        numbers = " ".join(map(str, stop.breakpoints))
        return f"Catchpoint {numbers} ({what(stop)})".replace("  ", " ")

    return text


def _ended(_: Debugger, stop: Stop) -> str:
    status = stop.status
    if status & 0x7F:
        return f"[Process {stop.pid} was killed by {sig.name(status & 0x7F)}]"
    code = status >> 8 & 0xFF
    how = f"with status {code}" if code else "normally"
    return f"[Process {stop.pid} exited {how}]"


_TEXTS: Final[dict[Reason, Callable[[Debugger, Stop], str]]] = {
    Reason.PAUSE: lambda _, stop: f"Thread {stop.tid} stopped",
    Reason.BREAKPOINT: _breakpoint,
    Reason.WATCHPOINT: _watchpoint,
    Reason.STEP: _step,
    Reason.SIGNAL: _signal,
    Reason.SYSCALL_ENTRY: _call,
    Reason.SYSCALL_EXIT: _call,
    Reason.FORK: _event(lambda stop: f"forked process {stop.child}"),
    Reason.CLONE: _event(lambda stop: f"new thread {stop.child}"),
    Reason.EXEC: _event(lambda stop: f"exec'd {stop.text}"),
    Reason.THREAD_EXIT: lambda _, stop: f"[Thread {stop.tid} exited]",
    Reason.PROCESS_EXIT: _ended,
    Reason.PANIC: lambda _, stop: f"Kernel panic: {stop.text}",
}
